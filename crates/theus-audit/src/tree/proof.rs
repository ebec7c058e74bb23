//! Proofs about a tree: that it has a leaf, and that it is an earlier tree with leaves added.
//!
//! What not: the texts that carry proofs (see `verify`).
//!
//! Sources: RFC 6962 sections 2.1.1 and 2.1.2 say which hashes a proof has; RFC 9162 sections 2.1.3.2 and 2.1.4.2 say how they
//! are checked. A checker takes anything: it ends after at most as many steps as there are hashes and bits.

use std::ops::Range;

use super::{Frontier, Hash, empty_root, node_hash};

/// Collects the hashes of a proof while the leaves of a tree go by, with the memory of a few hashes for each bit of the size.
///
/// ```
/// use theus_audit::{Frontier, Prover, includes, leaf_hash};
///
/// let leaves: Vec<_> = (0..5_u8).map(|number| leaf_hash(&[number])).collect();
/// let mut prover = Prover::inclusion(3, 5).ok_or("no such leaf")?;
/// let mut tree = Frontier::default();
/// for leaf in &leaves {
///     prover.push(*leaf);
///     tree.push(*leaf);
/// }
/// let path = prover.path().ok_or("leaves are missing")?;
/// assert!(includes(&tree.root(), 5, 3, &leaves[3], &path));
/// assert!(!includes(&tree.root(), 5, 2, &leaves[3], &path));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug)]
pub struct Prover {
    /// What each hash of the proof is the root of, in the order of the proof.
    parts: Vec<(Range<u64>, Frontier)>,
    size: u64,
    pushed: u64,
}

impl Prover {
    /// Proves that the leaf with this index, from 0, is in the tree of `size` leaves. None: it has no such leaf.
    pub fn inclusion(index: u64, size: u64) -> Option<Self> {
        if index >= size {
            return None;
        }
        let mut parts = Vec::new();
        let mut within = 0..size;
        while within.end - within.start > 1 {
            let middle = within.start + split(within.end - within.start);
            if index < middle {
                parts.push(middle..within.end);
                within.end = middle;
            } else {
                parts.push(within.start..middle);
                within.start = middle;
            }
        }
        Some(Prover::of(parts, size))
    }

    /// Proves that the tree of `second` leaves begins with the tree of `first`. None: `first` is 0, or more than `second`.
    pub fn consistency(first: u64, second: u64) -> Option<Self> {
        if first == 0 || first > second {
            return None;
        }
        let mut parts = Vec::new();
        let mut within = 0..second;
        // Whether what is left of the first tree is a subtree of the second from its very beginning: then its root is known.
        let mut whole = true;
        while within.end != first {
            let middle = within.start + split(within.end - within.start);
            if first <= middle {
                parts.push(middle..within.end);
                within.end = middle;
            } else {
                parts.push(within.start..middle);
                within.start = middle;
                whole = false;
            }
        }
        if !whole {
            parts.push(within);
        }
        Some(Prover::of(parts, second))
    }

    /// Takes the next leaf. Those beyond the size are left out.
    pub fn push(&mut self, leaf: Hash) {
        let part = self.parts.iter_mut().find(|(range, _)| range.contains(&self.pushed));
        if let Some((_, tree)) = part {
            tree.push(leaf);
        }
        self.pushed = self.pushed.saturating_add(1);
    }

    /// The hashes of the proof, the deepest first. None: leaves are missing.
    pub fn path(self) -> Option<Vec<Hash>> {
        (self.pushed >= self.size).then(|| self.parts.iter().map(|(_, tree)| tree.root()).collect())
    }

    fn of(mut ranges: Vec<Range<u64>>, size: u64) -> Self {
        ranges.reverse();
        let parts = ranges.into_iter().map(|range| (range, Frontier::default())).collect();
        Prover { parts, size, pushed: 0 }
    }
}

/// Whether `path` proves that leaf number `index`, from 0, of the tree with `size` leaves and this root is `leaf`.
pub fn includes(root: &Hash, size: u64, index: u64, leaf: &Hash, path: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            climb_to_right_child(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `path` proves that the tree of `second` leaves with the second root begins with the tree of `first` leaves
/// with the first root. Every tree begins with the empty one, which takes no hashes to prove.
pub fn extends(first: u64, first_root: &Hash, second: u64, second_root: &Hash, path: &[Hash]) -> bool {
    if first > second {
        return false;
    }
    if first == 0 {
        return path.is_empty() && *first_root == empty_root();
    }
    if first == second {
        return path.is_empty() && first_root == second_root;
    }
    // A first tree that is complete is a node of the second, and its root is not repeated in the proof.
    let mut hashes = first.is_power_of_two().then_some(first_root).into_iter().chain(path);
    let Some(deepest) = hashes.next() else {
        return false;
    };
    let (mut node, mut last) = (first - 1, second - 1);
    let levels = node.trailing_ones();
    node >>= levels;
    last >>= levels;
    let (mut older, mut newer) = (*deepest, *deepest);
    for sibling in hashes {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            older = node_hash(sibling, &older);
            newer = node_hash(sibling, &newer);
            climb_to_right_child(&mut node, &mut last);
        } else {
            newer = node_hash(&newer, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && older == *first_root && newer == *second_root
}

/// Leaves out the levels in which a node at the right edge has no sibling.
fn climb_to_right_child(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        *node >>= 1;
        *last >>= 1;
    }
}

/// Where a tree of this many leaves, more than 1, splits: the largest power of two below.
fn split(leaves: u64) -> u64 {
    1 << (u64::BITS - 1 - (leaves - 1).leading_zeros())
}
