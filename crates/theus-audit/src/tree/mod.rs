//! The Merkle tree over the frames of a trail, as RFC 6962 section 2.1 hashes it.
//!
//! What not: the frames themselves (see `log`), and signatures (see `checkpoint`).
//!
//! Leaf i (from 0) is the frame with number i + 1. A leaf's hash is SHA-256 of a zero byte and the frame without its
//! checksum; an inner node's is SHA-256 of a one byte and the hashes of its children. A tree of n leaves splits at the
//! largest power of two below n. The empty tree has the hash of nothing.

mod frontier;
mod proof;

pub use frontier::{BrokenFrontier, Frontier};
pub use proof::{Prover, extends, includes};

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The hash of a leaf: of a frame without its checksum.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new_with_prefix([0]);
    hasher.update(entry);
    hasher.finalize().into()
}

/// The hash of an inner node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut joined = [1; 65];
    joined[1..33].copy_from_slice(left);
    joined[33..].copy_from_slice(right);
    Sha256::digest(joined).into()
}

/// The hash of the tree without leaves: of no bytes.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}
