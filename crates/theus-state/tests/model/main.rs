//! Loom: every interleaving of a few threads on a store. Run with
//! `RUSTFLAGS="--cfg theus_loom" cargo test -p theus-state --test model --release`.
//!
//! Each property is checked on the store and shown to fail on a twin with a planted bug. Models of two threads run
//! exhaustively, so do those of three with a commit each; larger ones are bounded to so many preemptions as they say.
#![cfg(theus_loom)]
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod checked;
mod counter;
mod feed;
mod gate;
mod observer;
mod publication;
mod race;
mod subject;
mod ticket;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the model over every interleaving, or those with at most so many preemptions.
fn explore(preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(model);
}

/// The model must fail, and by saying `why`.
fn must_find(why: &str, model: impl FnOnce()) {
    let panic = catch_unwind(AssertUnwindSafe(model)).expect_err("the planted bug went unnoticed");
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    assert!(text.contains(why), "found something else: {text}");
}
