//! Blocks of shared memory, many to a segment when they are small, one each when they are large.
//!
//! Not here: what is in the blocks, who reads them.
//!
//! Invariants
//! - All bookkeeping is private memory of this process: what readers can see steers nothing.
//! - A shortage is an error of [`Arena::alloc`]: pages are reserved before a block is handed out.
//! - The blocks in use never exceed the capacity; segments kept for reuse give way to them.
//! - What lies free in a shared segment is zero; a kept segment is zeroed when it goes out again.
//! - Memory of a live [`Block`] is never touched by the arena, not even when the arena is dropped first.

pub(crate) mod heap;
mod kept;
mod machine;
pub(crate) mod stock;

use core::sync::atomic::{AtomicU64, Ordering};
use std::fmt;
use std::os::fd::OwnedFd;

use theus_sync::Arc;

use crate::block::{Block, Home, Place};
use crate::error::{AllocError, MapError};
use crate::raw::Span;
use crate::segment::Segment;
use heap::GRANULE;
use stock::{PAGE, Stock};

/// Numbers of blocks are only names, so the model checker need not see this counter.
static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);

/// How an arena is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArenaOptions {
    /// Bytes that may be in use at most. Blocks count as multiples of 64 bytes, and so does this.
    pub capacity: u64,
}

/// What an arena has and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArenaStats {
    /// Bytes in use by blocks.
    pub used: u64,
    /// Bytes that may be in use at most.
    pub capacity: u64,
    /// Bytes that may still be handed out: capacity less used.
    pub free: u64,
    /// Blocks in use.
    pub blocks: u64,
    /// Segments that the arena holds, kept ones included.
    pub segments: u64,
    /// Bytes of all these segments: what the arena costs the machine.
    pub reserved: u64,
    /// Bytes of segments without any block in use, kept for reuse.
    pub kept: u64,
}

/// Hands out blocks of shared memory and takes them back.
///
/// ```
/// use theus_shm::{AllocError, Arena, ArenaOptions};
///
/// let arena = Arena::new(ArenaOptions { capacity: 8 << 20 });
/// let mut block = arena.alloc(1000, true)?;
/// block.bytes_mut()[..5].copy_from_slice(b"hello");
/// assert_eq!(&block.to_vec()[..6], b"hello\0");
///
/// let refused = arena.alloc(8 << 20, true);
/// assert!(matches!(refused, Err(AllocError::Capacity { used: 1024, .. })));
/// drop(block);
/// assert_eq!(arena.stats().used, 0);
/// # Ok::<(), AllocError>(())
/// ```
pub struct Arena {
    stock: Arc<Stock>,
}

impl Arena {
    /// An arena without any memory yet.
    #[must_use]
    pub fn new(options: ArenaOptions) -> Arc<Self> {
        Arc::new(Self { stock: Arc::new(Stock::new(options.capacity)) })
    }

    /// A block of `len` bytes (0 is allowed), aligned to 64 bytes, or to a page from 1 MiB on.
    ///
    /// With `zeroed` all bytes are zero. Without it, they may be what an earlier block of this arena held:
    /// the caller overwrites all of them before anybody else gets to see the block.
    ///
    /// # Errors
    /// [`AllocError::Capacity`] when the arena's own limit would be exceeded, [`AllocError::Memory`] when the
    /// system has not enough. Nothing is used up by a refused request.
    pub fn alloc(&self, len: usize, zeroed: bool) -> Result<Block, AllocError> {
        self.alloc_aligned(len, GRANULE, zeroed)
    }

    /// As [`alloc`](Self::alloc), with the first byte at a multiple of `align`: a power of two up to a page (4096).
    /// Below 64 it means 64.
    ///
    /// ```
    /// use theus_shm::{AllocError, Arena, ArenaOptions};
    ///
    /// let arena = Arena::new(ArenaOptions { capacity: 1 << 20 });
    /// let block = arena.alloc_aligned(100, 4096, true)?;
    /// assert_eq!(block.id().1 % 4096, 0);
    /// assert!(matches!(arena.alloc_aligned(100, 8192, true), Err(AllocError::Alignment { asked: 8192 })));
    /// # Ok::<(), AllocError>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`alloc`](Self::alloc), and [`AllocError::Alignment`] when `align` is no power of two or above a page.
    pub fn alloc_aligned(&self, len: usize, align: usize, zeroed: bool) -> Result<Block, AllocError> {
        if !align.is_power_of_two() || align > PAGE {
            return Err(AllocError::Alignment { asked: align });
        }
        self.take(len, align, zeroed, true)
    }

