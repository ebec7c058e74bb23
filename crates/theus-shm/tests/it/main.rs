//! What the crate promises, tested against the kernel of this machine and, where processes matter, with real ones.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod arena;
mod channel;
mod child;
mod futex;
mod kill;
mod mapping;
mod pidfd;
mod raw;
mod sealed;
mod segment;
mod socket;
mod twin;
