//! [`Swapped`]: a persistent map behind an `ArcSwap`; a commit is a clone, an insert and a pointer swap.
//!
//! What not: no conflict check and no order of writers, both of which ours has: two writers at once would lose changes.

use super::{Root, number};
use arc_swap::ArcSwap;
use std::sync::Arc;
use theus_value::{Key, Value};

/// A map whose clones share what they have in common.
pub trait Persistent: Clone + Send + Sync {
    /// The map of these entries.
    fn of(entries: Vec<(Key, Value)>) -> Self;

    /// Puts `value` at `key`.
    fn put(&mut self, key: Key, value: Value);

    /// The value at `key`.
    fn look(&self, key: &Key) -> Option<&Value>;
}

impl Persistent for imbl::HashMap<Key, Value> {
    fn of(entries: Vec<(Key, Value)>) -> Self {
        entries.into_iter().collect()
    }

    fn put(&mut self, key: Key, value: Value) {
        self.insert(key, value);
    }

    fn look(&self, key: &Key) -> Option<&Value> {
        self.get(key)
    }
}

impl Persistent for imbl::OrdMap<Key, Value> {
    fn of(entries: Vec<(Key, Value)>) -> Self {
        entries.into_iter().collect()
    }

    fn put(&mut self, key: Key, value: Value) {
        self.insert(key, value);
    }

    fn look(&self, key: &Key) -> Option<&Value> {
        self.get(key)
    }
}

impl Persistent for rpds::HashTrieMapSync<Key, Value> {
    fn of(entries: Vec<(Key, Value)>) -> Self {
        entries.into_iter().collect()
    }

    fn put(&mut self, key: Key, value: Value) {
        self.insert_mut(key, value);
    }

    fn look(&self, key: &Key) -> Option<&Value> {
        self.get(key)
    }
}

/// The newest map behind one pointer.
pub struct Swapped<M>(pub ArcSwap<M>);

impl<M: Persistent> Swapped<M> {
    /// The commit for more than one writer: `ArcSwap::rcu`, which tries again when another was faster.
    pub fn commit_among_writers(&self, (key, value): (Key, Value)) {
        self.0.rcu(|map| {
            let mut map = M::clone(map);
            map.put(Key::clone(&key), value.clone());
            map
        });
    }
}

impl<M: Persistent> Root for Swapped<M> {
    type Job = (Key, Value);

    fn of(entries: Vec<(Key, Value)>) -> Self {
        Swapped(ArcSwap::from_pointee(M::of(entries)))
    }

    fn job(&self, _ahead: usize, key: &Key, value: i64) -> (Key, Value) {
        (Key::clone(key), Value::from(value))
    }

    fn commit(&self, (key, value): (Key, Value)) {
        let mut map = M::clone(&self.0.load());
        map.put(key, value);
        self.0.store(Arc::new(map));
    }

    fn read(&self, key: &Key) -> i64 {
        number(self.0.load().look(key))
    }
}
