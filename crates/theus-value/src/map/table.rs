//! [`Table`]: keys to items in insertion order, for many of them.
//!
//! Keys and items lie apart, each in [`Places`], at the same places: replacing an item copies items and leaves the
//! keys alone, with their index, behind one shared pointer.
//!
//! What not: no care for few entries, for which one vector is cheaper; no equality. Invariant: `index`, `keys` and
//! `items` know the same places, and the index holds for each key the place where `keys` has it.

use crate::item::Item;
use crate::places::{self, Places};
use crate::value::Key;
use std::iter::Zip;
use std::sync::Arc;

/// Keys and items in the order of their places.
pub(super) type Iter<'a, T> = Zip<places::Iter<'a, Key>, places::Iter<'a, T>>;

/// Many keys to items: persistent, in insertion order, cheap to change again and again at the same few keys.
///
/// What a large [`Map`](crate::Map) is made of, for those who keep something of their own for each key. A clone costs
/// O(1). A change of one clone is invisible in the others, shares all that it did not touch with them, and costs
/// O(log n); at a key that was changed lately it costs the same in a table of any size.
///
/// ```
/// use theus_value::{Key, Table, Value};
///
/// let old: Table<Value> = (0..1000).map(|n| (Key::from(n.to_string()), Value::from(n))).collect();
/// let mut new = old.clone();
/// assert_eq!(new.remove("7"), Some(Value::from(7)));
/// assert_eq!((old.len(), new.len()), (1000, 999));
/// assert_eq!(old.iter().nth(7), Some((&Key::from("7"), &Value::from(7))));
/// ```
#[derive(Clone, Debug)]
pub struct Table<T> {
    shape: Arc<Shape>,
    items: Places<T>,
}

/// What only a key that comes or goes changes.
#[derive(Clone, Debug, Default)]
struct Shape {
    index: imbl::HashMap<Key, u64>,
    keys: Places<Key>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { shape: Arc::default(), items: Places::default() }
    }
}

impl<T> Table<T> {
    /// The number of entries.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if `key` is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    /// The item at `key`.
    pub fn get(&self, key: &str) -> Option<&T> {
        self.items.get(self.place(key)?)
    }

    /// The entries in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &T)> {
        self.walk()
    }

    pub(super) fn walk(&self) -> Iter<'_, T> {
        self.shape.keys.iter().zip(self.items.iter())
    }

    /// The place of `key`.
    pub(super) fn place(&self, key: &str) -> Option<u64> {
        self.shape.index.get(key).copied()
    }
}

impl<T: Item> Table<T> {
    /// The item at a place that [`place`](Self::place) gave.
    pub(super) fn at(&mut self, place: u64) -> Option<&mut T> {
        self.items.get_mut(place)
    }

    /// Puts `item` at `key` and gives back what was there. A new key goes to the end, an old one keeps its place.
    pub fn insert(&mut self, key: Key, item: T) -> Option<T> {
        match self.place(&key).and_then(|place| self.items.get_mut(place)) {
            Some(old) => Some(std::mem::replace(old, item)),
            None => {
                self.push(key, item);
                None
            }
        }
    }

    /// The item at `key`, made by `default` if there is none, to be changed.
    pub fn get_or_insert_with(&mut self, key: &Key, default: impl FnOnce() -> T) -> &mut T {
        let place = match self.place(key) {
            Some(place) => place,
            None => self.push(Arc::clone(key), default()),
        };
        let Some(item) = self.items.get_mut(place) else {
            unreachable!("the index names places that the items have")
        };
        item
    }

    /// Takes `key` out and gives back its item.
    pub fn remove(&mut self, key: &str) -> Option<T> {
        let place = self.place(key)?;
        let shape = Arc::make_mut(&mut self.shape);
        shape.index.remove(key);
        shape.keys.remove(place);
        self.items.remove(place)
    }

    /// Adds an entry with a new key at the end.
    fn push(&mut self, key: Key, item: T) -> u64 {
        let shape = Arc::make_mut(&mut self.shape);
        shape.keys.push(Arc::clone(&key));
        let place = self.items.push(item);
        shape.index.insert(key, place);
        place
    }
}

impl<T: Item> FromIterator<(Key, T)> for Table<T> {
    /// A repeated key keeps its first place and its last item.
    fn from_iter<I: IntoIterator<Item = (Key, T)>>(entries: I) -> Self {
        let mut table = Table::default();
        entries.into_iter().for_each(|(key, item)| drop(table.insert(key, item)));
        table
    }
}
