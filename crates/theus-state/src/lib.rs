//! The versioned store: snapshots, compare-and-swap commits, conflicts.
//!
//! What: a [`Store`] holds the state under one atomic root. A [`Snapshot`] of it costs O(1) and never changes. A
//! [`Commit`] says from which version it started and what it writes; it is applied to the newest version if
//! nothing it depends on has changed meanwhile, else refused with the [`Conflict`]s named. [`Backoff`] says how
//! long to wait before trying again.
//!
//! What not: no permissions, zones or schema (the engine's, see [`Store::commit_checked`]), no disk, no clock.
//!
//! Invariants (S1 to S4 of the design)
//! - A snapshot never changes.
//! - Versions are gapless; each is made by exactly one commit.
//! - No lost update: a commit whose written paths (`serializable`: also its read paths) changed after its base is
//!   refused. It may be refused without need in one case, described at [`Snapshot::changed_since`].
//! - Readers never wait for writers. Writers take turns; a turn holds no foreign code.
//!
//! ```
//! use theus_state::{Commit, Store};
//! use theus_value::{Map, Path, Update, Value};
//!
//! let store = Store::new(Map::new());
//! let seen = store.snapshot();
//! let mut update = Update::new();
//! update.set(Path::parse("domain.count")?, Value::from(1));
//! let committed = store.commit(Commit::new(seen.version(), update.clone()))?;
//! assert_eq!(committed.version, 1);
//! assert_eq!(seen.version(), 0);
//!
//! // The same base again: the path has changed since.
//! assert!(store.commit(Commit::new(seen.version(), update)).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod backoff;
mod children;
mod commit;
mod conflict;
mod snapshot;
mod stamps;
mod store;

pub use backoff::{Backoff, MAX_RETRIES};
pub use commit::{Commit, Committed, Isolation};
pub use conflict::{CommitError, CommitRefused, Conflict};
pub use snapshot::Snapshot;
pub use store::Store;
