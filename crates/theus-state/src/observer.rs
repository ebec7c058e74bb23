//! [`Observer`]: every commit, in order, for later replay.
//!
//! What not: no disk, no filter. A commit never waits for an observer; who is too slow is told what it missed.
//!
//! Invariants
//! - Events come in the order of their versions, without a gap other than those reported as [`RecvError::Lagged`].
//! - A commit adds an event to each queue under the writers' lock, which is why the order is right: O(1) work each, and
//!   none at all when nobody observes, not even an allocation.
//! - A queue holds at most `capacity` events; the oldest make room for the newest, and each that goes unseen is counted.

use crate::commit::Commit;
use crate::shared::Shared;
use crate::ticket::Requester;
use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};
use theus_sync::{Arc, Condvar, Mutex, Weak};
use theus_value::Update;

/// One commit, as an [`Observer`] is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The version that it made.
    pub version: u64,
    /// What it changed; applied to the state of the version before, it gives this version's.
    pub update: Arc<Update>,
    /// Who committed, as the commit said.
    pub requester: Option<Requester>,
    /// When, by the system's clock, which may go back.
    pub time: SystemTime,
}

/// Why an [`Observer`] has no event to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecvError {
    /// The oldest events made room for newer ones. Reported once; the next event is the oldest that was kept.
    #[error(
        "the observer missed {missed} events since it last looked; take a snapshot and go on from its version, \
         and look more often or observe with a larger capacity"
    )]
    Lagged {
        /// How many.
        missed: u64,
    },
    /// No event came in time.
    #[error("no commit was made within the time given")]
    TimedOut,
    /// All handles of the store are gone and every event was given.
    #[error("the store is gone; there will be no more events")]
    Closed,
}

/// A subscription to the commits of a store, made by [`Store::observe`](crate::Store::observe). Ends when dropped.
pub struct Observer {
    feed: Arc<Feed>,
    store: Weak<Shared>,
}

impl Observer {
    pub(crate) fn new(store: &Arc<Shared>, capacity: usize) -> Self {
        let queue = Queue { events: VecDeque::new(), missed: 0, closed: false };
        let feed =
            Arc::new(Feed { queue: Mutex::new(queue), arrived: Condvar::new(), capacity: capacity.max(1) });
        store.writer.lock().feeds.0.push(Arc::clone(&feed));
        Self { feed, store: Arc::downgrade(store) }
    }

    /// The next event; waits for it, at most so long if a time is given.
    ///
    /// # Errors
    /// [`RecvError`] if there is none.
    pub fn recv(&self, timeout: Option<Duration>) -> Result<Event, RecvError> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut queue = self.feed.queue.lock();
        loop {
            if let Some(event) = queue.take()? {
                return Ok(event);
            }
            match deadline {
                None => self.feed.arrived.wait(&mut queue),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(RecvError::TimedOut);
                    }
                    self.feed.arrived.wait_for(&mut queue, left);
                }
            }
        }
    }

    /// The next event, if there is one now.
    ///
    /// # Errors
    /// [`RecvError::Lagged`] or [`RecvError::Closed`].
    pub fn try_recv(&self) -> Result<Option<Event>, RecvError> {
        self.feed.queue.lock().take()
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        if let Some(store) = self.store.upgrade() {
            store.writer.lock().feeds.0.retain(|feed| !Arc::ptr_eq(feed, &self.feed));
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("capacity", &self.feed.capacity).finish_non_exhaustive()
    }
}

/// One observer's queue.
pub(crate) struct Feed {
    queue: Mutex<Queue>,
    arrived: Condvar,
    capacity: usize,
}

struct Queue {
    events: VecDeque<Event>,
    missed: u64,
    closed: bool,
}

impl Queue {
    fn take(&mut self) -> Result<Option<Event>, RecvError> {
        match std::mem::take(&mut self.missed) {
            0 => {}
            missed => return Err(RecvError::Lagged { missed }),
        }
        match self.events.pop_front() {
            None if self.closed => Err(RecvError::Closed),
            event => Ok(event),
        }
    }
}

impl Feed {
    /// Adds an event; the one that had to make room for it.
    fn push(&self, event: Event) -> Option<Event> {
        let mut queue = self.queue.lock();
        let oldest = if queue.events.len() < self.capacity { None } else { queue.events.pop_front() };
        queue.missed += u64::from(oldest.is_some());
        queue.events.push_back(event);
        self.arrived.notify_one();
        oldest
    }
}

/// The queues of all observers.
#[derive(Default)]
pub(crate) struct Feeds(Vec<Arc<Feed>>);

impl Feeds {
    /// Tells every observer of a commit, whose update this takes if there is one. Gives the events that had to make
    /// room, to be dropped when the lock is free.
    pub(crate) fn tell(&self, version: u64, commit: &mut Commit) -> Vec<Event> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let update = Arc::new(std::mem::take(&mut commit.update));
        let event = Event { version, update, requester: commit.requester.take(), time: SystemTime::now() };
        self.0.iter().filter_map(|feed| feed.push(event.clone())).collect()
    }

    /// The store is gone.
    pub(crate) fn close(&mut self) {
        for feed in self.0.drain(..) {
            feed.queue.lock().closed = true;
            feed.arrived.notify_all();
        }
    }
}
