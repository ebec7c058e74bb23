//! Behaviour of theus-state: commits against a twin that keeps the whole history, modes, threads, costs.
#![cfg(not(any(theus_loom, theus_shuttle)))]
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod auto_traits;
mod checked;
mod conflicts;
mod gate;
mod histories;
mod machine;
mod modes;
mod observer;
mod sharing;
mod stamps;
mod threads;
mod ticket;
mod transaction;
mod twin;
