//! Fairness: waits, the line for the ticket, and that it ends starvation.

mod backoff;
mod manager;
mod priority;
mod starvation;

use theus_state::Commit;
use theus_value::{Path, Update, Value};

fn set(key: &str, n: i64) -> Update {
    let mut update = Update::new();
    update.set(Path::from_segments([key]), Value::from(n));
    update
}

fn commit(base: u64) -> Commit {
    Commit::new(base, set("a", 1))
}
