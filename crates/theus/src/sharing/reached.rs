//! From a handle to its memory: a block of this process, or one of another, mapped for reading only.
//!
//! What not: handing blocks out (`lent`).
//! Invariants: one connection to each process that lends; a forked child makes its own; what an owner says is checked.

use super::handle::{Handle, HandleError};
use super::lent::{self, Own};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use theus_shm::Block;
use theus_shm::session::{AttachError, Attached, OpenError, Opened};
use thiserror::Error;

/// Most connections that are kept for later; one more ends the oldest, once nothing that came by it is held.
const MOST: usize = 32;

/// A child that was forked while another thread held this lock waits so long, and then does without what it guards.
const LOCK_PATIENCE: Duration = Duration::from_millis(100);

static CONNECTIONS: Mutex<Vec<Connection>> = Mutex::new(Vec::new());

struct Connection {
    process: u32,
    attached: Attached,
}

/// The memory that a handle stands for.
#[derive(Debug)]
pub enum Reached {
    /// Of this process.
    Own(Arc<Block>),
    /// Of another process; held as long as this is.
    Other(Arc<Opened>),
}

/// Why a handle leads nowhere.
#[derive(Debug, Error)]
pub enum ReachError {
    /// Its process has ended.
    #[error("the heavy array behind this handle is gone: process {process}, which held it, has ended")]
    Ended {
        /// The process.
        process: u32,
    },
    /// Its array was freed.
    #[error(
        "the heavy array behind this handle is gone: process {process} has freed block {serial}; keep the array, or \
         publish it in the state, as long as others are to read it"
    )]
    Freed {
        /// The process.
        process: u32,
        /// The block.
        serial: u64,
    },
    /// It does not fit its block.
    #[error(transparent)]
    Handle(#[from] HandleError),
    /// Its process cannot be attached to.
    #[error("the heavy array behind this handle cannot be reached: {0}")]
    Attach(AttachError),
    /// Its block cannot be opened.
    #[error("the heavy array behind this handle cannot be reached: {0}")]
    Open(OpenError),
}

/// The memory that a handle stands for, as long as its creator lives and has it.
///
/// # Errors
/// [`ReachError`].
pub fn reach(handle: &Handle) -> Result<Reached, ReachError> {
    match lent::own(handle) {
        Own::Block(block) => {
            handle.check(block.len() as u64)?;
            Ok(Reached::Own(block))
        }
        Own::Freed => Err(freed(handle)),
        Own::NotOurs => {
            let opened = open(handle)?;
            handle.check(opened.len() as u64)?;
            Ok(Reached::Other(Arc::new(opened)))
        }
    }
}

fn open(handle: &Handle) -> Result<Opened, ReachError> {
    if let Some(attached) = known(handle) {
        match attached.open_serial(handle.serial) {
            // The connection is of no more use; the process may be, if it had to drop us.
            Err(OpenError::Gone { .. } | OpenError::Protocol { .. }) => forget(handle),
            opened => return opened.map_err(|error| refused(handle, error)),
        }
    }
    let attached = Attached::to_address(&handle.address).map_err(|error| match error {
        AttachError::Gone { .. } => ReachError::Ended { process: handle.process() },
        other => ReachError::Attach(other),
    })?;
    let opened = attached.open_serial(handle.serial).map_err(|error| refused(handle, error))?;
    keep(attached);
    Ok(opened)
}

fn refused(handle: &Handle, error: OpenError) -> ReachError {
    match error {
        OpenError::Missing { .. } => freed(handle),
        OpenError::Gone { .. } => ReachError::Ended { process: handle.process() },
        other => ReachError::Open(other),
    }
}

fn freed(handle: &Handle) -> ReachError {
    ReachError::Freed { process: handle.process(), serial: handle.serial }
}

fn is_of(connection: &Connection, handle: &Handle) -> bool {
    connection.process == std::process::id() && connection.attached.address() == handle.address.as_str()
}

fn known(handle: &Handle) -> Option<Attached> {
    let connections = CONNECTIONS.try_lock_for(LOCK_PATIENCE)?;
    connections.iter().find(|connection| is_of(connection, handle)).map(|found| found.attached.clone())
}

fn forget(handle: &Handle) {
    let gone = CONNECTIONS.try_lock_for(LOCK_PATIENCE).map(|mut connections| {
        connections.extract_if(.., |connection| is_of(connection, handle)).collect::<Vec<_>>()
    });
    drop(gone);
}

fn keep(attached: Attached) {
    let Some(mut connections) = CONNECTIONS.try_lock_for(LOCK_PATIENCE) else { return };
    let oldest = (connections.len() >= MOST).then(|| connections.remove(0));
    connections.push(Connection { process: std::process::id(), attached });
    drop(connections);
    drop(oldest);
}
