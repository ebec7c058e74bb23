//! [`Root`]: one way of keeping a state that is read while it changes; ours and the rivals'.
//!
//! What not: no measuring. Invariant: keys and values are the same for all, so what differs is the keeping.

mod locked;
mod ours;
mod swapped;

pub use locked::{Locked, Sharded, Shared};
pub use ours::{Ours, one_below};
pub use swapped::{Persistent, Swapped};

use theus_value::{Key, Value};

/// A state of keys and values that takes one changed key at a time.
pub trait Root: Sync {
    /// What a caller prepares for a commit before the clock starts.
    type Job: Send;

    /// The state of these entries.
    fn of(entries: Vec<(Key, Value)>) -> Self;

    /// Prepares the commit of `value` at `key`, with `ahead` other commits between now and then.
    fn job(&self, ahead: usize, key: &Key, value: i64) -> Self::Job;

    /// Makes the change visible to readers.
    fn commit(&self, job: Self::Job);

    /// Reads the number at a key, as a reader does that wants the newest state.
    fn read(&self, key: &Key) -> i64;
}

/// The value as a number, so that every reader touches it.
fn number(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Int(number)) => *number,
        _ => -1,
    }
}
