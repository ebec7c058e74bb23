//! A block of another program, opened: readable as long as it is held, whatever becomes of its owner.
//!
//! Not here: getting one (`attached`).
//!
//! Invariant: while the owner lives, it keeps the block in use until this value and its clones' last one is gone.

use std::fmt;

use super::attached::Shared;
use super::frame::Place;
use crate::error::OutOfBounds;
use crate::mapping::Mapping;
use theus_sync::Arc;

/// A block of another program, mapped for reading only.
///
/// Its owner may still write to it, as with any [`Mapping`]. Dropping it tells the owner, and waits for it some
/// milliseconds at most. An owner that reads nothing in that time (it is stopped, or overloaded) hears of it with the
/// next drop or request of this connection, or at its end; until then it keeps the block in use.
pub struct Opened {
    mapping: Arc<Mapping>,
    place: Place,
    /// Within the mapping, which was checked when the block was opened.
    start: usize,
    len: usize,
    metadata: Vec<u8>,
    shared: Arc<Shared>,
}

impl Opened {
    pub(super) fn new(mapping: Arc<Mapping>, place: Place, metadata: Vec<u8>, shared: Arc<Shared>) -> Self {
        // The frame's parser has checked that the block lies in its segment, the mapping that it has all of it.
        let (start, len) = (place.offset as usize, place.len as usize);
        Self { mapping, place, start, len, metadata, shared }
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

    /// Its number in the owner's process, never used again there.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.place.serial
    }

    /// What the owner says about it. Check it: it is another program's word.
    #[must_use]
    pub fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    /// The mapping of its segment.
    #[must_use]
    pub fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// Its first byte within the mapping.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.start
    }

    /// The session's name or address.
    #[must_use]
    pub fn address(&self) -> &str {
        self.shared.address()
    }

    /// Copies bytes out. When their owner writes at the same time, the copy may be part old, part new.
    ///
    /// # Errors
    /// [`OutOfBounds`]; nothing was copied.
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<(), OutOfBounds> {
        OutOfBounds::check(offset, buffer.len(), self.len)?;
        self.mapping.read_at(self.start + offset, buffer)
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened {{ session: {}, serial: {}, len: {} }}", self.address(), self.serial(), self.len)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.shared.give_back(self.place.serial);
    }
}
