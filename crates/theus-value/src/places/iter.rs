//! [`Iter`]: the items of [`Places`](super::Places) in the order of their places.
//!
//! What not: no length; who needs it counts along.
//! Invariants: a hot place gives its hot value and not the tree's; the hot ones are ascending and all in the tree.
//! A leaf is walked in runs between its hot places, so most items cost one step in a slice.

use super::node::{Node, WIDTH, rank};
use std::{iter, slice, vec};

pub(crate) struct Iter<'a, T> {
    /// The items of the leaf up to its next hot place.
    run: slice::Iter<'a, T>,
    /// The items of the leaf from its next hot place on; empty if it has none.
    rest: &'a [T],
    /// All items of the leaf, which of its places they are at, and its first place.
    leaf: (&'a [T], u16, u64),
    /// What is left of each branch on the way to the leaf.
    above: Vec<slice::Iter<'a, Node<T>>>,
    hot: iter::Peekable<vec::IntoIter<(u64, &'a T)>>,
    tail: slice::Iter<'a, T>,
}

impl<'a, T> Iter<'a, T> {
    pub(super) fn new(root: Option<&'a Node<T>>, hot: Vec<(u64, &'a T)>, tail: &'a [T]) -> Self {
        Self {
            run: [].iter(),
            rest: &[],
            leaf: (&[], 0, 0),
            above: root.map(slice::from_ref).map(<[_]>::iter).into_iter().collect(),
            hot: hot.into_iter().peekable(),
            tail: tail.iter(),
        }
    }

    /// Lets the run end before the next hot place of the leaf.
    fn cut(&mut self) {
        let (items, mask, base) = self.leaf;
        let gone = items.len() - self.rest.len();
        let hot = self.hot.peek().filter(|(place, _)| *place < base + WIDTH);
        let until =
            hot.and_then(|(place, _)| rank(mask, place - base)).map_or(self.rest.len(), |at| at - gone);
        let (run, rest) = self.rest.split_at(until);
        (self.run, self.rest) = (run.iter(), rest);
    }

    /// The item after the run.
    #[inline(never)]
    fn after_run(&mut self) -> Option<&'a T> {
        loop {
            if let Some((_, rest)) = self.rest.split_first() {
                let hot = self.hot.next();
                self.rest = rest;
                self.cut();
                return hot.map(|(_, value)| value);
            }
            if !self.next_leaf() {
                self.run = std::mem::take(&mut self.tail);
                return self.run.next();
            }
            if let Some(item) = self.run.next() {
                return Some(item);
            }
        }
    }

    fn next_leaf(&mut self) -> bool {
        while let Some(top) = self.above.last_mut() {
            match top.next() {
                Some(Node::Branch { children, .. }) => self.above.push(children.iter()),
                Some(Node::Leaf { items, mask, base }) => {
                    self.leaf = (items, *mask, *base);
                    self.rest = items;
                    self.cut();
                    return true;
                }
                None => {
                    self.above.pop();
                }
            }
        }
        false
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        match self.run.next() {
            Some(item) => Some(item),
            None => self.after_run(),
        }
    }
}
