//! A piece of anonymous shared memory with one writer, the process that made it, or with none.
//!
//! Not here: dividing it into blocks (`arena`), reading it elsewhere ([`Mapping`](crate::Mapping)).
//!
//! Invariants: it has real pages for all of its bytes; its size is final; no second writable mapping can
//! be made, by anybody; it has no name, so it is gone with the last process that holds it.

use core::sync::atomic::{AtomicU64, Ordering};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[cfg(theus_loom)]
use crate::cells::memory;
use crate::error::{MapError, ShmError};
use crate::linux::map::Map;
#[cfg(not(theus_loom))]
use crate::linux::segment::memory;
use crate::mapping;
use theus_sync::Arc;

/// Numbers are only names, no protocol hangs on them, so the model checker need not see this counter.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A memory file, mapped writable once, here, and sealed against every other writer; or one that is final, taken over
/// from whoever made it.
#[derive(Debug)]
pub struct Segment {
    map: Map,
    file: File,
    id: u64,
    /// Nobody writes it any more.
    is_final: bool,
}

impl Segment {
    /// Makes a segment of `len` zero bytes. The label only shows in the list of mappings of a process.
    ///
    /// It reserves the pages at once, so using them later never fails.
    ///
    /// # Errors
    /// [`ShmError`]: no memory, no descriptor, or no bytes asked for.
    ///
    /// ```
    /// let segment = theus_shm::Segment::create(4096, "example")?;
    /// assert_eq!(segment.len(), 4096);
    /// # Ok::<(), theus_shm::ShmError>(())
    /// ```
    pub fn create(len: usize, label: &str) -> Result<Arc<Self>, ShmError> {
        if len == 0 {
            return Err(ShmError::Empty);
        }
        let (file, map) = memory(len, label).map_err(|source| ShmError::from_io(len as u64, source))?;
        Ok(Self::new(map, file, false))
    }

    /// Takes over a sealed memory file of `len` bytes that somebody else made.
    ///
    /// # Errors
    /// [`MapError`] when it is anything else, or the system refuses.
    pub(crate) fn adopt(fd: OwnedFd, len: u64) -> Result<Arc<Self>, MapError> {
        let file = File::from(fd);
        let map = mapping::frozen(&file, len)?;
        Ok(Self::new(map.into_map(), file, true))
    }

    fn new(map: Map, file: File, is_final: bool) -> Arc<Self> {
        Arc::new(Self { map, file, id: NEXT_ID.fetch_add(1, Ordering::Relaxed), is_final })
    }

    /// Whether its bytes never change again, not even by this process.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    /// Its number, unique in this process and never used again.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Always false: a segment has at least one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its descriptor, to be sent to a reader ([`socket::send`](crate::socket::send)). It cannot be written through.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The address of its first byte in this process; valid as long as the segment is held (for reading only where it
    /// [is final](Self::is_final)).
    ///
    /// A child made by `fork` does not have this memory.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn map(&self) -> &Map {
        &self.map
    }
}
