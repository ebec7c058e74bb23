//! The ways of Linux: memory file descriptors, futex, sockets, pidfd, memory limits. What they offer is
//! safe; the system calls themselves are in `raw.rs`.
//!
//! Not here: what the memory is used for. Another system gets a folder of its own beside this one, with
//! the same file names, and `lib.rs` picks.

pub mod futex;
pub(crate) mod host;
pub(crate) mod huge;
pub(crate) mod limits;
pub(crate) mod listen;
pub(crate) mod map;
pub(crate) mod memfd;
pub mod peer;
pub mod pidfd;
mod raw;
#[cfg(not(theus_loom))]
pub(crate) mod segment;
pub mod socket;
