//! [`Children`]: what a node of the stamps knows of the places right below it, by key.
//!
//! What not: no order, no meaning. Invariant: a clone is as good as a copy; which of the two ways the entries are
//! stored shows nowhere else. Few entries are one vector, copied whole and searched by comparing; many are a
//! [`Table`], of which a change copies O(log n), and less where it was changed lately.

use theus_value::{Item, Key, Table};

/// Up to this many entries copying and scanning one vector beats hashing and copying nodes of a tree.
const FEW: usize = 16;

#[derive(Clone, Debug)]
pub(crate) enum Children<T> {
    Few(Vec<(Key, T)>),
    Many(Table<T>),
}

impl<T> Default for Children<T> {
    fn default() -> Self {
        Children::Few(Vec::new())
    }
}

impl<T: Item> Children<T> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Children::Few(few) => few.len(),
            Children::Many(many) => many.len(),
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        match self {
            Children::Few(few) => few.iter().find(|(have, _)| **have == *key).map(|(_, child)| child),
            Children::Many(many) => many.get(key),
        }
    }

    /// The child at `key`, made by `default` if there is none.
    pub(crate) fn get_or_insert_with(&mut self, key: &Key, default: impl FnOnce() -> T) -> &mut T {
        if matches!(self, Children::Few(few) if few.len() == FEW && self.get(key).is_none()) {
            *self = Children::Many(self.iter().map(|(key, child)| (key.clone(), child.clone())).collect());
        }
        match self {
            Children::Few(few) => {
                let at = few.iter().position(|(have, _)| have == key).unwrap_or_else(|| {
                    few.push((key.clone(), default()));
                    few.len() - 1
                });
                &mut few[at].1
            }
            Children::Many(many) => many.get_or_insert_with(key, default),
        }
    }

    pub(crate) fn remove(&mut self, key: &str) {
        match self {
            Children::Few(few) => few.retain(|(have, _)| **have != *key),
            Children::Many(many) => {
                many.remove(key);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &T)> {
        let (few, many) = match self {
            Children::Few(few) => (Some(few), None),
            Children::Many(many) => (None, Some(many)),
        };
        few.into_iter()
            .flatten()
            .map(|(key, child)| (key, child))
            .chain(many.into_iter().flat_map(Table::iter))
    }
}
