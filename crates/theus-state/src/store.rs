//! [`Store`]: the one place where versions are made.
//!
//! What not: no policy. Which writes are allowed, what a valid state is and when to try again is the caller's.
//!
//! Why it is right, in the order of the design's S1 to S4:
//! - A version is built off to the side and then stored whole in `current`; nothing ever writes into a published one.
//! - `current` is stored only while `writer` is held and only with the version that follows the one loaded under the
//!   same lock, so versions are gapless and none is made twice.
//! - The conflict check looks at that same loaded version, so nothing can slip in between check and publication.
//! - A reader only loads `current`, which waits for nobody.
//!
//! `writer` is held for conflict check, apply and publication: our own code, no callback, no allocation by others.
//! [`Store::commit_checked`] therefore runs the caller's check outside and publishes only if the state is still the
//! one that was checked.

use crate::commit::{Commit, Committed};
use crate::conflict::{CommitError, CommitRefused};
use crate::snapshot::{Snapshot, State};
use std::fmt;
use theus_sync::{Arc, ArcCell, Mutex};
use theus_value::Map;

/// A versioned state that many threads read and commit to. Clones are handles to the same store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    current: ArcCell<State>,
    writer: Mutex<()>,
}

impl Store {
    /// A store that begins with `initial`, as version 0 if that is empty, else 1.
    pub fn new(initial: Map) -> Self {
        let current = ArcCell::new(Arc::new(State::first(initial)));
        Self { shared: Arc::new(Shared { current, writer: Mutex::new(()) }) }
    }

    /// The state of now. O(1), never waits for a writer.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { state: self.shared.current.load() }
    }

    /// The version of now.
    pub fn version(&self) -> u64 {
        self.shared.current.load().version
    }

    /// Applies `commit` to the newest version, if nothing it depends on changed after its base.
    ///
    /// An empty update makes a version too. Costs the written paths times their depth and O(log n) in the sizes of
    /// the containers on the way; does not grow with the state otherwise.
    ///
    /// # Errors
    /// [`CommitError`] with the update handed back; the state is as it was.
    pub fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let turn = self.shared.writer.lock();
        let current = self.shared.current.load();
        let next = match current.next(&commit) {
            Ok(next) => Arc::new(next),
            Err(refusal) => return Err(refusal.into_error(commit)),
        };
        let old = self.shared.current.swap(Arc::clone(&next));
        drop(turn);
        // The last holder of a version takes it down; not while others wait for their turn.
        drop((current, old));
        Ok(Committed { version: next.version, snapshot: Snapshot { state: next } })
    }

    /// As [`commit`](Self::commit), once `check` has agreed to the state that would be published.
    ///
    /// `check` gets the pending state and the one it would follow, in this order. It runs outside the writers' lock,
    /// so it may take its time, read this store and even commit to it; if another commit lands meanwhile, the pending
    /// state is built and checked anew. Somebody has made progress each time that happens, but a slow check against
    /// a stream of fast commits may run many times.
    ///
    /// # Errors
    /// [`CommitRefused`] with the update handed back; the state is as it was.
    pub fn commit_checked<E>(
        &self,
        commit: Commit,
        mut check: impl FnMut(&Map, &Map) -> Result<(), E>,
    ) -> Result<Committed, CommitRefused<E>> {
        loop {
            let current = self.shared.current.load();
            let next = match current.next(&commit) {
                Ok(next) => Arc::new(next),
                Err(refusal) => return Err(refusal.into_error(commit).into()),
            };
            if let Err(error) = check(&next.root, &current.root) {
                return Err(CommitRefused::Check { update: commit.update, error });
            }
            if self.publish(&current, &next) {
                return Ok(Committed { version: next.version, snapshot: Snapshot { state: next } });
            }
        }
    }

    /// Makes `next` the newest version if `seen` still is.
    fn publish(&self, seen: &Arc<State>, next: &Arc<State>) -> bool {
        let turn = self.shared.writer.lock();
        if !Arc::ptr_eq(seen, &self.shared.current.load()) {
            return false;
        }
        let old = self.shared.current.swap(Arc::clone(next));
        drop(turn);
        drop(old);
        true
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("version", &self.version()).finish_non_exhaustive()
    }
}
