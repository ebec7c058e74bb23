//! Bytes that are final: a memory file that nobody, its maker included, can change any more.
//!
//! Not here: reading it ([`Mapping`](crate::Mapping) with [`Expect::frozen`](crate::Expect::frozen)).

use std::os::fd::OwnedFd;

use crate::error::ShmError;
use crate::raw;

const LABEL: &str = "theus-sealed";

/// Makes sealed memory files: how a worker hands over a result.
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
        if len == 0 {
            return Err(ShmError::Empty);
        }
        let file = raw::frozen_file(len, LABEL, fill);
        file.map(OwnedFd::from).map_err(|source| ShmError::from_io(len as u64, source))
    }
}
