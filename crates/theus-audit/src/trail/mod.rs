//! The trail: every attempt's record, numbered in one sequence; the newest are kept in memory behind one lock.
//!
//! Not here: the form of a record, and what an outcome means.
//!
//! Invariants: a record is numbered, dated, linked to the one before and put into the ring in one critical section, so
//! readers see no gap; nothing that a stranger wrote runs under the lock.

mod keeper;
mod notary;
mod observer;
mod open;
mod ring;
mod shared;
mod state;
mod syncs;
mod tail;

pub use observer::{Missed, Observer};
pub(crate) use tail::Tail;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::verify::Report;
use crate::{
    Counts, Disk, Entry, Filter, Frontier, OpenError, RealDisk, Record, TrailError, TrailOptions, Unwritten,
};
use keeper::Keeper;
use shared::Shared;
use state::{Appended, State};

/// How many records a trail keeps in memory unless it is told otherwise.
pub const DEFAULT_CAPACITY: usize = 10_000;

/// The records of the newest attempts, and the totals of all. Shared between threads by reference.
///
/// Appending takes a fraction of a microsecond and never waits for more than another append or for the
/// copying of one list of pointers in [`Trail::records`].
pub struct Trail {
    shared: Arc<Shared>,
    /// The thread of a trail on disk, until it is closed.
    keeper: Mutex<Option<Keeper>>,
    /// Who opened the trail on disk; 0 for one in memory. A child that was forked off has a copy, and must not write to the file.
    process: u32,
}

/// What was there when a trail was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// How many records the files held.
    pub records: u64,
    /// How many bytes of a torn end were cut; 0: none.
    pub cut_bytes: u64,
    /// The offset in the newest file at which they were cut; 0 if none were.
    pub cut_at: u64,
}

impl Trail {
    /// A trail in memory that keeps the newest `capacity` records; with 0 it keeps the totals only.
    pub fn new(capacity: usize) -> Self {
        Trail::with_clock(capacity, unix_nanoseconds)
    }

    /// As [`Trail::new`], with `now` as the clock: nanoseconds since 1970-01-01 00:00 UTC.
    ///
    /// ```
    /// use theus_audit::{Entry, Filter, Outcome, Trail};
    ///
    /// let trail = Trail::with_clock(10, || 1_500_000_000);
    /// trail.append(Entry::new("thumbnail", 1, Outcome::Committed));
    /// assert_eq!(trail.records(Filter::default())[0].time, 1_500_000_000);
    /// ```
    pub fn with_clock(capacity: usize, now: fn() -> u64) -> Self {
        let state = Mutex::new(State::new(capacity, Tail::default(), None));
        Trail { shared: Arc::new(Shared { now, state, disk: None }), keeper: Mutex::new(None), process: 0 }
    }

