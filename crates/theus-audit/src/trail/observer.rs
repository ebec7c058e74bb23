//! Records as they come, for somebody who follows the trail: a bounded queue for each observer.
//!
//! What not: no thread, and no promise that none is missed: one that lags is told how many it missed.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::Record;

/// Follows a trail. Made by [`Trail::observe`](crate::Trail::observe); may be shared between threads.
pub struct Observer {
    feed: Arc<Feed>,
}

/// The observer was too slow: so many records were dropped for it since it last received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} audit records were missed, for they came faster than they were received")]
pub struct Missed(pub u64);

#[derive(Default)]
struct Feed {
    capacity: usize,
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Default)]
struct Queue {
    records: VecDeque<Arc<Record>>,
    missed: u64,
    /// The trail is gone: nothing more will come.
    ended: bool,
}

impl Observer {
    /// The next record. Waits at most this long; None when there was none, or none will come.
    ///
    /// # Errors
    /// [`Missed`] once after records were dropped; the next call continues at the oldest that is kept.
    ///
    /// ```
    /// use std::time::Duration;
    /// use theus_audit::{Entry, Outcome, Trail};
    ///
    /// let trail = Trail::default();
    /// let observer = trail.observe(100);
    /// trail.append(Entry::new("thumbnail", 1, Outcome::Committed));
    /// let record = observer.recv(Duration::ZERO)?;
    /// assert_eq!(record.map(|record| record.task), Some(1));
    /// drop(trail);
    /// assert!(observer.is_ended());
    /// # Ok::<(), theus_audit::Missed>(())
    /// ```
    pub fn recv(&self, timeout: Duration) -> Result<Option<Arc<Record>>, Missed> {
        let queue = self.feed.lock();
        let empty = |queue: &mut Queue| queue.records.is_empty() && queue.missed == 0 && !queue.ended;
        let waited = self.feed.filled.wait_timeout_while(queue, timeout, empty);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match std::mem::take(&mut queue.missed) {
            0 => Ok(queue.records.pop_front()),
            missed => Err(Missed(missed)),
        }
    }

    /// Whether the trail is gone and all that was kept has been received.
    pub fn is_ended(&self) -> bool {
        let queue = self.feed.lock();
        queue.ended && queue.records.is_empty() && queue.missed == 0
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("capacity", &self.feed.capacity).finish_non_exhaustive()
    }
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The observers of a trail.
#[derive(Default)]
pub(crate) struct Feeds {
    feeds: Vec<Weak<Feed>>,
}

impl Feeds {
    pub(crate) fn subscribe(&mut self, capacity: usize) -> Observer {
        let feed = Arc::new(Feed { capacity: capacity.max(1), ..Feed::default() });
        self.feeds.push(Arc::downgrade(&feed));
        Observer { feed }
    }

    pub(crate) fn tell(&mut self, record: &Arc<Record>) {
        self.feeds.retain(|feed| {
            let Some(feed) = feed.upgrade() else {
                return false;
            };
            let mut queue = feed.lock();
            if queue.records.len() >= feed.capacity {
                queue.records.pop_front();
                queue.missed += 1;
            }
            queue.records.push_back(Arc::clone(record));
            drop(queue);
            feed.filled.notify_one();
            true
        });
    }
}

impl Drop for Feeds {
    fn drop(&mut self) {
        for feed in self.feeds.iter().filter_map(Weak::upgrade) {
            feed.lock().ended = true;
            feed.filled.notify_all();
        }
    }
}
