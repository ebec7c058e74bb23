//! Bytes that become final: a memory file that in the end nobody, its maker included, can change any more.
//!
//! Not here: reading it ([`Mapping`](crate::Mapping) with [`Expect::frozen`](crate::Expect::frozen)), taking it over
//! as a block ([`Arena::adopt`](crate::Arena::adopt)).
//!
//! Invariant: a file that leaves here is sealed against writing, and the kernel grants that seal only when no writable
//! shared mapping is left anywhere.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use crate::error::ShmError;
use crate::linux::map::Map;
use crate::linux::memfd;
use crate::raw;
use crate::seals::Seals;
use theus_sync::atomic::{AtomicBool, Ordering};

const LABEL: &str = "theus-sealed";

/// Memory that its maker fills in place and then hands over for good: how a worker makes a large result.
///
/// A child made by `fork` does not have this memory until it is sealed.
///
/// ```
/// use theus_shm::{Expect, Mapping, OpenBuffer};
///
/// let mut buffer = OpenBuffer::create(4096)?;
/// buffer.bytes_mut()[..4].copy_from_slice(b"done");
/// let fd = buffer.seal()?;
/// // Its maker may still write: that stays in this process.
/// buffer.bytes_mut()[..4].copy_from_slice(b"mine");
///
/// let mapping = Mapping::open(fd, Expect::frozen(4096))?;
/// assert_eq!(mapping.bytes().map(|bytes| &bytes[..4]), Some(b"done".as_slice()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OpenBuffer {
    map: Map,
    file: File,
    sealed: AtomicBool,
}

impl OpenBuffer {
    /// `len` zero bytes with real pages, so using them later never fails.
    ///
    /// # Errors
    /// [`ShmError`]: no memory, no descriptor, or no bytes asked for.
    pub fn create(len: usize) -> Result<Self, ShmError> {
        if len == 0 {
            return Err(ShmError::Empty);
        }
        let refused = |source| ShmError::from_io(len as u64, source);
        let (file, map) = Map::of_new_file(len, LABEL).map_err(refused)?;
        Ok(Self { map, file, sealed: AtomicBool::new(false) })
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Always false: a buffer has at least one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address of its first byte; valid for reading and writing as long as the buffer is held, also once it is
    /// sealed: what is written then stays in this process.
    ///
    /// Whoever uses the address sees to it that nobody else in this process does so at the same time,
    /// [`bytes_mut`](Self::bytes_mut) included.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        raw::all_bytes(&mut self.map)
    }

    /// Makes the file's content final as it is now; the descriptor is for the receiver. Once only: the memory here
    /// becomes a private copy of it, page by page as it is written, and what is written then is in no file.
    ///
    /// # Errors
    /// [`ShmError::Sealed`] the second time; [`ShmError`]: no descriptor, or somebody else has a writable mapping (the
    /// kernel looked): then nothing may be handed over. Where the kernel refused, the buffer is as good as sealed.
    pub fn seal(&self) -> Result<OwnedFd, ShmError> {
        let refused = |source| ShmError::from_io(self.len() as u64, source);
        // Relaxed: the flag guards no data; of two at once only one may go on.
        if self.sealed.swap(true, Ordering::Relaxed) {
            return Err(ShmError::Sealed);
        }
        let fd = self.file.as_fd().try_clone_to_owned().map_err(|error| {
            self.sealed.store(false, Ordering::Relaxed);
            refused(error)
        })?;
        // From here on what is written is private, so there is no second try.
        self.map.make_private(&self.file).map_err(refused)?;
        memfd::seal(&self.file, Seals::FROZEN).map_err(refused)?;
        Ok(fd)
    }

    /// Whether it was sealed: what is written now is in no file.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Relaxed)
    }
}

/// Makes sealed memory files in one go: how a worker hands over a large message.
#[derive(Debug)]
pub struct SealedBuffer;

impl SealedBuffer {
    /// A sealed file with these bytes, ready to be sent.
    ///
    /// # Errors
    /// [`ShmError`]: no memory, no descriptor, or no bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<OwnedFd, ShmError> {
        Self::build(bytes.len(), |target| target.copy_from_slice(bytes))
    }

    /// A sealed file of `len` bytes that `fill` writes in place (they are zero before): no copy is made.
    ///
    /// ```
    /// use theus_shm::{Expect, Mapping, SealedBuffer};
    ///
    /// let fd = SealedBuffer::build(4, |bytes| bytes.copy_from_slice(b"done"))?;
    /// let mapping = Mapping::open(fd, Expect::frozen(4))?;
    /// assert_eq!(mapping.bytes(), Some(b"done".as_slice()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ShmError`]: no memory, no descriptor, or no bytes.
    pub fn build(len: usize, fill: impl FnOnce(&mut [u8])) -> Result<OwnedFd, ShmError> {
        let mut buffer = OpenBuffer::create(len)?;
        fill(buffer.bytes_mut());
        buffer.seal()
    }
}
