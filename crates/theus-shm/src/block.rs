//! A part of shared memory in use: holding it keeps it, dropping it gives it back.
//!
//! Not here: where it comes from and goes to (`arena`).

use std::fmt;

use theus_sync::Arc;
use theus_sync::atomic::{AtomicUsize, Ordering};

use crate::arena::heap::Part;
use crate::arena::stock::Stock;
use crate::error::{AllocError, MapError, OutOfBounds};
use crate::raw::{self, Span};
use crate::scratch::{Held, Scratch};
use crate::segment::Segment;

/// Where a block goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// A part of a segment that it shares with others.
    Shared(Part),
    /// A segment of its own.
    Own,
    /// A segment of its own that somebody else made and nobody writes.
    Adopted,
}

/// What a block holds.
pub(crate) struct Place {
    pub(crate) home: Home,
    pub(crate) span: Span,
    /// What it counts against the capacity when it does.
    pub(crate) size: usize,
}

/// Memory from an [`Arena`](crate::Arena). Put it in an [`Arc`] to share it; the last holder gives it back.
///
/// It outlives its arena when need be. A child made by `fork` does not have its memory.
pub struct Block {
    stock: Arc<Stock>,
    place: Place,
    len: usize,
    serial: u64,
    /// How many count it against the capacity.
    counts: AtomicUsize,
    is_guest: bool,
}

impl Block {
    pub(crate) fn new(stock: Arc<Stock>, place: Place, len: usize, serial: u64, counted: bool) -> Self {
        Self { stock, place, len, serial, counts: AtomicUsize::new(usize::from(counted)), is_guest: !counted }
    }

    /// Whether it counts against its arena's capacity only while somebody [counts](Self::count) it.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        self.is_guest
    }

    /// Counts it against its arena's capacity for as long as what is returned lives; twice is as once.
    ///
    /// # Errors
    /// [`AllocError::Capacity`] when it has no room there.
    pub fn count(self: &Arc<Self>) -> Result<Counted, AllocError> {
        self.stock.count(&self.counts, self.len, self.place.size)?;
        Ok(Counted { block: Arc::clone(self) })
    }

    /// Where its first byte is in the segment.
    fn start(&self) -> usize {
        self.place.span.offset()
    }

    /// Where it is: the number of its segment and its first byte therein.
    #[must_use]
    pub fn id(&self) -> (u64, u64) {
        (self.segment().id(), self.start() as u64)
    }

    /// Whether this process has its memory, and is no forked child of the one that has it.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.stock.is_here()
    }

    /// Its length in bytes, as asked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its number, unique in this process and never used again, unlike its place.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// The segment that it lies in. Readers map the whole segment.
    #[must_use]
    pub fn segment(&self) -> &Arc<Segment> {
        self.place.span.segment()
    }

    /// The address of its first byte; valid for reading and writing [`len`](Self::len) bytes while the block is held
    /// (for reading only where it [is final](Self::is_final)).
    ///
    /// Whoever uses the address sees to it that nobody else in this process does so at the same time,
    /// [`bytes_mut`](Self::bytes_mut) included.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.place.span.as_ptr(0)
    }

    /// Whether its bytes never change again, not even by this process: it was [adopted](crate::Arena::adopt).
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.segment().is_final()
    }

    /// A private writable view of its bytes; the block is held with it.
    ///
    /// # Errors
    /// [`MapError`] when the system refuses a mapping.
    pub fn scratch(self: &Arc<Self>) -> Result<Scratch, MapError> {
        let segment = self.segment();
        Scratch::of(segment.file(), self.start(), self.len, segment.len(), Held::Block(Arc::clone(self)))
    }

    /// Its bytes, for the sole holder: the fast way to fill it.
    ///
    /// # Panics
    /// When the block [is final](Self::is_final).
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        assert!(!self.is_final(), "a block that was adopted is final");
        &mut self.place.span.bytes_mut()[..self.len]
    }

    /// Copies bytes in, by relaxed atomic stores: others may read meanwhile and see some old, some new.
    ///
    /// # Errors
    /// [`OutOfBounds`]; nothing was written. Of a block that [is final](Self::is_final) no byte can be.
    pub fn write_at(&self, offset: usize, bytes: &[u8]) -> Result<(), OutOfBounds> {
        OutOfBounds::check(offset, bytes.len(), if self.is_final() { 0 } else { self.len })?;
        raw::write(self.segment().map(), self.start() + offset, bytes);
        Ok(())
    }

    /// Copies bytes out, by relaxed atomic loads.
    ///
    /// # Errors
    /// [`OutOfBounds`]; nothing was copied.
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<(), OutOfBounds> {
        OutOfBounds::check(offset, buffer.len(), self.len)?;
        raw::read(self.segment().map(), self.start() + offset, buffer);
        Ok(())
    }

    /// A copy of all its bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut copy = vec![0; self.len];
        raw::read(self.segment().map(), self.start(), &mut copy);
        copy
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (segment, offset) = self.id();
        write!(
            f,
            "Block {{ serial: {}, segment: {segment}, offset: {offset}, len: {} }}",
            self.serial, self.len
        )
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // Relaxed: nobody else has it any more.
        let counted = self.counts.load(Ordering::Relaxed) > 0;
        self.stock.free(self.place.home, self.place.span.take(), self.place.size, counted);
    }
}

/// A block that counts against its arena's capacity, whatever it did before.
#[derive(Debug)]
pub struct Counted {
    block: Arc<Block>,
}

impl Counted {
    /// The block.
    #[must_use]
    pub fn block(&self) -> &Arc<Block> {
        &self.block
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.block.stock.uncount(&self.block.counts, self.block.place.size);
    }
}
