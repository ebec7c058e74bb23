//! Memory that two processes both write: the ground for a mailbox.
//!
//! Not here: the protocol on it, and sleeping ([`futex`](crate::futex)).
//!
//! Invariants: its size is final; it is only ever touched by atomics, so whatever the other side writes
//! at whatever moment gives odd numbers at worst, never undefined behaviour.

use core::sync::atomic::{AtomicU32, AtomicU64};
use std::fs::File;
use std::os::fd::OwnedFd;

use crate::error::{MapError, OutOfBounds, ShmError};
use crate::linux::map::Map;
use crate::linux::memfd;
use crate::mapping::{self, Expect};
use crate::raw;
use crate::seals::Seals;

/// One side's mapping of memory that both sides write. A child made by `fork` does not have it.
#[derive(Debug)]
pub struct Channel {
    map: Map,
}

impl Channel {
    /// Makes memory of `len` zero bytes; the descriptor is for the other side to [`open`](Self::open).
    ///
    /// # Errors
    /// [`ShmError`]: no memory, no descriptor, or no bytes asked for.
    ///
    /// ```
    /// use std::sync::atomic::Ordering;
    /// use theus_shm::Channel;
    ///
    /// let (here, fd) = Channel::create(4096)?;
    /// let there = Channel::open(fd)?;
    /// here.write(64, b"hello")?;
    /// here.word(0).store(1, Ordering::Release);
    ///
    /// assert_eq!(there.word(0).load(Ordering::Acquire), 1);
    /// let mut bytes = [0; 5];
    /// there.read(64, &mut bytes)?;
    /// assert_eq!(&bytes, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(len: usize) -> Result<(Self, OwnedFd), ShmError> {
        if len == 0 {
            return Err(ShmError::Empty);
        }
        let asked = len as u64;
        let refused = |source| ShmError::from_io(asked, source);
        let (file, map) = Map::of_new_file(len, "theus-channel").map_err(refused)?;
        memfd::seal(&file, Seals::SIZED).map_err(refused)?;
        Ok((Self { map }, file.into()))
    }

    /// Maps the memory behind a descriptor from [`create`](Self::create), whatever its size.
    ///
    /// # Errors
    /// [`MapError`] when it is not such memory, or the system refuses.
    pub fn open(fd: OwnedFd) -> Result<Self, MapError> {
        let file = File::from(fd);
        let len = file.metadata()?.len();
        let (len, _) = mapping::checked(&file, Expect { len, seals: Seals::SIZED })?;
        Ok(Self { map: Map::writable(&file, len)? })
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Always false: a channel has at least one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The 32-bit word at byte `offset`, shared with the other side (and fit for [`futex`](crate::futex)).
    ///
    /// # Panics
    /// When `offset` is not a multiple of 4 or outside. Only pass offsets of your own layout, never
    /// numbers that the other side wrote.
    #[must_use]
    pub fn word(&self, offset: usize) -> &AtomicU32 {
        raw::word(&self.map, offset)
    }

    /// The 64-bit word at byte `offset`, shared with the other side.
    ///
    /// # Panics
    /// When `offset` is not a multiple of 8 or outside; see [`word`](Self::word).
    #[must_use]
    pub fn word64(&self, offset: usize) -> &AtomicU64 {
        raw::word64(&self.map, offset)
    }

    /// Copies bytes in, by relaxed atomic stores. Publish them with a releasing store to a [`word`](Self::word).
    ///
    /// # Errors
    /// [`OutOfBounds`]; nothing was written.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), OutOfBounds> {
        OutOfBounds::check(offset, bytes.len(), self.len())?;
        raw::write(&self.map, offset, bytes);
        Ok(())
    }

    /// Copies bytes out, by relaxed atomic loads. Check the copy, not the memory: the other side may still write.
    ///
    /// # Errors
    /// [`OutOfBounds`]; nothing was copied.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<(), OutOfBounds> {
        OutOfBounds::check(offset, buffer.len(), self.len())?;
        raw::read(&self.map, offset, buffer);
        Ok(())
    }
}
