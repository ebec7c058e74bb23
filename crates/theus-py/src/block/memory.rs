//! Where the bytes of a block are, and what keeps them there.

use std::sync::Arc;
use theus_pool::Hold;
use theus_shm::session::Opened;
use theus_shm::{MapError, Mapping, OpenBuffer, Scratch};

/// The memory of a block. Whoever has it keeps it mapped.
pub(super) enum Memory {
    /// Of this process.
    Brain(Arc<theus::Block>),
    /// Of the Brain, mapped read-only. The Brain keeps the block in use as long as it is held.
    Worker { mapping: Arc<Mapping>, offset: usize, _hold: Hold },
    /// Of another program of this user, mapped read-only, which keeps it in use as long as it is held.
    Opened(Arc<Opened>),
    /// Of this worker, to be filled and handed over.
    Open(OpenBuffer),
    /// Private and writable: the pages of one of the others until they are written.
    Scratch(Scratch),
}

impl Memory {
    /// The address of the first byte.
    pub(super) fn pointer(&self) -> *mut u8 {
        match self {
            Memory::Brain(block) => block.as_ptr(),
            // Whoever made this has checked that the block lies within the mapping.
            Memory::Worker { mapping, offset, .. } => mapping.as_ptr().wrapping_add(*offset).cast_mut(),
            Memory::Opened(opened) => opened.mapping().as_ptr().wrapping_add(opened.offset()).cast_mut(),
            Memory::Open(buffer) => buffer.as_ptr(),
            Memory::Scratch(scratch) => scratch.as_ptr(),
        }
    }

    /// A private writable view of the same `bytes`; None of what is one already.
    pub(super) fn scratch(&self, bytes: usize) -> Result<Option<Memory>, MapError> {
        Ok(Some(Memory::Scratch(match self {
            Memory::Brain(block) => block.scratch()?,
            Memory::Worker { mapping, offset, .. } => mapping.scratch(*offset, bytes)?,
            Memory::Opened(opened) => opened.mapping().scratch(opened.offset(), bytes)?,
            // Its writers are its owners.
            Memory::Open(_) | Memory::Scratch(_) => return Ok(None),
        })))
    }
}