    /// Opens the trail at `path`, or makes it: reads and checks all of its files, cuts the end that a crash has torn, if there
    /// is one, and appends a frame that says so. Earlier records are not read into memory.
    ///
    /// A thread then syncs the file and makes checkpoints. Dropping the trail makes a last one and syncs; errors are lost
    /// there, so whoever wants to know of them calls [`Trail::checkpoint`] before.
    ///
    /// ```
    /// use theus_audit::{Entry, Outcome, Trail, TrailOptions};
    ///
    /// let path = std::env::temp_dir().join(format!("trail-{}.theus", std::process::id()));
    /// let options = || TrailOptions::new(*b"sixteen random b", std::process::id());
    ///
    /// let trail = Trail::open(&path, options())?;
    /// let number = trail.append(Entry::new("thumbnail", 1, Outcome::Committed));
    /// trail.sync()?;
    /// drop(trail);
    ///
    /// let trail = Trail::open(&path, options())?;
    /// assert_eq!(trail.opened().map(|opened| opened.records), Some(1));
    /// assert!(trail.len() > number);
    /// # drop(trail);
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`OpenError`]: somebody else writes to it, it is not as it was written, it is not the one of the checkpoints or of the
    /// key, or the system refuses.
    pub fn open(path: &Path, options: TrailOptions) -> Result<Self, OpenError> {
        // Later files are made beside this one, wherever the process stands by then.
        let path = std::path::absolute(path).map_err(|source| OpenError::Io {
            path: path.to_owned(),
            doing: "to find its folder",
            source,
        })?;
        Trail::open_on(Arc::new(RealDisk), &path, options)
    }

    /// As [`Trail::open`], with all files on this disk.
    ///
    /// # Errors
    /// As [`Trail::open`].
    pub fn open_on(disk: Arc<dyn Disk>, path: &Path, options: TrailOptions) -> Result<Self, OpenError> {
        open::open(disk, path, options)
    }

    /// Appends a record of what has happened, announces it to `tracing` and returns its number. The oldest record leaves
    /// memory when it is full.
    ///
    /// ```
    /// use theus_audit::{Entry, Outcome, Trail};
    ///
    /// let trail = Trail::new(100);
    /// assert_eq!(trail.append(Entry::new("thumbnail", 1, Outcome::Conflict)), 1);
    /// assert_eq!(trail.append(Entry::new("thumbnail", 1, Outcome::Committed).attempt(2)), 2);
    /// ```
    pub fn append(&self, entry: Entry) -> u64 {
        // What a record may not hold is cut, and what leaves memory is freed, outside the lock.
        let entry = entry.bounded();
        let mut state = self.lock();
        let Appended { record, leaving } = state.append(entry, (self.shared.now)());
        drop(state);
        drop(leaving);
        record.announce();
        record.number
    }

    /// Appends a record of what must not happen unrecorded: the caller does it only when this returns the record, and
    /// announces it then ([`Record::announce`]), with no lock held.
    ///
    /// In memory this is [`Trail::append`]. So it is on a disk with [`OnFull::Pass`](crate::OnFull), save for the last two errors.
    ///
    /// # Errors
    /// [`Unwritten`] when the disk does not take the record, or one that waits before it; when 64 MiB wait already; when a
    /// sync has failed. Then nothing was appended.
    pub fn try_append(&self, entry: Entry) -> Result<Arc<Record>, Unwritten> {
        let entry = entry.bounded();
        let mut state = self.lock();
        let appended = state.try_append(entry, (self.shared.now)());
        drop(state);
        let Appended { record, leaving } = appended?;
        drop(leaving);
        Ok(record)
    }

    /// Waits until the frame of this number is on the disk, if the trail is kept with
    /// [`Durability::Each`](crate::Durability); those who wait at the same time share one sync. Else returns at once.
    ///
    /// # Errors
    /// [`TrailError`] when it cannot be written or synced, or when an earlier sync has failed.
    pub fn wait_durable(&self, number: u64) -> Result<(), TrailError> {
        self.own()?;
        self.shared.wait_durable(number)
    }

    /// Whether work may begin that [`Trail::try_append`] must record. Tries to write what waits.
    ///
    /// # Errors
    /// [`Unwritten`] as `try_append` would give it for the reasons that are known before.
    pub fn check_writable(&self) -> Result<(), Unwritten> {
        self.lock().check()
    }

    /// Waits until all that was appended is on the disk, however the trail is kept. Nothing to do in memory.
    ///
    /// # Errors
    /// [`TrailError`] when it cannot be written or synced.
    pub fn sync(&self) -> Result<(), TrailError> {
        self.own()?;
        self.shared.sync()
    }

    /// Syncs, and makes a checkpoint of all that was appended. Gives its text; None where nothing is new, and in memory.
    ///
    /// # Errors
    /// [`TrailError`] when something cannot be written or synced. A checkpoint that only the second file has refused
    /// stands in the trail all the same.
    pub fn checkpoint(&self) -> Result<Option<String>, TrailError> {
        self.own()?;
        self.shared.checkpoint()
    }

    /// What was there when the trail was opened; None for a trail in memory.
    pub fn opened(&self) -> Option<Opened> {
        self.shared.disk.as_ref().map(|disk| disk.opened)
    }

    /// Where the trail is; None for a trail in memory.
    pub fn path(&self) -> Option<&Path> {
        self.shared.disk.as_ref().map(|disk| &*disk.path)
    }

    /// The kept records that `filter` admits, oldest first. The records are shared, not copied.
    pub fn records(&self, filter: Filter<'_>) -> Vec<Arc<Record>> {
        self.lock().ring.records(filter)
    }

    /// Subscribes to the records from now on; at most `capacity` of them (at least one) wait for the observer, the newest.
    pub fn observe(&self, capacity: usize) -> Observer {
        self.lock().feeds.subscribe(capacity)
    }

    /// How many frames the trail has; also the number of the newest.
    pub fn len(&self) -> u64 {
        self.lock().tail.frontier().size()
    }

    /// Whether nothing was ever appended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many records are kept in memory at most.
    pub fn capacity(&self) -> usize {
        self.lock().ring.capacity()
    }

    /// How often each outcome occurred since the trail was made or opened.
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// The right edge of the tree of all frames, which knows its size and its root.
    pub fn head(&self) -> Frontier {
        self.lock().tail.frontier().clone()
    }

    /// Checks the trail: in memory each record as it was sealed, and all of them what the root of the tree says; on disk all
    /// files, as far as they went when it was called, against themselves and against the root that memory holds.
    ///
    /// ```
    /// use theus_audit::{Entry, Outcome, Trail};
    ///
    /// let trail = Trail::new(2);
    /// for task in 1..=5 {
    ///     trail.append(Entry::new("thumbnail", task, Outcome::Committed));
    /// }
    /// let report = trail.verify();
    /// assert!(report.ok());
    /// assert_eq!(report.count, 2);
    /// ```
    pub fn verify(&self) -> Report {
        drop(self.lock());
        self.shared.verify()
    }

    /// Makes a last checkpoint, syncs, lets go of the file and ends the thread of a trail on disk. From then on it takes no record
    /// that must be written, and keeps others in memory only. Errors are lost here, so whoever wants to know of them calls
    /// [`Trail::checkpoint`] before. Doing it again does nothing; nor does it in memory, nor in the function that takes the
    /// checkpoints, nor in a process that was forked off, where the thread is not and the end of the file is not known.
    pub fn close(&self) {
        if std::process::id() != self.process || self.shared.is_telling() {
            return;
        }
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut running) = keeper.take() else {
            return;
        };
        running.stop();
        // Nobody is left to tell; the next opening reads what there is.
        let _checkpoint = self.shared.checkpoint();
        let _synced = self.shared.sync();
        self.shared.close();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.shared.lock();
        if self.is_forked() {
            // Its parent goes on writing behind the same end, over whatever was written here.
            drop(state.end("it belongs to the process that this one was forked from"));
        }
        state
    }

    /// Refuses in a process that was forked off.
    fn own(&self) -> Result<(), Unwritten> {
        if self.is_forked() { self.lock().check() } else { Ok(()) }
    }

    fn is_forked(&self) -> bool {
        self.process != 0 && std::process::id() != self.process
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.close();
    }
}

impl Default for Trail {
    fn default() -> Self {
        Trail::new(DEFAULT_CAPACITY)
    }
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Nanoseconds since 1970 by the system's clock; 0 if the clock stands before that.
pub(crate) fn unix_nanoseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
