//! Memory of somebody else, looked at before it is trusted, mapped for reading only.
//!
//! Not here: what the bytes mean.
//!
//! Invariants: nothing is mapped before its seals, its size and its pages were checked; the kernel refuses
//! writes through the mapping; a `&[u8]` exists only when the content is final.

use std::fs::File;
use std::os::fd::OwnedFd;

use crate::error::{MapError, OutOfBounds};
use crate::linux::map::Map;
use crate::linux::memfd;
use crate::raw::{self, Frozen};
use crate::scratch::{Held, Scratch};
use crate::seals::Seals;
use theus_sync::Arc;

/// What a descriptor must turn out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expect {
    /// Its exact size in bytes.
    pub len: u64,
    /// Seals that it must carry (it may carry more); [`Seals::SHRINK`] is demanded in any case.
    pub seals: Seals,
}

impl Expect {
    /// A segment of `len` bytes: its maker may still write, nobody else can.
    #[must_use]
    pub fn segment(len: u64) -> Self {
        Self { len, seals: Seals::SEGMENT }
    }

    /// A sealed buffer of `len` bytes: final.
    #[must_use]
    pub fn frozen(len: u64) -> Self {
        Self { len, seals: Seals::FROZEN }
    }
}

/// A read-only mapping of a segment or sealed buffer; valid as long as it is held, even after its maker died.
#[derive(Debug)]
pub struct Mapping {
    memory: Memory,
    file: File,
}

#[derive(Debug)]
enum Memory {
    /// The maker can still write.
    Shared(Map),
    /// Final.
    Frozen(Frozen),
}

impl Mapping {
    /// Checks what the descriptor is, then maps it. The descriptor is kept with the mapping, or closed.
    ///
    /// # Errors
    /// [`MapError`] when it is not what `expect` says, or the system refuses.
    pub fn open(fd: OwnedFd, expect: Expect) -> Result<Arc<Self>, MapError> {
        let file = File::from(fd);
        let (len, seals) = checked(&file, expect)?;
        let memory = if seals.contains(Seals::FROZEN) {
            Memory::Frozen(frozen(&file, expect.len)?)
        } else {
            Memory::Shared(Map::readable(&file, len)?)
        };
        Ok(Arc::new(Self { memory, file }))
    }

    /// A private writable view of `len` bytes from `offset` on.
    ///
    /// # Errors
    /// [`MapError`]: the range is outside of the mapping, or the system refuses.
    pub fn scratch(self: &Arc<Self>, offset: usize, len: usize) -> Result<Scratch, MapError> {
        Scratch::of(&self.file, offset, len, self.len(), Held::Mapping(Arc::clone(self)))
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.memory {
            Memory::Shared(map) => map.len(),
            Memory::Frozen(frozen) => frozen.bytes().len(),
        }
    }

    /// Always false: a mapping has at least one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address of its first byte; valid for reading as long as the mapping is held.
    #[must_use]
    pub fn as_ptr(&self) -> *const u8 {
        match &self.memory {
            Memory::Shared(map) => map.as_mut_ptr(),
            Memory::Frozen(frozen) => frozen.bytes().as_ptr(),
        }
    }

    /// The bytes, when their content is final (sealed against writing); `None` while their maker can still write.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.memory {
            Memory::Shared(_) => None,
            Memory::Frozen(frozen) => Some(frozen.bytes()),
        }
    }

    /// Copies bytes out. When their maker writes at the same time, the copy may be part old, part new.
    ///
    /// # Errors
    /// [`OutOfBounds`]; nothing was copied.
    pub fn read_at(&self, offset: usize, buffer: &mut [u8]) -> Result<(), OutOfBounds> {
        OutOfBounds::check(offset, buffer.len(), self.len())?;
        match &self.memory {
            Memory::Shared(map) => raw::read(map, offset, buffer),
            Memory::Frozen(frozen) => buffer.copy_from_slice(&frozen.bytes()[offset..offset + buffer.len()]),
        }
        Ok(())
    }
}

/// The checks that come before any mapping; the length and the seals found.
pub(crate) fn checked(file: &File, expect: Expect) -> Result<(usize, Seals), MapError> {
    let found = memfd::inspect(file)?;
    let seals = found.seals.ok_or(MapError::NotMemory)?;
    // Whoever can cut the file can kill its readers (SIGBUS), so this seal is not up to the caller.
    let required = expect.seals | Seals::SHRINK;
    // Where nobody can write any more, nobody can write in future.
    let seals = if seals.contains(Seals::WRITE) { seals | Seals::FUTURE_WRITE } else { seals };
    if !seals.contains(required) {
        return Err(MapError::Unsealed { missing: required.without(seals) });
    }
    if found.len != expect.len || found.len == 0 {
        return Err(MapError::WrongSize { expected: expect.len, found: found.len });
    }
    if !found.backed {
        return Err(MapError::Sparse { len: found.len });
    }
    let len = usize::try_from(found.len)
        .map_err(|_| MapError::WrongSize { expected: expect.len, found: found.len })?;
    Ok((len, seals))
}

/// A sealed file of `len` bytes, checked and mapped.
pub(crate) fn frozen(file: &File, len: u64) -> Result<Frozen, MapError> {
    let (len, seals) = checked(file, Expect::frozen(len))?;
    // `None` cannot happen: seals and size, once checked, are final.
    Frozen::open(file, len)?.ok_or(MapError::Unsealed { missing: Seals::FROZEN.without(seals) })
}
