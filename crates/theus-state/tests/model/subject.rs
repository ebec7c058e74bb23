//! What stands in the place of the store: the store itself, by each way to commit, or a twin with a planted bug.

use std::convert::Infallible;
use theus_state::{Commit, CommitError, CommitRefused, Snapshot, Store};
use theus_sync::{Arc, ArcCell};
use theus_value::{Map, Update};

pub(crate) trait Subject: Clone + Send + Sync + 'static {
    fn new() -> Self;
    fn snapshot(&self) -> Snapshot;
    fn commit(&self, commit: Commit) -> Result<u64, CommitError>;
    /// A short look: the version and the snapshot it belongs to.
    fn look(&self) -> (u64, Snapshot) {
        let seen = self.snapshot();
        (seen.version(), seen)
    }
}

impl Subject for Store {
    fn new() -> Self {
        Store::new(Map::new())
    }

    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }

    fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        Store::commit(self, commit).map(|done| done.version)
    }

    fn look(&self) -> (u64, Snapshot) {
        let peek = self.peek();
        (peek.version(), peek.snapshot())
    }
}

/// The store by way of its checked commit, with a check that agrees.
#[derive(Clone)]
pub(crate) struct Checked(Store);

impl Subject for Checked {
    fn new() -> Self {
        Self(Store::new(Map::new()))
    }

    fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        match self.0.commit_checked(commit, |_, _| Ok::<(), Infallible>(())) {
            Ok(done) => Ok(done.version),
            Err(CommitRefused::Commit(error)) => Err(error),
            Err(CommitRefused::Check { error, .. }) => match error {},
        }
    }
}

/// Planted bug: loads and stores without a lock, so a commit can overwrite another.
#[derive(Clone)]
pub(crate) struct Unlocked(Arc<ArcCell<Snapshot>>);

impl Subject for Unlocked {
    fn new() -> Self {
        Self(Arc::new(ArcCell::new(Arc::new(Store::new(Map::new()).snapshot()))))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::clone(&self.0.load())
    }

    fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        let next = self.0.load().advance(commit)?;
        let version = next.version();
        self.0.store(Arc::new(next));
        Ok(version)
    }
}

/// Planted bug: publishes each operation of an update by itself.
#[derive(Clone)]
pub(crate) struct Piecemeal(Store);

impl Subject for Piecemeal {
    fn new() -> Self {
        Self(Store::new(Map::new()))
    }

    fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        let mut version = commit.base;
        for op in commit.update.ops() {
            let update = Update::from_iter([op.clone()]);
            version = self.0.commit(Commit { update, ..commit.clone() })?.version;
        }
        Ok(version)
    }
}

/// Planted bug: a look takes the version and the values at two moments.
#[derive(Clone)]
pub(crate) struct TwoLooks(Store);

impl Subject for TwoLooks {
    fn new() -> Self {
        Self(Store::new(Map::new()))
    }

    fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        Subject::commit(&self.0, commit)
    }

    fn look(&self) -> (u64, Snapshot) {
        (self.0.version(), self.0.snapshot())
    }
}
