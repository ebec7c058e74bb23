//! What can go wrong with sessions, one type per operation.

use std::io;
use std::path::PathBuf;

use crate::error::MapError;

/// Why a listener could not be started, or sessions could not be listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The name cannot be one of a session.
    #[error(
        "{name:?} cannot name a session: use 1 to 64 of the characters A-Z a-z 0-9 . _ - and no dot at the front"
    )]
    Name {
        /// The name given.
        name: String,
    },
    /// The runtime folder is not one that only this user can write.
    #[error("the folder {path} cannot hold sessions: {reason}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A live session has that name.
    #[error(
        "a session named {name} is running already, in process {pid}: choose another name, or end that one"
    )]
    InUse {
        /// The name.
        name: String,
        /// Its process; 0 when the kernel does not tell.
        pid: u32,
    },
    /// Something that is no socket has the name of the session's file.
    #[error("{path} is in the way and is no socket: remove it, or choose another name")]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// Another program holds the folder's lock.
    #[error("the folder {path} stays locked by another program (stopped?): end that program, then try again")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{what} failed: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

impl SessionError {
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}

/// Why a session could not be attached to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The name or address cannot be one.
    #[error("{address:?} is no address of a session")]
    Address {
        /// What was given.
        address: String,
    },
    /// The runtime folder.
    #[error(transparent)]
    Folder(#[from] SessionError),
    /// Nobody listens there.
    #[error("there is no session {address} (its program has ended, or never listened)")]
    Gone {
        /// Its name or address.
        address: String,
    },
    /// The program there runs as another user.
    #[error(
        "the session {address} belongs to user {uid}, not to user {own}: only programs of one user can share"
    )]
    Foreign {
        /// Its name or address.
        address: String,
        /// Its user.
        uid: u32,
        /// Ours.
        own: u32,
    },
    /// It has as many connections as it allows, or this process has.
    #[error("the session {address} takes no more connections: detach some, then try again")]
    Busy {
        /// Its name or address.
        address: String,
    },
    /// It did not answer in time.
    #[error("the session {address} does not answer (process {pid} is stopped or overloaded)")]
    Silent {
        /// Its name or address.
        address: String,
        /// Its process; 0 when the kernel does not tell.
        pid: u32,
    },
    /// It speaks something else.
    #[error("the session {address} does not speak this protocol: {reason}")]
    Protocol {
        /// Its name or address.
        address: String,
        /// What came.
        reason: String,
    },
    /// The system refused.
    #[error("attaching to {address} failed: {source}")]
    System {
        /// Its name or address.
        address: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Why a block of an attached session could not be had, or its names not be listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such block (any more).
    #[error("the session {address} has no {what} (any more)")]
    Missing {
        /// The session's name or address.
        address: String,
        /// What was asked for.
        what: String,
    },
    /// The owner has ended, or has closed this connection. What was opened before stays readable.
    #[error("the session {address} has ended (process {pid}): nothing more can be opened from it")]
    Gone {
        /// The session's name or address.
        address: String,
        /// The process that it was.
        pid: u32,
    },
    /// As many blocks are open as one connection may hold.
    #[error(
        "{open} blocks of the session {address} are open, which is all that one program may hold: drop some"
    )]
    Leases {
        /// The session's name or address.
        address: String,
        /// Blocks open.
        open: usize,
    },
    /// This is a forked child of the process that attached.
    #[error(
        "the connection to the session {address} belongs to the parent process: attach anew after the fork"
    )]
    Forked {
        /// The session's name or address.
        address: String,
    },
    /// What came is not what this protocol says.
    #[error("the session {address} answered nonsense: {reason}")]
    Protocol {
        /// The session's name or address.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// The memory that came is not what was announced.
    #[error("a block of the session {address} cannot be mapped: {source}")]
    Map {
        /// The session's name or address.
        address: String,
        /// Why.
        source: MapError,
    },
}