    /// A block of `len` bytes that counts against the capacity only while it is [counted](Block::count): for data that is
    /// only passing through. Its bytes are as after `alloc(len, false)`.
    ///
    /// ```
    /// use theus_shm::{Arena, ArenaOptions};
    ///
    /// let arena = Arena::new(ArenaOptions { capacity: 4096 });
    /// let block = std::sync::Arc::new(arena.alloc_uncounted(10_000)?);
    /// assert_eq!(arena.stats().used, 0);
    /// assert!(block.count().is_err());
    /// # Ok::<(), theus_shm::AllocError>(())
    /// ```
    ///
    /// # Errors
    /// [`AllocError::Memory`] when the system has not enough.
    pub fn alloc_uncounted(&self, len: usize) -> Result<Block, AllocError> {
        self.take(len, GRANULE, false, false)
    }

    fn take(&self, len: usize, align: usize, zeroed: bool, counted: bool) -> Result<Block, AllocError> {
        if !self.stock.is_here() {
            return Err(AllocError::Forked);
        }
        let size = self.stock.note(len, counted)?;
        match self.stock.grant(size, align) {
            Ok(mut grant) => {
                if !grant.clean {
                    // What lies behind the block is seen by readers too.
                    grant.span.zero_from(if zeroed { 0 } else { len });
                }
                let serial = NEXT_SERIAL.fetch_add(1, Ordering::Relaxed);
                let place = Place { home: grant.home, span: grant.span, size };
                Ok(Block::new(Arc::clone(&self.stock), place, len, serial, counted))
            }
            Err(source) => {
                self.stock.forget(size, counted);
                Err(AllocError::Memory { asked: len as u64, source })
            }
        }
    }

    /// Takes over a sealed memory file of `len` bytes as a block, without copying it. Its content is final.
    ///
    /// It counts against the capacity only while it is [counted](Block::count).
    ///
    /// ```
    /// use theus_shm::{Arena, ArenaOptions, SealedBuffer};
    ///
    /// let arena = Arena::new(ArenaOptions { capacity: 1 << 20 });
    /// let fd = SealedBuffer::from_bytes(b"made elsewhere")?;
    /// let block = arena.adopt(fd, 14)?;
    /// assert!(block.is_final());
    /// assert_eq!(block.to_vec(), b"made elsewhere");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`MapError`]: it is not sealed, of another size, or has holes. The descriptor is closed.
    pub fn adopt(&self, fd: OwnedFd, len: u64) -> Result<Block, MapError> {
        if !self.stock.is_here() {
            return Err(std::io::Error::other(AllocError::Forked).into());
        }
        let segment = Segment::adopt(fd, len)?;
        let len = segment.len();
        // Fails only for more than an address can name, which could not be mapped.
        let size = self.stock.note(len, false).unwrap_or(len);
        let Ok(span) = Span::whole(segment) else {
            unreachable!("nobody else has a segment that was just made")
        };
        self.stock.take_in(&span);
        let serial = NEXT_SERIAL.fetch_add(1, Ordering::Relaxed);
        let place = Place { home: Home::Adopted, span, size };
        Ok(Block::new(Arc::clone(&self.stock), place, len, serial, false))
    }

    /// Whether a block of `len` bytes is large enough to have a segment of its own now, which costs a file descriptor; a
    /// smaller file of somebody else is better copied than [adopted](Self::adopt).
    #[must_use]
    pub fn gives_own_segment(&self, len: usize) -> bool {
        self.stock.gives_own(len)
    }

    /// What the arena has and gives at this moment.
    #[must_use]
    pub fn stats(&self) -> ArenaStats {
        self.stock.stats()
    }

    /// Gives all memory without a block in use back to the system.
    pub fn trim(&self) {
        self.stock.trim();
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Arena").field(&self.stats()).finish()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        if self.stock.is_here() {
            self.stock.close();
        }
    }
}
