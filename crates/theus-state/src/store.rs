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
//! `writer` is held for conflict check, apply, gate and publication. The gate is the only callback; who gives one promises
//! that it is short and waits for no writer. [`Store::commit_checked`] runs the caller's check outside and publishes only if
//! the state is still the one that was checked.
//!
//! Memory orderings. There is none in this crate: every word that threads share is behind a lock of theus-sync or in its
//! `ArcCell`, so each edge that an argument above leans on is one of theirs. Each is listed with the model (tests/model)
//! whose planted twin goes wrong without it.
//!
//! | Step | Why it suffices | Fails without it |
//! |---|---|---|
//! | a reader loads `current` once | a version is one pointer to what nobody writes any more; the cell's swap releases, its load acquires (not modelled, see below) | `publication`: version torn, look torn |
//! | check, apply and swap under `writer` | one at a time; a lock's release happens before its next acquire | `race`: version made twice, update lost |
//! | the ticket is looked at under `writer`, which the commit keeps | no ticket changes hands between look and publication | `ticket`, `checked`: another committed while it was held |
//! | the ticket changes hands under `writer`, then `handed` is notified; who waits looks under `writer` | whoever saw the old holder sleeps before the notification is sent | `ticket`: lost wake-up, silence, ghost |
//! | a checked commit compares pointers under `writer` | the state is the one that was checked; its `Arc` is held, so no other version can be at its address | `checked`: published what the check never saw |
//! | events are told under `writer` | queues are filled in the order of versions | `observer`: not in order |
//! | a queue is filled, emptied and counted under its own lock, then `arrived` is notified | what is taken or dropped is counted once; who found it empty sleeps before the notification | `observer`: uncounted loss, lost wake-up, silence |
//!
//! Under loom the cell is itself a lock around the pointer: that its load and swap are atomic, acquire and release is
//! arc-swap's promise and arc-swap's to test.

use crate::commit::{Commit, Committed};
use crate::conflict::{CommitError, CommitRefused};
use crate::observer::Observer;
use crate::peek::Peek;
use crate::shared::Shared;
use crate::snapshot::{Snapshot, State};
use crate::ticket::{MAX_RETRIES, Place, Priority, Requester};
use crate::transaction::{Transaction, TransactionOptions};
use std::convert::Infallible;
use std::fmt;
use std::time::{Duration, Instant};
use theus_sync::{Arc, ArcCell};
use theus_value::Map;

/// How long a commit whose check always loses the race keeps all others out.
const CHECK_LEASE: Duration = Duration::from_secs(10);

/// A versioned state that many threads read and commit to. Clones are handles to the same store.
#[derive(Clone)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
}

impl Store {
    /// A store that begins with `initial`, as version 0 if that is empty, else 1.
    pub fn new(initial: Map) -> Self {
        let current = ArcCell::new(Arc::new(State::first(initial)));
        Self { shared: Arc::new(Shared::new(current)) }
    }

