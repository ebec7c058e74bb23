//! The guarded commit: no update gets past the physics, whatever way it came.
//!
//! What not: no contract and no retries (see `attempt`).
//!
//! The judge looks at a snapshot, outside the writers' lock and once, though the update is applied to whatever state is the
//! newest by then. The verdict still holds there, for this reason:
//!
//! 1. The snapshot is of version V, the commit's base B is at most V, and the commit becomes version W + 1.
//! 2. The store accepts it only if no version from B + 1 to W changed anything at or under a path that the update writes
//!    (its leaves), or replaced a place above one as a whole. In the strict mode W is B. So at and under every leaf the
//!    states V and W hold the same.
//! 3. What the judge compares are leaves of the update and what lies under them, and their values afterwards follow from
//!    the update and their values before. So it would find the same in W. A merge over what is no map has that place for a
//!    leaf, in V as in W. Of a list that answers for an operation on one of its items only this matters: whether that leaf
//!    changes. Where an update makes a place and takes it away again, the maps that stay above it are judged: they were
//!    absent in V, and if another has made them since, the judge is stricter than it had to be.
//! 4. An update that does not fit V is not judged, and does not fit W either: what is in its way is at a leaf, or above
//!    one, where it could only have been replaced as a whole.
//!
//! Where 1 fails, [`Store::commit_checked`] judges the very state that the update is applied to. That is not the way for
//! all: it starts anew whenever another commit lands, and in the end keeps all others out.

use super::physics::Physics;
use crate::error::Refusal;
use theus_state::{Commit, CommitError, CommitRefused, Committed, Pending, Snapshot, Store};

/// Commits, unless the update breaks the physics or the gate is shut. `snapshot` is of this store, and no older than the base
/// if it can be.
///
/// A conflict that is already there is reported before a violation: the writer did not know what it would violate.
pub(crate) fn commit(
    store: &Store,
    snapshot: &Snapshot,
    commit: Commit,
    physics: Physics<'_>,
    mut gate: impl FnMut(Pending<'_>) -> Result<(), Refusal>,
) -> Result<Committed, CommitRefused<Box<Refusal>>> {
    match physics.judge(&commit.update, snapshot.root()) {
        Ok(()) if commit.base <= snapshot.version() => {
            store.commit_through(commit, |pending| gate(pending).map_err(Box::new))
        }
        Err(error) if commit.base <= snapshot.version() => {
            if commit.base < snapshot.version()
                && let Err(conflict @ CommitError::Conflict { .. }) = snapshot.advance(commit.clone())
            {
                return Err(conflict.into());
            }
            Err(CommitRefused::Check { update: commit.update, error: Box::new(error.into()) })
        }
        _ => {
            let update = commit.update.clone();
            store.commit_checked_through(
                commit,
                |_, before| physics.judge(&update, before).map_err(|error| Box::new(error.into())),
                |pending| gate(pending).map_err(Box::new),
            )
        }
    }
}
