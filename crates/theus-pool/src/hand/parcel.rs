//! A parcel: a result with what its worker attached, before the worker's memory was copied.
//!
//! Copying may take long, and a worker may see to it that it never ends; so it is done without the slot's lock, and the
//! attempt counts as running until it is over: it can be cancelled, its deadline holds, and its worker killed.
//!
//! Invariants: memory of a process is read only while its number cannot be another's ([`Line::read`]); what is attached
//! twice is copied once; nobody looks at memory that a worker can still write.

use super::{Line, LinkError};
use crate::job::{Bytes, Delivery, Lacking};
use std::collections::HashMap;
use std::io;
use theus_shm::{Arena, Block};
use theus_sync::Arc;

/// One attached piece of memory.
pub(crate) enum Part {
    /// It is here, or there was no memory for it.
    Here(Result<Arc<Block>, Lacking>),
    /// It is in the worker.
    There {
        /// Where it begins.
        address: u64,
        /// Its length in bytes.
        len: u64,
    },
}

/// A result on its way.
pub(crate) struct Parcel {
    bytes: Bytes,
    /// Where the body begins in it.
    body: usize,
    parts: Vec<Part>,
}

impl Parcel {
    pub(crate) fn new(bytes: Bytes, body: usize, parts: Vec<Part>) -> Self {
        Parcel { bytes, body, parts }
    }

    /// Whether memory of the worker must be copied.
    pub(crate) fn is_away(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::There { .. }))
    }

    /// The whole result. Copies what is in the worker; no lock may be held.
    pub(crate) fn collect(self, arena: &Arena, line: &Line) -> Result<Delivery, LinkError> {
        let mut copies = HashMap::new();
        let mut blocks = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            blocks.push(match part {
                Part::Here(block) => block,
                Part::There { address, len } => match copies.get(&(address, len)) {
                    Some(copy) => Ok(Arc::clone(copy)),
                    None => {
                        let copy = copied(arena, line, address, len)?;
                        copies.extend(copy.as_ref().ok().map(|block| ((address, len), Arc::clone(block))));
                        copy
                    }
                },
            });
        }
        Ok(Delivery::behind(self.bytes, self.body, blocks))
    }
}

/// A copy of the worker's memory in a block of ours; an error of the link when the worker is gone.
fn copied(
    arena: &Arena,
    line: &Line,
    address: u64,
    len: u64,
) -> Result<Result<Arc<Block>, Lacking>, LinkError> {
    let mut block = match arena.alloc_uncounted(usize::try_from(len).unwrap_or(usize::MAX)) {
        Ok(block) => block,
        Err(error) => return Ok(Err(Lacking::Memory(error))),
    };
    match line.read(address, block.bytes_mut()) {
        Ok(()) => Ok(Ok(Arc::new(block))),
        // Not all that a process can read can be copied out of it: memory of a device, say.
        Err(source) if !line.is_dead() && !is_gone(&source) => Ok(Err(Lacking::Unreadable { len, source })),
        Err(source) => Err(LinkError::Memory(format!("{len} bytes at {address:#x}: {source}"))),
    }
}

fn is_gone(error: &io::Error) -> bool {
    const ESRCH: i32 = 3;
    error.raw_os_error() == Some(ESRCH)
}
