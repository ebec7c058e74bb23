//! [`Places`]: items at numbered places, cloned in O(1), changed in O(log n) with shared structure.
//!
//! What not: no keys, no hashing, no insertion in the middle. A place is given out once, in ascending order, and
//! never again; so a map's order of insertion is its order of places, and a list's indices are its places.
//!
//! Three parts, looked at in this order:
//! - `tail`: the newest places, up to [`WIDTH`], as one vector, so that most pushes touch no tree. The tail of
//!   Clojure's persistent vector (Hickey 2007).
//! - `hot`: a few places that are written again and again, in front of the tree (see [`Hot`]).
//! - `root`: all other places as a compressed radix tree (see [`Node`]).
//!
//! Invariants
//! - `tail` holds the live places from `next` rounded down to a multiple of [`WIDTH`]; the tree holds older ones only.
//! - A place in `hot` is in the tree as well; what the tree has there is out of date and keeps nothing alive.
//! - A change to one clone is invisible in the others. What nobody else holds is changed in place.

mod hot;
mod iter;
mod node;
#[cfg(test)]
mod tests;

pub(crate) use iter::Iter;

use crate::item::Item;
use hot::{Hot, Seen};
use node::{Node, WIDTH, rank};
use std::sync::Arc;

/// A persistent sparse array that grows at its end.
#[derive(Clone, Debug)]
pub(crate) struct Places<T> {
    root: Option<Node<T>>,
    hot: Hot<T>,
    tail: Arc<Vec<T>>,
    /// Which of the tail's places are live; the vector holds those alone.
    tail_mask: u16,
    next: u64,
    len: usize,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { root: None, hot: Hot::default(), tail: Arc::default(), tail_mask: 0, next: 0, len: 0 }
    }
}

impl<T> Places<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, place: u64) -> Option<&T> {
        if place >= self.tail_start() {
            return self.tail.get(self.at_in_tail(place)?);
        }
        self.hot.get(place).or_else(|| self.root.as_ref()?.get(place))
    }

    /// The items in the order of their places.
    pub(crate) fn iter(&self) -> Iter<'_, T> {
        Iter::new(self.root.as_ref(), self.hot.sorted(), &self.tail)
    }

    fn tail_start(&self) -> u64 {
        self.next & !(WIDTH - 1)
    }

    /// Where the tail has the item of `place`, which is not before its start.
    fn at_in_tail(&self, place: u64) -> Option<usize> {
        if place < self.next { rank(self.tail_mask, place & (WIDTH - 1)) } else { None }
    }
}

impl<T: Clone> Places<T> {
    /// Puts `item` at the next place, which it gives back.
    pub(crate) fn push(&mut self, item: T) -> u64 {
        let place = self.next;
        self.own_tail().push(item);
        self.tail_mask |= 1 << (place & (WIDTH - 1));
        self.next += 1;
        self.len += 1;
        if self.next == self.tail_start() {
            self.settle_tail(place);
        }
        place
    }

    /// Takes the item out. The place stays empty for ever.
    pub(crate) fn remove(&mut self, place: u64) -> Option<T> {
        let removed = if place >= self.tail_start() {
            let at = self.at_in_tail(place)?;
            self.tail_mask &= !(1 << (place & (WIDTH - 1)));
            Some(self.own_tail().remove(at))
        } else {
            let hot = self.hot.remove(place);
            let (cold, emptied) = self.root.as_mut()?.remove(place)?;
            if emptied {
                self.root = None;
            }
            Some(hot.unwrap_or(cold))
        };
        self.len -= 1;
        removed
    }

    /// The tail as a vector of our own, with room for all its places.
    fn own_tail(&mut self) -> &mut Vec<T> {
        if Arc::get_mut(&mut self.tail).is_none() {
            let mut own = Vec::with_capacity(WIDTH as usize);
            own.extend(self.tail.iter().cloned());
            self.tail = Arc::new(own);
        }
        Arc::make_mut(&mut self.tail)
    }

    /// Moves the tail, whose last place is `last`, into the tree.
    fn settle_tail(&mut self, last: u64) {
        let items = std::mem::take(self.own_tail());
        let mask = std::mem::take(&mut self.tail_mask);
        if items.is_empty() {
            return;
        }
        let leaf = Node::leaf(items, mask, last);
        match &mut self.root {
            Some(root) => root.attach(leaf),
            None => self.root = Some(leaf),
        }
    }
}

impl<T: Clone> FromIterator<T> for Places<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut places = Places::default();
        items.into_iter().for_each(|item| {
            places.push(item);
        });
        places
    }
}

impl<T: Item> Places<T> {
    /// The item at `place`, to be changed; what other clones see stays.
    ///
    /// Costs a path of the tree the first two times in a row of clones that a place is changed, then only what is hot.
    pub(crate) fn get_mut(&mut self, place: u64) -> Option<&mut T> {
        if place >= self.tail_start() {
            let at = self.at_in_tail(place)?;
            return self.own_tail().get_mut(at);
        }
        let root = self.root.as_mut()?;
        match self.hot.seen(place) {
            Seen::Hot => {}
            Seen::Once => {
                let cold = root.get(place)?;
                let value =
                    if cold.keeps_memory() { std::mem::take(root.get_mut(place)?) } else { cold.clone() };
                self.hot.heat(value);
            }
            // Somebody has paid for the path already, or there is nothing to share.
            Seen::Never if root.is_own() => return root.get_mut(place),
            Seen::Never => {
                root.get(place)?;
                if let Some((cooled, value)) = self.hot.note(place) {
                    *root.get_mut(cooled)? = value;
                }
                return root.get_mut(place);
            }
        }
        self.hot.latest()
    }
}