    /// The state of now. O(1), never waits for a writer.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { state: self.shared.current.load() }
    }

    /// A short look at the state of now, cheaper than a snapshot. Never waits for a writer.
    pub fn peek(&self) -> Peek<'_> {
        Peek::new(self.shared.current.peek())
    }

    /// The version of now.
    pub fn version(&self) -> u64 {
        self.shared.current.peek().version
    }

    /// Applies `commit` to the newest version, if nothing it depends on changed after its base.
    ///
    /// An empty update makes a version too. Costs the written paths times their depth and O(log n) in the sizes of
    /// the containers on the way; does not grow with the state otherwise.
    ///
    /// # Errors
    /// [`CommitError`] with the update handed back; the state is as it was.
    pub fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        self.commit_through(commit, |_| Ok(())).map_err(|refused| match refused {
            CommitRefused::Commit(error) => error,
            CommitRefused::Check { error, .. } => {
                let never: Infallible = error;
                match never {}
            }
        })
    }

    /// As [`commit`](Self::commit), if `gate` lets through what is about to be published.
    ///
    /// The gate is the last step: when it agrees, the version is published. It runs inside the writers' lock, once and
    /// only for a commit that nothing else refuses, so gates see the versions in their order. It must be short, and must
    /// not write to this store or wait for one who does.
    ///
    /// # Errors
    /// [`CommitRefused`] with the update handed back; the state is as it was.
    ///
    /// ```
    /// use theus_state::{Commit, CommitRefused, Store};
    /// use theus_value::{Map, Path, Update, Value};
    ///
    /// let store = Store::new(Map::new());
    /// let mut update = Update::new();
    /// update.set(Path::parse("domain.count")?, Value::from(-1));
    /// let refused = store.commit_through(Commit::new(0, update), |pending| {
    ///     assert_eq!(pending.version, 1);
    ///     Err("a count is at least 0")
    /// });
    /// assert!(matches!(refused, Err(CommitRefused::Check { error: "a count is at least 0", .. })));
    /// assert_eq!(store.version(), 0);
    /// # Ok::<(), theus_value::PathError>(())
    /// ```
    pub fn commit_through<E>(
        &self,
        mut commit: Commit,
        gate: impl FnOnce(Pending<'_>) -> Result<(), E>,
    ) -> Result<Committed, CommitRefused<E>> {
        let turn = match self.shared.turn(commit.requester.as_ref(), None) {
            Ok(turn) => turn,
            Err(holder) => return Err(CommitError::busy(commit, self.version(), holder).into()),
        };
        let next = self.shared.current.peek().next(&commit);
        let next = match next {
            Ok(next) => Arc::new(next),
            Err(refusal) => {
                drop(turn);
                return Err(refusal.into_error(commit).into());
            }
        };
        if let Err(error) = gate(Pending { version: next.version, root: &next.root }) {
            drop(turn);
            return Err(CommitRefused::Check { update: commit.update, error });
        }
        let old = self.shared.current.swap(Arc::clone(&next));
        let unseen = turn.feeds.tell(next.version, &mut commit);
        drop(turn);
        // The last holder of a version takes it down; not while others wait for their turn.
        drop((old, unseen));
        Ok(Committed { version: next.version, snapshot: Snapshot { state: next } })
    }

    /// As [`commit`](Self::commit), once `check` has agreed to the state that would be published.
    ///
    /// `check` gets the pending state and the one it would follow, in this order. It runs outside the writers' lock,
    /// so it may take its time, read this store and even commit to it; if another commit lands meanwhile, the pending
    /// state is built and checked anew. After [`MAX_RETRIES`] such lost races this takes the priority ticket for itself
    /// alone, for at most ten seconds, and gives it back when it is done: others are refused as
    /// [`Busy`](CommitError::Busy) meanwhile, and the next check is the last, unless it takes longer than that.
    ///
    /// # Errors
    /// [`CommitRefused`] with the update handed back; the state is as it was.
    pub fn commit_checked<E>(
        &self,
        commit: Commit,
        check: impl FnMut(&Map, &Map) -> Result<(), E>,
    ) -> Result<Committed, CommitRefused<E>> {
        self.commit_checked_through(commit, check, |_| Ok(()))
    }

    /// As [`commit_checked`](Self::commit_checked), with the gate of [`commit_through`](Self::commit_through) at the end:
    /// it runs once, for the state that was checked last.
    ///
    /// # Errors
    /// As there.
    pub fn commit_checked_through<E>(
        &self,
        mut commit: Commit,
        mut check: impl FnMut(&Map, &Map) -> Result<(), E>,
        mut gate: impl FnMut(Pending<'_>) -> Result<(), E>,
    ) -> Result<Committed, CommitRefused<E>> {
        let mut lost = 0;
        let mut alone = None;
        loop {
            if lost >= MAX_RETRIES {
                // One whose lease ran out leaves before it lines up anew.
                drop(alone.take());
                alone = Alone::step_in(self, commit.requester.as_ref());
            }
            let place = alone.as_ref().map(|alone: &Alone<'_>| alone.place);
            if let Err(holder) = self.shared.turn(commit.requester.as_ref(), place).map(drop) {
                return Err(CommitError::busy(commit, self.version(), holder).into());
            }
            let current = self.shared.current.load();
            let next = match current.next(&commit) {
                Ok(next) => Arc::new(next),
                Err(refusal) => return Err(refusal.into_error(commit).into()),
            };
            if let Err(error) = check(&next.root, &current.root) {
                return Err(CommitRefused::Check { update: commit.update, error });
            }
            match self.publish(&current, &next, &mut commit, place, &mut gate) {
                Ok(Published::Yes) => {
                    return Ok(Committed { version: next.version, snapshot: Snapshot { state: next } });
                }
                Ok(Published::Overtaken) => lost += 1,
                Ok(Published::Refused(error)) => {
                    return Err(CommitRefused::Check { update: commit.update, error });
                }
                Err(holder) => return Err(CommitError::busy(commit, self.version(), holder).into()),
            }
        }
    }

    /// Makes `next` the newest version if `seen` still is and `gate` agrees. Fails with the holder of the ticket if there is
    /// another.
    fn publish<E>(
        &self,
        seen: &Arc<State>,
        next: &Arc<State>,
        commit: &mut Commit,
        place: Option<Place>,
        gate: &mut impl FnMut(Pending<'_>) -> Result<(), E>,
    ) -> Result<Published<E>, Requester> {
        let turn = self.shared.turn(commit.requester.as_ref(), place)?;
        if !Arc::ptr_eq(seen, &self.shared.current.peek()) {
            return Ok(Published::Overtaken);
        }
        if let Err(error) = gate(Pending { version: next.version, root: &next.root }) {
            return Ok(Published::Refused(error));
        }
        let old = self.shared.current.swap(Arc::clone(next));
        let unseen = turn.feeds.tell(next.version, commit);
        drop(turn);
        drop((old, unseen));
        Ok(Published::Yes)
    }

    /// Lets go of a root, for an owner that ends and wants its memory back: from now on the newest version is read
    /// without it.
    ///
    /// This is no commit: it makes no version, no conflict and no event, and asks for no ticket. Snapshots that were
    /// taken before keep the root.
    ///
    /// ```
    /// use theus_state::Store;
    /// use theus_value::Value;
    ///
    /// let store = Store::new([("heavy".into(), Value::Int(1))].into_iter().collect());
    /// let before = store.snapshot();
    /// store.let_go("heavy");
    /// assert_eq!((store.version(), store.snapshot().root().len()), (1, 0));
    /// assert_eq!(before.root().len(), 1);
    /// ```
    pub fn let_go(&self, root: &str) {
        let writer = self.shared.writer.lock();
        let without = self.shared.current.peek().without(root);
        let old = without.map(|state| self.shared.current.swap(Arc::new(state)));
        drop(writer);
        drop(old);
    }

    /// Lines up for the priority ticket, for `lease` from when it is obtained. See [`Priority`].
    pub fn priority(&self, requester: Requester, lease: Duration) -> Priority {
        Priority::new(self.clone(), requester, lease)
    }

    /// Who holds the ticket, if a commit of `requester` would be refused for it now.
    pub fn blocked(&self, requester: Option<&Requester>) -> Option<Requester> {
        self.shared.turn(requester, None).err()
    }

    /// Blocks until a commit of `requester` would not be refused for the ticket, or `timeout` is over. True if it would
    /// not; by the time the caller commits another may hold it.
    pub fn wait_unblocked(&self, requester: Option<&Requester>, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        self.shared
            .wait_line(deadline, |line| line.refuses(requester, None).is_none().then_some(()))
            .is_some()
    }

    /// Subscribes to all commits from now on; at most `capacity` events (at least one) are kept for the observer, the
    /// newest.
    ///
    /// To follow the state, subscribe first and take a snapshot then: the events with later versions than the snapshot's
    /// are those to apply to it. The same helps one who has missed some.
    ///
    /// ```
    /// use theus_state::{Commit, Store};
    /// use theus_value::{Map, Path, Update, Value};
    ///
    /// let store = Store::new(Map::new());
    /// let observer = store.observe(1024);
    /// let mut state = store.snapshot().root().clone();
    /// let mut update = Update::new();
    /// update.set(Path::parse("domain.count")?, Value::from(1));
    /// store.commit(Commit::new(0, update))?;
    ///
    /// while let Some(event) = observer.try_recv()? {
    ///     state = event.update.apply(&state)?;
    /// }
    /// assert_eq!(&state, store.snapshot().root());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn observe(&self, capacity: usize) -> Observer {
        Observer::new(&self.shared, capacity)
    }

    /// Begins a transaction on the state of now. See [`Transaction`].
    pub fn transaction(&self, options: TransactionOptions) -> Transaction {
        Transaction::new(self.clone(), options)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("version", &self.version()).finish_non_exhaustive()
    }
}

/// What a commit is about to publish.
#[derive(Clone, Copy, Debug)]
pub struct Pending<'a> {
    /// The version that it makes.
    pub version: u64,
    /// The state as it will be.
    pub root: &'a Map,
}

/// How a publication went.
enum Published<E> {
    Yes,
    /// Another commit came first.
    Overtaken,
    Refused(E),
}

/// The ticket for one commit alone; given back on drop, be it by a check that panics.
struct Alone<'a> {
    store: &'a Store,
    place: Place,
}

impl<'a> Alone<'a> {
    /// None if another holds the ticket.
    fn step_in(store: &'a Store, requester: Option<&Requester>) -> Option<Self> {
        let name = requester.cloned().unwrap_or_else(|| Requester::new("a checked commit"));
        let place = store.shared.with_line(|line, now| line.step_in(name, CHECK_LEASE, now))?;
        Some(Self { store, place })
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.store.shared.with_line(|line, now| line.leave(self.place, now));
    }
}
