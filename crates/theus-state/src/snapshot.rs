//! [`Snapshot`]: the state at one version, for ever as it was.
//!
//! What not: no locks, no publication (see [`Store`](crate::Store)).
//! Invariants: a snapshot never changes (S1); what version follows it is a pure function of it and the commit.

use crate::commit::{Commit, Isolation};
use crate::conflict::{CommitError, Conflict};
use crate::stamps::Stamps;
use std::collections::HashSet;
use std::fmt;
use theus_sync::Arc;
use theus_value::{ApplyError, Map, Op, Path, Value};

/// The state at one version. Clones in O(1); holding one keeps its values alive and hinders nobody.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) state: Arc<State>,
}

/// One version: the values and when each was written.
pub(crate) struct State {
    pub(crate) version: u64,
    pub(crate) root: Map,
    stamps: Stamps,
}

/// A refusal before the update is attached to it.
pub(crate) enum Refusal {
    Conflict { current: u64, conflicts: Vec<Conflict> },
    Apply(ApplyError),
}

impl Snapshot {
    /// The version: 0 for a state that began empty, one more for each commit since.
    pub fn version(&self) -> u64 {
        self.state.version
    }

    /// The whole state.
    pub fn root(&self) -> &Map {
        &self.state.root
    }

    /// The value at `path`; nothing for the root, whose value is [`root`](Self::root).
    pub fn get(&self, path: &Path) -> Option<&Value> {
        self.state.root.get_path(path)
    }

    /// The newest version after `base` that changed `path`, anything under it, or a place above it as a whole.
    ///
    /// O(depth). Initial data never counts as a change. The answer errs in one case, on the safe side: for a path
    /// that is absent here, when more than a thousand of its siblings were deleted after `base` (only so many
    /// deletions are remembered one by one).
    pub fn changed_since(&self, path: &Path, base: u64) -> Option<u64> {
        self.state.stamps.changed_since(&self.state.root, path, base)
    }

    /// The snapshot that `commit` would lead to from here, as if this were the newest version. Publishes nothing.
    ///
    /// # Errors
    /// [`CommitError`] as for [`Store::commit`](crate::Store::commit).
    pub fn advance(&self, commit: Commit) -> Result<Snapshot, CommitError> {
        match self.state.next(&commit) {
            Ok(state) => Ok(Snapshot { state: Arc::new(state) }),
            Err(refusal) => Err(refusal.into_error(commit)),
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("version", &self.version()).field("root", self.root()).finish()
    }
}

impl State {
    pub(crate) fn first(root: Map) -> Self {
        Self { version: u64::from(!root.is_empty()), root, stamps: Stamps::default() }
    }

    /// The version after this one, if `commit` may make it.
    pub(crate) fn next(&self, commit: &Commit) -> Result<State, Refusal> {
        // On this state, not on the base: if they differ where that matters, it is a conflict by these leaves.
        let mut leaves = commit.update.leaves_on(&self.root);
        let conflicts = self.conflicts(commit, &leaves);
        let strictly_stale = commit.isolation == Isolation::Strict && commit.base != self.version;
        if strictly_stale || !conflicts.is_empty() {
            return Err(Refusal::Conflict { current: self.version, conflicts });
        }
        let root = commit.update.apply(&self.root).map_err(Refusal::Apply)?;
        let version = self.version + 1;
        let mut stamps = self.stamps.clone();
        for op in commit.update.ops() {
            if deletes_nothing(op, &self.root, &root) {
                continue;
            }
            leaves.clear();
            op.leaves_on(&self.root, &mut leaves);
            leaves.iter().for_each(|path| stamps.write(path, version, &self.root, &root));
        }
        Ok(State { version, root, stamps })
    }

    /// This version without a root; None if it has none of this name.
    pub(crate) fn without(&self, key: &str) -> Option<State> {
        let mut root = self.root.clone();
        root.remove(key)?;
        Some(State { version: self.version, root, stamps: self.stamps.clone() })
    }

    fn conflicts(&self, commit: &Commit, leaves: &[Path]) -> Vec<Conflict> {
        if commit.base >= self.version {
            return Vec::new();
        }
        let reads: &[Path] = if commit.isolation == Isolation::Serializable { &commit.reads } else { &[] };
        let mut seen = HashSet::new();
        let changed = |path: &Path| self.stamps.changed_since(&self.root, path, commit.base);
        leaves
            .iter()
            .chain(reads)
            .filter_map(|path| changed(path).map(|version| (path, version)))
            .filter(|&(path, _)| seen.insert(path))
            .map(|(path, version)| Conflict { path: path.clone(), version })
            .collect()
    }
}

/// True for a deletion of what was absent before and is absent still: nothing changed, so nothing is remembered.
fn deletes_nothing(op: &Op, before: &Map, after: &Map) -> bool {
    let Op::Delete { path } = op else { return false };
    before.get_path(path).is_none() && after.get_path(path).is_none()
}

impl Refusal {
    pub(crate) fn into_error(self, commit: Commit) -> CommitError {
        let Commit { base, update, isolation, .. } = commit;
        match self {
            Refusal::Conflict { current, conflicts } => {
                CommitError::Conflict { update, base, current, isolation, conflicts }
            }
            Refusal::Apply(error) => CommitError::Apply { update, error },
        }
    }
}
