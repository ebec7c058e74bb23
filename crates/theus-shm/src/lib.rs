//! Shared memory that leaves nothing behind: sealed memfd segments, an arena, fd passing.
//!
//! What is here
//! - [`Segment`]: anonymous memory with one writer, its maker. The kernel keeps every other writer out.
//! - [`Arena`] and [`Block`]: memory in pieces, given back when dropped, reused while warm.
//! - [`Mapping`]: the reader's side; seals, size and pages are checked before anything is mapped.
//! - [`OpenBuffer`], [`SealedBuffer`]: bytes that become final, for handing over a result; [`Arena::adopt`] takes them over.
//! - [`Leases`]: which blocks another process may still map. [`Scratch`]: a private writable view of a block.
//! - [`peer`]: the memory of another process, copied by the kernel.
//! - [`Channel`], [`futex`], [`socket`], [`pidfd`]: what a mailbox between two processes is built of.
//!
//! What is not: values, messages, protocols. This crate knows bytes.
//!
//! Invariants
//! - Each segment has exactly one writer process (`F_SEAL_FUTURE_WRITE`).
//! - No bookkeeping lies in shared memory.
//! - A mapped block stays valid for as long as anything holds it.
//! - After any kills, no named object remains: nothing here ever has a name in a file system.
//! - A shortage of memory is an error when memory is asked for, never a signal later.
//! - A child made by `fork` has no writable memory of its parent, and dropping its copies does no harm.
//!
//! ```
//! use std::os::fd::AsFd;
//! use theus_shm::{Arena, ArenaOptions, Expect, Mapping, socket};
//!
//! let arena = Arena::new(ArenaOptions { capacity: 16 << 20 });
//! let block = arena.alloc(2 << 20, true)?;
//! block.write_at(0, b"hello")?;
//!
//! // The reader is another process as a rule.
//! let (brain, hand) = socket::pair()?;
//! socket::send(&brain, b"segment", &[block.segment().fd()])?;
//! let mut message = [0; 16];
//! let (_, mut fds) = socket::recv(&hand, &mut message, 1, true)?.expect("the peer is there");
//! let fd = fds.pop().expect("one descriptor came");
//! let mapping = Mapping::open(fd, Expect::segment(block.segment().len() as u64))?;
//!
//! let mut seen = [0; 5];
//! mapping.read_at(0, &mut seen)?;
//! assert_eq!(&seen, b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!(
    "theus-shm needs 64-bit Linux: build there, or add a folder for this system beside crates/theus-shm/src/linux"
);

mod arena;
mod block;
#[cfg(theus_loom)]
mod cells;
mod channel;
mod doctor;
mod error;
mod leases;
mod linux;
mod mapping;
mod raw;
mod scratch;
mod sealed;
mod seals;
mod segment;
pub mod session;

pub use arena::{Arena, ArenaOptions, ArenaStats};
pub use block::{Block, Counted};
pub use channel::Channel;
pub use doctor::{Finding, Verdict, doctor};
pub use error::{AllocError, MapError, OutOfBounds, ShmError};
pub use leases::Leases;
pub use linux::host::harden;
pub use linux::huge::huge_pages;
pub use linux::{futex, peer, pidfd, socket};
pub use mapping::{Expect, Mapping};
pub use scratch::Scratch;
pub use sealed::{OpenBuffer, SealedBuffer};
pub use seals::Seals;
pub use segment::Segment;
