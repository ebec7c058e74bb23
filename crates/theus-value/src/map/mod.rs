//! [`Map`]: string keys to values in insertion order, cloned in O(1), changed in O(log n) with shared structure.
//!
//! What not: no other key type; a host stores such a mapping as an [`Object`](crate::Object).
//! Invariants: a change to one clone is invisible in the others; replacing a value keeps the key's place;
//! how the entries are stored (one vector while few, [`Table`] above [`SMALL`]) shows neither in equality nor in
//! the encoding. Two maps are equal when their entries are equal in the same order.

mod iter;
mod table;

pub use iter::MapIter;
pub use table::Table;

use crate::path::Path;
use crate::value::{Key, Value};
use std::fmt;
use std::sync::Arc;

/// Up to this many entries a scan of one vector beats hashing.
const SMALL: usize = 16;
/// A large map that shrinks to this becomes small again; half, so that it does not swing to and fro.
const SHRINK: usize = SMALL / 2;

type Entry = (Key, Value);

#[derive(Clone)]
enum Repr {
    Small(Arc<Vec<Entry>>),
    Large(Arc<Table<Value>>),
}

/// A persistent, insertion-ordered map.
///
/// ```
/// use theus_value::{Map, Value};
///
/// let mut old = Map::new();
/// old.insert("a".into(), Value::from(1));
/// let mut new = old.clone();
/// new.insert("a".into(), Value::from(2));
/// assert_eq!(old.get("a"), Some(&Value::from(1)));
/// assert_eq!(new.get("a"), Some(&Value::from(2)));
/// ```
#[derive(Clone)]
pub struct Map(Repr);

impl Map {
    /// An empty map.
    pub fn new() -> Self {
        Self(Repr::Small(Arc::new(Vec::new())))
    }

    /// The keys must differ from one another.
    pub(crate) fn from_distinct(entries: Vec<(Key, Value)>) -> Self {
        if entries.len() <= SMALL {
            Self(Repr::Small(Arc::new(entries)))
        } else {
            entries.into_iter().collect()
        }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Small(entries) => entries.len(),
            Repr::Large(large) => large.len(),
        }
    }

    /// True if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match &self.0 {
            Repr::Small(entries) => position(entries, key).map(|at| &entries[at].1),
            Repr::Large(large) => large.get(key),
        }
    }

    /// The value at `key`, to be changed; what other clones see stays.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match &mut self.0 {
            Repr::Small(entries) => position(entries, key).map(|at| &mut Arc::make_mut(entries)[at].1),
            Repr::Large(large) => {
                let place = large.place(key)?;
                Arc::make_mut(large).at(place)
            }
        }
    }

    /// The value at `key`, made by `default` if there is none, to be changed; what other clones see stays.
    pub fn get_or_insert_with(&mut self, key: &Key, default: impl FnOnce() -> Value) -> &mut Value {
        if matches!(&self.0, Repr::Small(entries) if entries.len() >= SMALL && position(entries, key).is_none())
        {
            self.grow();
        }
        match &mut self.0 {
            Repr::Small(entries) => {
                let entries = Arc::make_mut(entries);
                let at = position(entries, key).unwrap_or_else(|| {
                    entries.push((Arc::clone(key), default()));
                    entries.len() - 1
                });
                &mut entries[at].1
            }
            Repr::Large(large) => Arc::make_mut(large).get_or_insert_with(key, default),
        }
    }

    /// The value at `path`; nothing for the root, whose value is this map itself.
    pub fn get_path(&self, path: &Path) -> Option<&Value> {
        let (first, below) = path.segments().split_first()?;
        self.get(first)?.get(below)
    }

    /// True if `key` is there.
    pub fn contains_key(&self, key: &str) -> bool {
        match &self.0 {
            Repr::Small(entries) => position(entries, key).is_some(),
            Repr::Large(large) => large.contains_key(key),
        }
    }

    /// Puts `value` at `key` and gives back what was there. A new key goes to the end, an old one keeps its place.
    pub fn insert(&mut self, key: Key, value: Value) -> Option<Value> {
        if matches!(&self.0, Repr::Small(entries) if entries.len() >= SMALL && position(entries, &key).is_none())
        {
            self.grow();
        }
        match &mut self.0 {
            Repr::Small(entries) => {
                let entries = Arc::make_mut(entries);
                match position(entries, &key) {
                    Some(at) => Some(std::mem::replace(&mut entries[at].1, value)),
                    None => {
                        entries.push((key, value));
                        None
                    }
                }
            }
            Repr::Large(large) => Arc::make_mut(large).insert(key, value),
        }
    }

    /// Takes `key` out and gives back its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        match &mut self.0 {
            Repr::Small(entries) => {
                let at = position(entries, key)?;
                Some(Arc::make_mut(entries).remove(at).1)
            }
            Repr::Large(large) => {
                if !large.contains_key(key) {
                    return None;
                }
                let removed = Arc::make_mut(large).remove(key);
                if large.len() <= SHRINK {
                    let entries = large.iter().map(|(key, value)| (Arc::clone(key), value.clone())).collect();
                    self.0 = Repr::Small(Arc::new(entries));
                }
                removed
            }
        }
    }

    /// The entries in insertion order.
    pub fn iter(&self) -> MapIter<'_> {
        match &self.0 {
            Repr::Small(entries) => MapIter::small(entries),
            Repr::Large(large) => MapIter::large(large),
        }
    }

    /// The keys in insertion order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.iter().map(|(key, _)| key)
    }

    /// The values in insertion order.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }

    fn grow(&mut self) {
        if let Repr::Small(entries) = &self.0 {
            self.0 = Repr::Large(Arc::new(entries.iter().cloned().collect()));
        }
    }

    /// True if both are the same map in memory, which implies that they are equal.
    pub fn ptr_eq(&self, other: &Map) -> bool {
        match (&self.0, &other.0) {
            (Repr::Small(a), Repr::Small(b)) => Arc::ptr_eq(a, b),
            (Repr::Large(a), Repr::Large(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

fn position(entries: &[Entry], key: &str) -> Option<usize> {
    entries.iter().position(|(have, _)| **have == *key)
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.ptr_eq(other) || (self.len() == other.len() && self.iter().eq(other.iter()))
    }
}

impl Eq for Map {}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl FromIterator<(Key, Value)> for Map {
    /// A repeated key keeps its first place and its last value.
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(entries: I) -> Self {
        let mut map = Map::new();
        map.extend(entries);
        map
    }
}

impl Extend<(Key, Value)> for Map {
    fn extend<I: IntoIterator<Item = (Key, Value)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Key, &'a Value);
    type IntoIter = MapIter<'a>;

    fn into_iter(self) -> MapIter<'a> {
        self.iter()
    }
}
