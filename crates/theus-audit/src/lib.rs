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

mod changed_path;
mod counts;
mod encoding;
mod entry;
mod filter;
mod outcome;
mod record;
mod trail;

pub use changed_path::ChangedPath;
pub use counts::Counts;
pub use entry::Entry;
pub use filter::Filter;
pub use outcome::{Outcome, UnknownOutcome};
pub use record::Record;
pub use trail::{DEFAULT_CAPACITY, Trail};
