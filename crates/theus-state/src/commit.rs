//! [`Commit`]: an update together with what it depends on; and [`Committed`], what came of it.
//!
//! What not: no execution (see [`Store`](crate::Store)). Invariant: plain data, the same commit may be tried again.

use crate::snapshot::Snapshot;
use crate::ticket::Requester;
use theus_value::{Path, Update};

/// Which changes after its base refuse a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// A change at or under a written path, or of a place above it as a whole. A base above the current version passes.
    #[default]
    Smart,
    /// Any commit at all, and a base above the current version.
    Strict,
    /// As smart, for the read paths as well as the written ones.
    Serializable,
}

impl Isolation {
    /// The word for options and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Isolation::Smart => "smart",
            Isolation::Strict => "strict",
            Isolation::Serializable => "serializable",
        }
    }
}

/// A change that wants to become the next version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// The version that the change was computed from.
    pub base: u64,
    /// The change. An empty one still makes a version.
    pub update: Update,
    /// Which changes after the base refuse it.
    pub isolation: Isolation,
    /// What the change was computed from; counts in [`Isolation::Serializable`]. Absent places and listings count
    /// too: name the absent path, or the container that was listed.
    pub reads: Vec<Path>,
    /// Who commits, for the [ticket](crate::Priority) and for [observers](crate::Observer).
    pub requester: Option<Requester>,
}

impl Commit {
    /// A commit in smart mode without reads.
    pub fn new(base: u64, update: Update) -> Self {
        Self { base, update, ..Self::default() }
    }

    /// The same commit in another mode.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// The same commit depending on these paths as well.
    pub fn reads(mut self, reads: Vec<Path>) -> Self {
        self.reads = reads;
        self
    }

    /// The same commit in the name of this requester.
    pub fn requester(mut self, requester: Requester) -> Self {
        self.requester = Some(requester);
        self
    }
}

/// A commit that became a version.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The state with the change.
    pub snapshot: Snapshot,
    /// Its version.
    pub version: u64,
}
