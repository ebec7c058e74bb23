//! The versioned store: snapshots, compare-and-swap commits, conflicts.
//!
//! What: a [`Store`] holds the state under one atomic root. A [`Snapshot`] of it costs O(1) and never changes; a
//! [`Peek`] costs even less and is short. A [`Commit`] says from which version it started and what it writes; it is
//! applied to the newest version if nothing it depends on has changed meanwhile, else refused with the [`Conflict`]s
//! named. A [`Transaction`] makes one commit of several updates. An [`Observer`] is told of every commit in order.
//!
//! For those that lose: [`Backoff`] says how long to wait before trying again, a [`Priority`] ticket keeps all others out
//! for a while, and a [`ConflictManager`] gives the ticket to whoever lost too often.
//!
//! What not: no permissions, zones or schema (the engine's, see [`Store::commit_checked`]), no disk. Time matters to the
//! leases of tickets, the limits of transactions and the stamp of events, and to nothing else; nothing here sleeps but
//! [`Priority::wait`], [`Store::wait_unblocked`] and [`Observer::recv`].
//!
//! Invariants (S1 to S4 of the design)
//! - A snapshot never changes.
//! - Versions are gapless; each is made by exactly one commit.
//! - No lost update: a commit whose written paths (`serializable`: also its read paths) changed after its base is
//!   refused. It may be refused without need in one case, described at [`Snapshot::changed_since`].
//! - Readers never wait for writers. Writers take turns; a turn holds no foreign code.
//! - While a ticket is held, only its holder commits. It is given back by a drop, a panic or the end of its lease.
//! - Observers get every version or are told how many they missed; a commit never waits for one.
//!
//! Why these hold, step by step, is argued at the top of `store.rs`.
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

mod commit;
mod conflict;
mod observer;
mod peek;
mod shared;
mod snapshot;
mod stamps;
mod store;
mod ticket;
mod transaction;

pub use commit::{Commit, Committed, Isolation};
pub use conflict::{CommitError, CommitRefused, Conflict};
pub use observer::{Event, Observer, RecvError};
pub use peek::Peek;
pub use snapshot::Snapshot;
pub use store::{Pending, Store};
pub use ticket::{Backoff, ConflictManager, MAX_RETRIES, Priority, Requester, RetryDecision};
pub use transaction::{Limit, Transaction, TransactionError, TransactionOptions};
