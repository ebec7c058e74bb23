//! Behaviour of theus-state: commits against a twin that keeps the whole history, modes, threads, costs.
#![cfg(not(theus_loom))]
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod backoff;
mod checked;
mod modes;
mod sharing;
mod stamps;
mod threads;
mod twin;
