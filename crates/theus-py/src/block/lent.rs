//! Blocks that one process lends to another: theirs here, ours there.

use super::memory::Memory;
use super::raw::Block;
use std::sync::Arc;
use theus::{Handle, lend};
use theus_shm::session::{Opened, SessionError};

impl Block {
    /// A block of another process, which keeps it in use as long as this is held. The caller has checked that the array
    /// lies within it.
    pub(crate) fn of_opened(opened: &Arc<Opened>, dtype: &str, shape: &[u64], creator: u32) -> Self {
        let memory = Arc::new(Memory::Opened(Arc::clone(opened)));
        Block::new(memory, dtype, shape, (opened.serial(), creator), true)
    }

    /// True of memory that the parent of this process owns, and that a forked child has not.
    pub(crate) fn is_of_parent(&self) -> bool {
        matches!(self.memory(), Memory::Brain(_)) && self.creator() != std::process::id()
    }

    /// The handle of the whole block; None of memory that nobody else can reach.
    pub(crate) fn lent(&self) -> Result<Option<Handle>, SessionError> {
        match self.memory() {
            Memory::Brain(block) => lend(block, self.dtype_text(), self.dimensions()),
            Memory::Opened(opened) => Ok(Handle::parse(opened.metadata()).ok()),
            Memory::Worker { .. } | Memory::Open(_) | Memory::Scratch(_) => Ok(None),
        }
    }
}
