//! How a trail on disk is kept: what a caller may choose, with values that suit most.
//!
//! What not: how a trail in memory is kept, which has a capacity and a clock only.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::checkpoint::Signer;
use crate::trail::{DEFAULT_CAPACITY, unix_nanoseconds};

/// When a record counts as kept for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The file is written at once and synced every [`TrailOptions::sync_every`]: the death of the process loses nothing, that
    /// of the machine at most that much time.
    #[default]
    Batched,
    /// [`Trail::wait_durable`](crate::Trail::wait_durable) waits until the record is synced; those who wait share one sync.
    Each,
}

/// What happens when a record cannot be written because the disk is full or fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFull {
    /// What is not recorded does not happen: [`Trail::try_append`](crate::Trail::try_append) refuses.
    #[default]
    Block,
    /// Work goes on; the records wait in memory, in order, until the disk takes them.
    Pass,
}

/// Takes the text of each new checkpoint, to keep it where whoever changes the trail cannot reach it.
///
/// Runs in the trail's own thread, or in that of whoever asked for the checkpoint; a panic in it is caught and forgotten.
/// A checkpoint that it asks the same trail for is a sync only, and closing the trail does nothing in it. While it runs, the
/// trail makes no other checkpoint; in the trail's own thread no batched sync either, so it should be short.
pub type CheckpointSink = Box<dyn Fn(&str) + Send + Sync>;

/// How a trail on disk is kept.
///
/// ```
/// use theus_audit::{Durability, TrailOptions};
///
/// let options = TrailOptions { durability: Durability::Each, ..TrailOptions::new([7; 16], std::process::id()) };
/// assert_eq!(options.checkpoint_records, 1_000);
/// ```
pub struct TrailOptions {
    /// How many of the newest records are kept in memory.
    pub capacity: usize,
    /// The clock: nanoseconds since 1970-01-01 00:00 UTC.
    pub now: fn() -> u64,
    /// What a new trail is told apart by: 16 random bytes. A trail that exists keeps its own.
    pub id: [u8; 16],
    /// The id of this process, for the record of who opened the trail again.
    pub process: u32,
    /// When a record counts as kept for good.
    pub durability: Durability,
    /// The longest time between two syncs, and so what a power cut can lose.
    pub sync_every: Duration,
    /// A checkpoint is made after so many records,
    pub checkpoint_records: u64,
    /// or when so much time has gone since the last one.
    pub checkpoint_every: Duration,
    /// A file with so many bytes is followed by the next.
    pub max_file: u64,
    /// What happens when a record cannot be written.
    pub on_full: OnFull,
    /// The name under which checkpoints are signed; None: the one that the trail has; of a new one the signer's, else
    /// `theus/` and its id in hex.
    pub origin: Option<String>,
    /// Signs the checkpoints; its name is the origin. A trail that was begun with a key, or without, stays so.
    pub signer: Option<Signer>,
    /// Takes the text of each checkpoint.
    pub checkpoints: Option<CheckpointSink>,
    /// A second file, better on another disk, that gets the text of each checkpoint; a trail that was cut back since does
    /// not open.
    pub checkpoint_file: Option<PathBuf>,
}

impl TrailOptions {
    /// The usual ones: batched syncs every 100 ms, a checkpoint every 1,000 records or second, files of 64 MiB, no key.
    pub fn new(id: [u8; 16], process: u32) -> Self {
        TrailOptions {
            capacity: DEFAULT_CAPACITY,
            now: unix_nanoseconds,
            id,
            process,
            durability: Durability::default(),
            sync_every: Duration::from_millis(100),
            checkpoint_records: 1_000,
            checkpoint_every: Duration::from_secs(1),
            max_file: 64 << 20,
            on_full: OnFull::default(),
            origin: None,
            signer: None,
            checkpoints: None,
            checkpoint_file: None,
        }
    }
}

impl fmt::Debug for TrailOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrailOptions")
            .field("durability", &self.durability)
            .field("on_full", &self.on_full)
            .field("max_file", &self.max_file)
            .field("checkpoint_file", &self.checkpoint_file)
            .finish_non_exhaustive()
    }
}
