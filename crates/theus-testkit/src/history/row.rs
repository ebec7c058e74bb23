//! [`Row`]: what one client noted of one operation.
//!
//! What not: the writes themselves, which lie in the client's [`Log`](super::Log).
//! Invariant: plain data of 64 bytes; what it says is what the client saw, never what the checker worked out.

use std::fmt;
use theus_state::Isolation;

/// Which row: the `seq`-th operation of a client, both counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// The client.
    pub client: u32,
    /// Its operation.
    pub seq: u32,
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operation {} of client {}", self.seq, self.client)
    }
}

/// From the call to the return, in nanoseconds of one monotonic clock for all clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When the operation was called.
    pub invoked: u64,
    /// When it had returned.
    pub returned: u64,
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A snapshot was read.
    Read,
    /// A commit made a version.
    Committed,
    /// A commit was refused, with conflicts or as stale.
    Refused,
    /// A commit whose client died before it heard of the end: it took effect once or not at all.
    Unknown,
}

/// A conflict as it was told to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The place.
    pub place: u8,
    /// The version that is said to have changed it.
    pub version: u64,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// When it was called.
    pub invoked: u64,
    /// When it had returned; `u64::MAX` if it never did.
    pub returned: u64,
    /// The version that a commit was computed from.
    pub base: u64,
    /// The version that was read or made, or that a refusal calls the current one.
    pub version: u64,
    /// The hash of the state that was read or made.
    pub state: u64,
    /// The places that a commit was computed from.
    pub reads: u64,
    /// Its first write in the log.
    pub(crate) first_write: u32,
    /// The first conflict that it was told, in the log.
    pub(crate) first_told: u32,
    pub(crate) writes: u8,
    pub(crate) told: u8,
    /// The mode of a commit.
    pub mode: Isolation,
    /// What became of it.
    pub outcome: Outcome,
}
