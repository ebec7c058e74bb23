//! The audit trail: one record for every attempt, kept in memory in a bounded ring.
//!
//! A [`Trail`] takes an [`Entry`] for each attempt of a task, whatever its [`Outcome`], gives it the next
//! number, the time and a digest, and keeps the newest ones. Totals per outcome are kept for ever.
//!
//! What is not here: audit recipes, rules and levels, the trail on disk, and any knowledge of the engine.
//! This crate is plain data and one lock; it does no input or output.
//!
//! Invariants
//! - Numbers start at 1 and have no gap; a record's number is its position among all that were ever appended.
//! - A record never changes after it was appended, and its digest covers every other field ([`Record::encode`]).
//! - The sum of [`Counts`] is the number of the newest record.
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
mod log;
mod recipe;
mod record;
mod rule;
mod system;
mod trail;
mod tree;
mod verify;

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
