//! [`MapIter`]: the entries of a [`Map`](super::Map) in insertion order.
//!
//! What not: no change while walking. Invariant: it knows how many entries are left.

use super::Entry;
use super::table::{self, Table};
use crate::value::{Key, Value};
use std::slice;

/// The entries of a [`Map`](super::Map) in insertion order. Made by [`Map::iter`](super::Map::iter).
pub struct MapIter<'a>(Walk<'a>);

enum Walk<'a> {
    Small(slice::Iter<'a, Entry>),
    Large(Box<table::Iter<'a, Value>>, usize),
}

impl<'a> MapIter<'a> {
    pub(super) fn small(entries: &'a [Entry]) -> Self {
        Self(Walk::Small(entries.iter()))
    }

    pub(super) fn large(entries: &'a Table<Value>) -> Self {
        Self(Walk::Large(Box::new(entries.walk()), entries.len()))
    }
}

impl<'a> Iterator for MapIter<'a> {
    type Item = (&'a Key, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::Small(entries) => entries.next().map(|(key, value)| (key, value)),
            Walk::Large(entries, left) => {
                let entry = entries.next()?;
                *left -= 1;
                Some(entry)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Walk::Small(entries) => entries.len(),
            Walk::Large(_, left) => *left,
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for MapIter<'_> {}
