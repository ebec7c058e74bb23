//! Maps that change in place behind locks: no snapshots, or snapshots at the price of a whole copy.
//!
//! What not: they keep no older version, so they do less than ours; their names in the table say so.

use super::{Root, number};
use dashmap::DashMap;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};
use theus_value::{Key, Value};

/// A `Mutex<HashMap>`.
pub struct Locked(Mutex<HashMap<Key, Value>>);

/// An `RwLock<HashMap>`.
pub struct Shared(RwLock<HashMap<Key, Value>>);

/// A `DashMap`: shards with a lock each.
pub struct Sharded(DashMap<Key, Value>);

impl Locked {
    /// What a snapshot costs here: a copy of the whole map.
    pub fn snapshot(&self) -> HashMap<Key, Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Root for Locked {
    type Job = (Key, Value);

    fn of(entries: Vec<(Key, Value)>) -> Self {
        Locked(Mutex::new(entries.into_iter().collect()))
    }

    fn job(&self, _ahead: usize, key: &Key, value: i64) -> (Key, Value) {
        (Key::clone(key), Value::from(value))
    }

    fn commit(&self, (key, value): (Key, Value)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }

    fn read(&self, key: &Key) -> i64 {
        number(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key))
    }
}

impl Root for Shared {
    type Job = (Key, Value);

    fn of(entries: Vec<(Key, Value)>) -> Self {
        Shared(RwLock::new(entries.into_iter().collect()))
    }

    fn job(&self, _ahead: usize, key: &Key, value: i64) -> (Key, Value) {
        (Key::clone(key), Value::from(value))
    }

    fn commit(&self, (key, value): (Key, Value)) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }

    fn read(&self, key: &Key) -> i64 {
        number(self.0.read().unwrap_or_else(PoisonError::into_inner).get(key))
    }
}

impl Root for Sharded {
    type Job = (Key, Value);

    fn of(entries: Vec<(Key, Value)>) -> Self {
        Sharded(entries.into_iter().collect())
    }

    fn job(&self, _ahead: usize, key: &Key, value: i64) -> (Key, Value) {
        (Key::clone(key), Value::from(value))
    }

    fn commit(&self, (key, value): (Key, Value)) {
        self.0.insert(key, value);
    }

    fn read(&self, key: &Key) -> i64 {
        number(self.0.get(key).as_deref())
    }
}
