//! The Merkle tree over the frames of a trail, as RFC 6962 section 2.1 hashes it.
//!
//! What not: the frames themselves (see `log`), and signatures (see `checkpoint`).
//!
//! Leaf i (from 0) is the frame with number i + 1. A leaf's hash is SHA-256 of a zero byte and the frame without its
//! checksum; an inner node's is SHA-256 of a one byte and the hashes of its children. A tree of n leaves splits at the
//! largest power of two below n. The empty tree has the hash of nothing.

mod frontier;
mod hash;
mod proof;

pub use frontier::{BrokenFrontier, Frontier};
pub use hash::{empty_root, leaf_hash, node_hash};
pub use proof::{Prover, extends, includes};

/// A SHA-256 hash.
pub type Hash = [u8; 32];
