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
mod planted;
mod publication;
mod race;
mod subject;
mod ticket;

use planted::must_find;

/// Runs the model over every interleaving, or those with at most so many preemptions.
fn explore(preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(model);
}
