//! The right edge of a growing tree: what it takes to add leaves and to know the root, without the leaves themselves.

use super::{Hash, empty_root, node_hash};

/// The right edge of a tree: the roots of its largest complete subtrees, from left to right. At most 64 hashes.
///
/// The subtrees' sizes are the bits of the number of leaves, the largest first; this is the "compact range" from 0 of the
/// transparency logs.
///
/// ```
/// use theus_audit::{Frontier, leaf_hash};
///
/// let mut frontier = Frontier::default();
/// frontier.push(leaf_hash(b"the first frame"));
/// assert_eq!(frontier.root(), leaf_hash(b"the first frame"));
/// frontier.push(leaf_hash(b"the second frame"));
/// assert_eq!((frontier.size(), frontier.hashes().len()), (2, 1));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

/// The hashes are not as many as the bits of the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tree of {size} leaves has {} complete subtrees, not {given}", size.count_ones())]
pub struct BrokenFrontier {
    /// The number of leaves.
    pub size: u64,
    /// How many hashes there were.
    pub given: usize,
}

impl Frontier {
    /// The frontier of a tree of `size` leaves, from [`Frontier::hashes`].
    ///
    /// # Errors
    /// When there are not as many hashes as `size` has bits that are 1.
    pub fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Self, BrokenFrontier> {
        if hashes.len() != size.count_ones() as usize {
            return Err(BrokenFrontier { size, given: hashes.len() });
        }
        Ok(Frontier { size, hashes })
    }

    /// Adds a leaf. Costs one hash on the average, at most one for each bit of the size.
    pub fn push(&mut self, leaf: Hash) {
        let mut complete = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                complete = node_hash(&left, &complete);
            }
        }
        self.hashes.push(complete);
        self.size += 1;
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, the largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut subtrees = self.hashes.iter().rev();
        let Some(last) = subtrees.next() else {
            return empty_root();
        };
        subtrees.fold(*last, |right, left| node_hash(left, &right))
    }
}
