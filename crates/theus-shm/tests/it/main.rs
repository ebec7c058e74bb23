//! What the crate promises, tested against the kernel of this machine and, where processes matter, with real ones.
#![cfg(not(theus_loom))]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod adopt;
mod arena;
mod channel;
mod child;
mod doctor;
mod fragmentation;
mod futex;
mod hostile;
mod kill;
mod leaks;
mod leases;
mod lost;
mod mapping;
mod pidfd;
mod pressure;
mod raw;
mod scratch;
mod sealed;
mod segment;
mod session;
mod socket;
mod twin;
