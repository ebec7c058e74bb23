//! The trail: a bounded ring of the newest records behind one lock.
//!
//! Not here: the form of a record, and what an outcome means.
//!
//! Invariants: the ring holds consecutive numbers, the last of which is the count of all records ever; a
//! record is numbered, dated and put into the ring in one critical section, so readers see no gap.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Counts, Entry, Filter, Record};

/// How many records a trail keeps unless it is told otherwise.
pub const DEFAULT_CAPACITY: usize = 10_000;

/// The records of the newest attempts, and the totals of all. Shared between threads by reference.
///
/// Appending takes a fraction of a microsecond and never waits for more than another append or for the
/// copying of one list of pointers in [`Trail::records`].
pub struct Trail {
    capacity: usize,
    now: fn() -> f64,
    ring: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    records: VecDeque<Arc<Record>>,
    newest: u64,
    counts: Counts,
}

impl Trail {
    /// A trail that keeps the newest `capacity` records; with 0 it keeps the totals only.
    pub fn new(capacity: usize) -> Self {
        Trail::with_clock(capacity, unix_seconds)
    }

    /// As [`Trail::new`], with `now` as the clock: seconds since 1970-01-01 00:00 UTC.
    ///
    /// ```
    /// use theus_audit::{Entry, Filter, Outcome, Trail};
    ///
    /// let trail = Trail::with_clock(10, || 1.5);
    /// trail.append(Entry::new("thumbnail", 1, Outcome::Committed));
    /// assert_eq!(trail.records(Filter::default())[0].time, 1.5);
    /// ```
    pub fn with_clock(capacity: usize, now: fn() -> f64) -> Self {
        // Room is made at once, so that no append pays for moving the ring; a huge one grows as it fills.
        let records = VecDeque::with_capacity(capacity.min(DEFAULT_CAPACITY));
        Trail { capacity, now, ring: Mutex::new(Ring { records, ..Ring::default() }) }
    }

    /// Appends a record of one attempt and returns its number. The oldest record leaves when the ring is full.
    ///
    /// ```
    /// use theus_audit::{Entry, Outcome, Trail};
    ///
    /// let trail = Trail::new(100);
    /// assert_eq!(trail.append(Entry::new("thumbnail", 1, Outcome::Conflict)), 1);
    /// assert_eq!(trail.append(Entry::new("thumbnail", 1, Outcome::Committed).attempt(2)), 2);
    /// ```
    pub fn append(&self, entry: Entry) -> u64 {
        let mut ring = self.lock();
        let number = ring.newest + 1;
        let record = Arc::new(Record::seal(entry, number, (self.now)()));
        ring.newest = number;
        ring.counts.add(record.outcome);
        let mut leaving = None;
        if self.capacity > 0 {
            if ring.records.len() >= self.capacity {
                leaving = ring.records.pop_front();
            }
            ring.records.push_back(record);
        }
        drop(ring);
        // Freed outside the lock: a record may own many paths and a long traceback.
        drop(leaving);
        number
    }

    /// The kept records that `filter` admits, oldest first. The records are shared, not copied.
    pub fn records(&self, filter: Filter<'_>) -> Vec<Arc<Record>> {
        let ring = self.lock();
        let first = ring.newest + 1 - ring.records.len() as u64;
        let skipped = filter.since.map_or(0, |since| since.saturating_sub(first));
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX).min(ring.records.len());
        ring.records.range(skipped..).filter(|record| filter.admits(record)).map(Arc::clone).collect()
    }

    /// How many records were ever appended; also the number of the newest one.
    pub fn len(&self) -> u64 {
        self.lock().newest
    }

    /// Whether nothing was ever appended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many records are kept at most.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How often each outcome occurred, ever.
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// A panic under the lock (out of memory, a clock that panics) comes before the first change to the
    /// ring, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Trail {
    fn default() -> Self {
        Trail::new(DEFAULT_CAPACITY)
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail")
            .field("capacity", &self.capacity)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Seconds since 1970 by the system's clock; 0 if the clock stands before that.
fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
