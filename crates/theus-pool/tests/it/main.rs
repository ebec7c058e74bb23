//! The pool with real worker processes. The workers are this very program: `hand.rs` starts it again.
#![cfg(not(theus_loom))]
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod crashes;
mod ends;
mod hand;
mod hostile;
mod leaks;
mod memory;
mod panics;
mod ring;
mod shutdown;
mod work;
