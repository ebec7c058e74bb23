//! [`List`]: a sequence that clones in O(1) and shares structure.
//!
//! What not: no insertion in the middle; hosts rebuild the list for that.
//! Invariants: a change to one clone is invisible in the others; how the items are stored (one vector while few,
//! [`Places`] above [`SMALL`]) shows neither in equality nor in the encoding.

use crate::places::{self, Places};
use crate::value::Value;
use std::fmt;
use std::sync::Arc;

/// Up to this many items one vector is cheaper than a tree.
const SMALL: usize = 32;

#[derive(Clone)]
enum Repr {
    Small(Arc<Vec<Value>>),
    Large(Arc<Places<Value>>),
}

/// A persistent sequence of values.
#[derive(Clone)]
pub struct List(Repr);

impl List {
    /// An empty list.
    pub fn new() -> Self {
        Self(Repr::Small(Arc::new(Vec::new())))
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Small(items) => items.len(),
            Repr::Large(items) => items.len(),
        }
    }

    /// True if there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at `index`, counted from 0.
    pub fn get(&self, index: usize) -> Option<&Value> {
        match &self.0 {
            Repr::Small(items) => items.get(index),
            Repr::Large(items) => items.get(index as u64),
        }
    }

    /// The item at `index`, to be changed; what other clones see stays.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Value> {
        if index >= self.len() {
            return None;
        }
        match &mut self.0 {
            Repr::Small(items) => Arc::make_mut(items).get_mut(index),
            Repr::Large(items) => Arc::make_mut(items).get_mut(index as u64),
        }
    }

    /// Adds an item at the end, in O(log n).
    pub fn push(&mut self, value: Value) {
        match &mut self.0 {
            Repr::Small(items) if items.len() < SMALL => Arc::make_mut(items).push(value),
            Repr::Small(items) => {
                let mut many: Places<Value> = items.iter().cloned().collect();
                many.push(value);
                self.0 = Repr::Large(Arc::new(many));
            }
            Repr::Large(items) => {
                Arc::make_mut(items).push(value);
            }
        }
    }

    /// The items in order.
    pub fn iter(&self) -> ListIter<'_> {
        ListIter(match &self.0 {
            Repr::Small(items) => Walk::Small(items.iter()),
            Repr::Large(items) => Walk::Large(Box::new(items.iter()), items.len()),
        })
    }

    /// True if both are the same list in memory, which implies that they are equal.
    pub fn ptr_eq(&self, other: &List) -> bool {
        match (&self.0, &other.0) {
            (Repr::Small(a), Repr::Small(b)) => Arc::ptr_eq(a, b),
            (Repr::Large(a), Repr::Large(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.ptr_eq(other) || (self.len() == other.len() && self.iter().eq(other.iter()))
    }
}

impl Eq for List {}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> Self {
        if items.len() <= SMALL {
            Self(Repr::Small(Arc::new(items)))
        } else {
            Self(Repr::Large(Arc::new(items.into_iter().collect())))
        }
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        items.into_iter().collect::<Vec<_>>().into()
    }
}

impl<'a> IntoIterator for &'a List {
    type Item = &'a Value;
    type IntoIter = ListIter<'a>;

    fn into_iter(self) -> ListIter<'a> {
        self.iter()
    }
}

enum Walk<'a> {
    Small(std::slice::Iter<'a, Value>),
    Large(Box<places::Iter<'a, Value>>, usize),
}

/// The items of a [`List`] in order. Made by [`List::iter`].
pub struct ListIter<'a>(Walk<'a>);

impl<'a> Iterator for ListIter<'a> {
    type Item = &'a Value;

    fn next(&mut self) -> Option<&'a Value> {
        match &mut self.0 {
            Walk::Small(items) => items.next(),
            Walk::Large(items, left) => {
                let item = items.next()?;
                *left -= 1;
                Some(item)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Walk::Small(items) => items.len(),
            Walk::Large(_, left) => *left,
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for ListIter<'_> {}
