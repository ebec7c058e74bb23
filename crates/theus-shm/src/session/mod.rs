//! Sessions: an owner listens on a local socket, and other programs of the same user read its blocks by name.
//!
//! What is here
//! - [`Listener`] serves what a [`Catalogue`] offers: under a name in the runtime [`Folder`] (opt-in), or at an
//!   anonymous [`Address`], which has no name in any file system.
//! - [`Attached`] is the other end; it gives [`Opened`] blocks, mapped for reading only.
//! - [`frame`] has the messages.
//!
//! What is not: what the bytes mean, and any way to write to another program's memory.
//!
//! Invariants
//! - Both ends run as the same user, as the kernel names it (`SO_PEERCRED`); each checks the other. That is the whole
//!   guard: whatever runs as this user may attach.
//! - An opened block stays in use until it is dropped, or its holder's connection ends, with the process at the latest.
//! - A peer that floods, lies, never reads or stops costs itself only: bounded connections, leases and answers on their
//!   way, and no waiting for it.
//! - What a killed owner leaves behind is at most the file of its named socket, which the next who looks removes.

mod address;
mod attached;
mod catalogue;
mod error;
mod folder;
pub mod frame;
mod link;
mod listener;
mod opened;

pub use address::{Address, SessionName};
pub use attached::{Attached, PATIENCE};
pub use catalogue::{Catalogue, Offer};
pub use error::{AttachError, OpenError, SessionError};
pub use folder::{Folder, Session};
pub use listener::{Listener, MAX_CONNECTIONS, MAX_OF_ONE};
pub use opened::Opened;
