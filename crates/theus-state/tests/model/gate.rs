//! [`Gate`]: a store with a ticket, or a twin of it with a planted bug.

use std::collections::VecDeque;
use std::time::Duration;
use theus_state::{Commit, CommitError, Priority, Requester, Snapshot, Store};
use theus_sync::{Arc, Condvar, Mutex};
use theus_value::Map;

/// No model may depend on time.
const FOREVER: Duration = Duration::MAX;

/// A store with a ticket, or a twin of it.
pub(crate) trait Gate: Clone + Send + Sync + 'static {
    /// A place in the line, given up on drop.
    type Place: Send + 'static;
    fn new() -> Self;
    fn line_up(&self, who: &'static str) -> Self::Place;
    fn wait(place: &Self::Place);
    fn wait_unblocked(&self);
    fn snapshot(&self) -> Snapshot;
    fn commit(&self, commit: Commit) -> Result<u64, CommitError>;
}

impl Gate for Store {
    type Place = Priority;

    fn new() -> Self {
        Store::new(Map::new())
    }

    fn line_up(&self, who: &'static str) -> Priority {
        self.priority(Requester::new(who), FOREVER)
    }

    fn wait(place: &Priority) {
        assert!(place.wait(FOREVER), "waited, and does not hold it");
    }

    fn wait_unblocked(&self) {
        assert!(Store::wait_unblocked(self, None, FOREVER), "waited, and is blocked");
    }

    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }

    fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        Store::commit(self, commit).map(|done| done.version)
    }
}

/// The twin does it right.
pub(crate) const SOUND: u8 = 0;
/// Whoever leaves wakes nobody.
pub(crate) const SILENT: u8 = 1;
/// The gate is looked at before the lock is taken, not under it.
pub(crate) const EARLY: u8 = 2;
/// Whoever waits looks before it takes the lock.
pub(crate) const DROWSY: u8 = 3;
/// One that leaves the line while it waits keeps its place.
pub(crate) const GHOSTS: u8 = 4;

/// A ticket in front of a store of its own, with a planted bug or none.
#[derive(Clone)]
pub(crate) struct Twin<const BUG: u8> {
    line: Arc<(Mutex<VecDeque<&'static str>>, Condvar)>,
    store: Store,
}

pub(crate) struct TwinPlace<const BUG: u8>(Twin<BUG>, &'static str);

impl<const BUG: u8> Twin<BUG> {
    fn refuses(&self, line: &VecDeque<&'static str>, commit: &Commit) -> Option<CommitError> {
        let who = commit.requester.as_ref().map(|who| &*who.process);
        let holder = line.front().filter(|holder| Some(**holder) != who)?;
        let (update, holder) = (commit.update.clone(), Requester::new(*holder));
        Some(CommitError::Busy { update, base: commit.base, current: 0, holder })
    }

    fn wait(&self, settled: impl Fn(&VecDeque<&'static str>) -> bool) {
        if BUG == DROWSY {
            while !settled(&self.line.0.lock()) {
                self.line.1.wait(&mut self.line.0.lock());
            }
            return;
        }
        let mut line = self.line.0.lock();
        while !settled(&line) {
            self.line.1.wait(&mut line);
        }
    }
}

impl<const BUG: u8> Gate for Twin<BUG> {
    type Place = TwinPlace<BUG>;

    fn new() -> Self {
        Self { line: Arc::new((Mutex::new(VecDeque::new()), Condvar::new())), store: Store::new(Map::new()) }
    }

    fn line_up(&self, who: &'static str) -> TwinPlace<BUG> {
        self.line.0.lock().push_back(who);
        TwinPlace(self.clone(), who)
    }

    fn wait(place: &TwinPlace<BUG>) {
        place.0.wait(|line| line.front() == Some(&place.1));
    }

    fn wait_unblocked(&self) {
        self.wait(VecDeque::is_empty);
    }

    fn snapshot(&self) -> Snapshot {
        self.store.snapshot()
    }

    fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        let line = self.line.0.lock();
        if let Some(busy) = self.refuses(&line, &commit) {
            return Err(busy);
        }
        let held = (BUG != EARLY).then_some(line);
        let done = self.store.commit(commit).map(|done| done.version);
        drop(held);
        done
    }
}

impl<const BUG: u8> Drop for TwinPlace<BUG> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The checker has stopped by now.
            return;
        }
        let mut line = self.0.line.0.lock();
        if BUG != GHOSTS || line.front() == Some(&self.1) {
            line.retain(|who| *who != self.1);
        }
        if BUG != SILENT {
            self.0.line.1.notify_all();
        }
    }
}
