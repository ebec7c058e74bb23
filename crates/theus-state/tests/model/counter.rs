//! A counter in a store: what the models commit and count.

use theus_state::{Commit, Snapshot};
use theus_value::{Path, Update, Value};

fn path(key: &str) -> Path {
    Path::from_segments([key])
}

pub(crate) fn number(snapshot: &Snapshot, key: &str) -> i64 {
    match snapshot.get(&path(key)) {
        Some(Value::Int(n)) => *n,
        _ => 0,
    }
}

pub(crate) fn set(base: u64, key: &str, n: i64) -> Commit {
    let mut update = Update::new();
    update.set(path(key), Value::from(n));
    Commit::new(base, update)
}

/// One more at both halves of a counter.
pub(crate) fn increment(seen: &Snapshot) -> Commit {
    let next = Value::from(number(seen, "left") + 1);
    let mut update = Update::new();
    update.set(path("left"), next.clone()).set(path("right"), next);
    Commit::new(seen.version(), update)
}
