//! Fairness: who goes next when some always lose.
//!
//! What: a [`Backoff`] says how long to wait; the line decides who holds the one ticket of a store; a [`Priority`]
//! is a place in that line; a [`ConflictManager`] joins the two by counting conflicts.
//! What not: nothing here commits. The store asks the line, under its writers' lock, whether a commit may pass.

mod backoff;
mod line;
mod manager;
mod priority;
mod requester;

pub use backoff::{Backoff, MAX_RETRIES};
pub(crate) use line::{Line, Place};
pub use manager::{ConflictManager, RetryDecision};
pub use priority::Priority;
pub use requester::Requester;
