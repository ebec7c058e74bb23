//! The audit: rules that processes are held to, counters of failures, and a trail of every attempt that shows edits.
//!
//! A [`Trail`] takes an [`Entry`] for each attempt of a task, whatever its [`Outcome`], gives it the next number, the time, a
//! link to the one before and a digest, keeps the newest in memory and, where it was opened on a path, all of them in files.
//! A [`Book`] holds the [`Rule`]s of processes; an [`AuditSystem`] counts what breaks them and says what that leads to.
//!
//! What is not here: any knowledge of the engine. Files are touched through [`Disk`] only, and a trail in memory does no input
//! or output and has no thread.
//!
//! Invariants
//! - Frames are numbered from 1 without a gap. A record is a frame, and its number that frame's; in a trail in memory there
//!   are only records.
//! - A record never changes after it was appended, and its digest covers every other field ([`Record::encode`]).
//! - The sum of [`Counts`] is the number of records since the trail was made or opened.
//! - [`log`] draws the files byte by byte and says what a reader checks; [`verify`] says what a check can find and what not.
//!
//! ```
//! use theus_audit::{Entry, Filter, Outcome, Trail};
//!
//! let trail = Trail::default();
//! trail.append(Entry::new("thumbnail", 7, Outcome::Conflict).base_version(3));
//! trail.append(Entry::new("thumbnail", 7, Outcome::Committed).attempt(2).base_version(4).version(5));
//!
//! let records = trail.records(Filter { process: Some("thumbnail"), ..Filter::default() });
//! assert_eq!(records.len(), 2);
//! assert_eq!(records[1].version, Some(5));
//! assert_eq!(trail.counts().get(Outcome::Conflict), 1);
//! ```
#![forbid(unsafe_code)]

mod checkpoint;
mod disk;
mod level;
pub mod log;
mod recipe;
mod record;
mod rule;
mod system;
mod trail;
mod tree;
pub mod verify;

pub use checkpoint::{
    Checkpoint, CheckpointNote, KeyError, LONGEST_ORIGIN, NoteError, PublicKey, Signer, check_origin,
};
pub use disk::{
    CheckpointSink, Disk, DiskFile, Durability, OnFull, OpenError, RealDisk, TrailError, TrailOptions,
    Unwritten,
};
pub use level::{Level, UnknownLevel};
pub use log::{Flaw, Frame, FrameError, Kind, MAGIC, MAX_FRAME, MIN_FRAME};
pub use recipe::{AuditRecipe, Book, Leniency, LoadError, ProcessRules, RecipeError, Remark};
pub use record::{ChangedPath, Counts, Entry, Filter, Outcome, Record, TARGET, UnknownOutcome};
pub use rule::{Check, Number, Rule, Subject};
pub use system::{AuditRefusal, AuditSystem, Judgement, LogEntry, Verdict};
pub use trail::{DEFAULT_CAPACITY, Missed, Observer, Opened, Trail};
pub use tree::{BrokenFrontier, Frontier, Hash, Prover, empty_root, extends, includes, leaf_hash, node_hash};
pub use verify::{
    Consistent, Finding, Included, Proof, ProofError, ProveError, ReadError, Records, Report, Trust,
    Verifier, VerifyOptions, Which, check_consistency, check_inclusion, prove_consistency, prove_record,
    records_of, trail_files, verify_files,
};
