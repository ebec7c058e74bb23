//! The shield: runs the owner's code so that its panic costs that call and nothing of the pool.
//!
//! What it is not: silent. The panic hook has told the user by the time the panic arrives here.
//! Invariant: no lock of the pool is held that the owner's code could leave half changed: what it may change is its
//! own job, and a job whose code panicked is only asked once more to end.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the call returns; None if it panicked.
pub(crate) fn shielded<T>(call: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // Dropping what was thrown may throw again; leaking that one is the end of it.
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(second);
            }
            None
        }
    }
}
