//! A private writable view of shared memory: the same pages until they are written, its own from then on.
//!
//! Not here: the shared side. What is written here never gets there.

use std::fmt;
use std::fs::File;

use crate::block::Block;
use crate::error::{MapError, OutOfBounds};
use crate::linux::map::Map;
use crate::mapping::Mapping;
use crate::raw;
use theus_sync::Arc;

/// Mappings start at a multiple of this.
const PAGE: usize = 4096;

/// What must stay in use as long as its pages are looked at.
#[expect(dead_code, reason = "held, never looked at")]
pub(crate) enum Held {
    Block(Arc<Block>),
    Mapping(Arc<Mapping>),
}

/// Memory that begins as a copy of a block (copy on write, page by page) and belongs to whoever holds it.
///
/// Pages that were not written yet still show what the owner of the block writes meanwhile. Written pages count against
/// no capacity, and a page that cannot be had when it is first written ends the process, as with any private memory.
///
/// ```
/// use theus_shm::{Arena, ArenaOptions};
/// use std::sync::Arc;
///
/// let arena = Arena::new(ArenaOptions { capacity: 1 << 20 });
/// let block = Arc::new(arena.alloc(100, true)?);
/// block.write_at(0, b"shared")?;
/// let scratch = block.scratch()?;
/// scratch.write_at(0, b"S")?;
/// let mut seen = [0; 6];
/// scratch.read_at(0, &mut seen)?;
/// assert_eq!((&seen, &block.to_vec()[..6]), (b"Shared", b"shared".as_slice()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Scratch {
    map: Map,
    /// Bytes of the mapping before the first one of ours.
    lead: usize,
    len: usize,
    _held: Held,
}

impl Scratch {
    /// A private view of `len` bytes at `offset` of a file that has `available` and cannot shrink.
    pub(crate) fn of(
        file: &File,
        offset: usize,
        len: usize,
        available: usize,
        held: Held,
    ) -> Result<Self, MapError> {
        OutOfBounds::check(offset, len.max(1), available)?;
        let lead = offset % PAGE;
        let memory = raw::private(file, offset - lead, lead + len.max(1))?;
        Ok(Self { map: Map::inherited(memory), lead, len, _held: held })
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The address of its first byte; valid for reading and writing as long as it is held, in a forked child too (where
    /// it is private again).
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.map.as_mut_ptr().wrapping_add(self.lead)
    }

    /// Copies bytes in, by relaxed atomic stores.
    ///
    /// # Errors
    /// [`OutOfBounds`]; nothing was written.
    pub fn write_at(&self, offset: usize, bytes: &[u8]) -> Result<(), OutOfBounds> {
        OutOfBounds::check(offset, bytes.len(), self.len)?;
        raw::write(&self.map, self.lead + offset, bytes);
        Ok(())
    }

    /// Copies bytes out, by relaxed atomic loads.
    ///
    /// # Errors
    /// [`OutOfBounds`]; nothing was copied.
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<(), OutOfBounds> {
        OutOfBounds::check(offset, buffer.len(), self.len)?;
        raw::read(&self.map, self.lead + offset, buffer);
        Ok(())
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scratch {{ len: {} }}", self.len)
    }
}
