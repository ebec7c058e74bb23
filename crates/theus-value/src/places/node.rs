//! [`Node`]: a compressed radix tree over places, of which a change copies one path.
//!
//! A path takes four bits of the place at each node. Nodes hold only what is there, with a bit mask that says which
//! slots those are (Bagwell, "Ideal Hash Trees", 2001), and a branch with a single child does not exist: the child
//! stands in its place and says itself which places it is for (Okasaki and Gill, "Fast Mergeable Integer Maps",
//! 1998). So the size follows the live places, not the gaps.
//!
//! Why 16 wide: copying a node touches the reference counts of its children, which lie scattered over memory, so wide
//! nodes cost a change; narrow ones cost reading. Between 4 and 16 children the sum was about the same when measured.
//! The mask stands in the parent, beside the pointer, so a step down is one look at memory.
//!
//! What not: no tail, no hot places (see [`Places`](super::Places)); a place is attached only behind all others.
//! Invariants (`tests.rs` checks them)
//! - A leaf has an item, a branch two children; as many as its mask has bits, in ascending order of slots.
//! - All places below a node agree with its `base` above its own bits, and `base` is 0 in its own bits.

use std::sync::Arc;

/// Bits of a place that one node decides.
const BITS: u32 = 4;
/// Slots of a node.
pub(super) const WIDTH: u64 = 1 << BITS;

#[derive(Debug)]
pub(super) enum Node<T> {
    Branch {
        children: Arc<[Node<T>]>,
        mask: u16,
        /// How many lower bits its children decide.
        shift: u8,
        base: u64,
    },
    Leaf {
        items: Arc<[T]>,
        mask: u16,
        base: u64,
    },
}

/// Where `slot` is among what a node with `mask` holds.
#[inline]
pub(super) fn rank(mask: u16, slot: u64) -> Option<usize> {
    let bit = 1_u16 << slot;
    (mask & bit != 0).then(|| (mask & (bit - 1)).count_ones() as usize)
}

fn slot(place: u64, shift: u8) -> u64 {
    (place >> shift) & (WIDTH - 1)
}

/// `place` without the bits that a node at `shift` and those below it decide.
fn base_at(place: u64, shift: u8) -> u64 {
    place & u64::MAX.checked_shl(u32::from(shift) + BITS).unwrap_or(0)
}

impl<T> Clone for Node<T> {
    #[inline]
    fn clone(&self) -> Self {
        match *self {
            Node::Branch { ref children, mask, shift, base } => {
                Node::Branch { children: Arc::clone(children), mask, shift, base }
            }
            Node::Leaf { ref items, mask, base } => Node::Leaf { items: Arc::clone(items), mask, base },
        }
    }
}

impl<T> Node<T> {
    /// A leaf of the places around `place` that `mask` says.
    pub(super) fn leaf(items: Vec<T>, mask: u16, place: u64) -> Self {
        Node::Leaf { items: Arc::from(items), mask, base: base_at(place, 0) }
    }

    /// True if no other tree shares this node.
    pub(super) fn is_own(&mut self) -> bool {
        match self {
            Node::Branch { children, .. } => Arc::get_mut(children).is_some(),
            Node::Leaf { items, .. } => Arc::get_mut(items).is_some(),
        }
    }

    pub(super) fn get(&self, place: u64) -> Option<&T> {
        let mut node = self;
        loop {
            match node {
                Node::Branch { children, mask, shift, .. } => {
                    node = children.get(rank(*mask, slot(place, *shift))?)?;
                }
                // The branches passed may have skipped bits.
                Node::Leaf { base, .. } if *base != base_at(place, 0) => return None,
                Node::Leaf { items, mask, .. } => return items.get(rank(*mask, slot(place, 0))?),
            }
        }
    }
}

impl<T: Clone> Node<T> {
    /// The item at `place`; the path to it becomes this tree's own. The caller knows that it is there.
    pub(super) fn get_mut(&mut self, place: u64) -> Option<&mut T> {
        let mut node = self;
        loop {
            match node {
                Node::Branch { children, mask, shift, .. } => {
                    let at = rank(*mask, slot(place, *shift))?;
                    node = Arc::make_mut(children).get_mut(at)?;
                }
                Node::Leaf { base, .. } if *base != base_at(place, 0) => return None,
                Node::Leaf { items, mask, .. } => {
                    return Arc::make_mut(items).get_mut(rank(*mask, slot(place, 0))?);
                }
            }
        }
    }

    /// Adds `leaf`, whose places come after all that are here.
    pub(super) fn attach(&mut self, leaf: Node<T>) {
        let (own, new) = (self.base(), leaf.base());
        if let Node::Branch { children, mask, shift, .. } = self
            && base_at(new, *shift) == own
        {
            let slot = slot(new, *shift);
            match rank(*mask, slot).and_then(|at| Arc::make_mut(children).get_mut(at)) {
                Some(child) => child.attach(leaf),
                None => {
                    *mask |= 1 << slot;
                    *children = children.iter().cloned().chain(std::iter::once(leaf)).collect();
                }
            }
            return;
        }
        let highest = (own ^ new).checked_ilog2().unwrap_or(0);
        let shift = (highest / BITS * BITS) as u8;
        let mask = 1 << slot(own, shift) | 1 << slot(new, shift);
        let children = Arc::new([self.clone(), leaf]);
        *self = Node::Branch { children, mask, shift, base: base_at(new, shift) };
    }

    /// Takes out the item at `place`, if it is there. True if the node is empty now and must go.
    pub(super) fn remove(&mut self, place: u64) -> Option<(T, bool)> {
        match self {
            Node::Leaf { items, mask, base } => {
                let at = rank(*mask, slot(place, 0)).filter(|_| *base == base_at(place, 0))?;
                let removed = items.get(at)?.clone();
                *mask &= !(1 << slot(place, 0));
                *items = without(items, at);
                Some((removed, items.is_empty()))
            }
            Node::Branch { children, mask, shift, .. } => {
                let slot = slot(place, *shift);
                let at = rank(*mask, slot)?;
                let (removed, emptied) = Arc::make_mut(children).get_mut(at)?.remove(place)?;
                if emptied {
                    *mask &= !(1 << slot);
                    *children = without(children, at);
                }
                if let [only] = &**children {
                    *self = only.clone();
                }
                Some((removed, false))
            }
        }
    }

    fn base(&self) -> u64 {
        match self {
            Node::Branch { base, .. } | Node::Leaf { base, .. } => *base,
        }
    }
}

/// All of `items` but the one at `at`.
fn without<T: Clone>(items: &[T], at: usize) -> Arc<[T]> {
    let (before, after) = items.split_at(at);
    before.iter().chain(after.iter().skip(1)).cloned().collect()
}
