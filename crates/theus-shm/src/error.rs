//! What can go wrong, one type per operation. Messages say what happened and what to do.

use std::io;

use crate::seals::Seals;

/// Why no memory file could be made ([`Segment::create`](crate::Segment::create),
/// [`Channel::create`](crate::Channel::create), [`SealedBuffer`](crate::SealedBuffer)).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShmError {
    /// A memory file of no bytes cannot be mapped.
    #[error("shared memory of 0 bytes was asked for: ask for at least one byte")]
    Empty,
    /// The kernel has no memory for it.
    #[error(
        "the system has no {asked} bytes of memory to give ({source}): free arrays, or raise the memory limit"
    )]
    Memory {
        /// Bytes asked for.
        asked: u64,
        /// What the kernel said.
        source: io::Error,
    },
    /// The estimate of the kernel and the limits of the control groups say that there is not enough.
    #[error(
        "{asked} bytes of memory were asked for and about {available} are available on this machine or in this \
         container: free arrays, or raise the memory limit"
    )]
    Shortage {
        /// Bytes asked for.
        asked: u64,
        /// Bytes available, about.
        available: u64,
    },
    /// The buffer was handed over before: what it holds now is in no file.
    #[error("this buffer was sealed and handed over before: copy what it holds now into a new one")]
    Sealed,
    /// This process has no file descriptor left.
    #[error(
        "no file descriptor is left for shared memory ({source}): raise the limit of open files (ulimit -n)"
    )]
    Descriptors {
        /// What the kernel said.
        source: io::Error,
    },
    /// Anything else that the system refused.
    #[error("the system refused shared memory of {asked} bytes: {source}")]
    System {
        /// Bytes asked for.
        asked: u64,
        /// What the kernel said.
        source: io::Error,
    },
}

impl ShmError {
    pub(crate) fn from_io(asked: u64, source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(libc::ENOSPC | libc::ENOMEM | libc::EFBIG | libc::EDQUOT) => Self::Memory { asked, source },
            Some(libc::EMFILE | libc::ENFILE) => Self::Descriptors { source },
            _ => Self::System { asked, source },
        }
    }

    /// Whether giving memory back could help.
    #[must_use]
    pub fn is_shortage(&self) -> bool {
        matches!(self, Self::Memory { .. } | Self::Shortage { .. } | Self::Descriptors { .. })
    }
}

/// Why [`Arena::alloc`](crate::Arena::alloc) gave no block.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AllocError {
    /// The arena's own limit.
    #[error(
        "{asked} bytes of shared memory were asked for, {used} of {capacity} are in use: free arrays, or raise the \
         capacity"
    )]
    Capacity {
        /// Bytes asked for.
        asked: u64,
        /// Bytes in use.
        used: u64,
        /// Bytes that may be in use at most.
        capacity: u64,
    },
    /// The alignment is none that the arena knows.
    #[error("an alignment of {asked} bytes was asked for: it must be a power of two, at most 4096")]
    Alignment {
        /// Bytes asked for.
        asked: usize,
    },
    /// The arena was made before this process was forked from its maker.
    #[error("this arena belongs to the parent process: make one of your own after the fork")]
    Forked,
    /// The system's limit.
    #[error("{asked} bytes of shared memory could not be had: {source}")]
    Memory {
        /// Bytes asked for.
        asked: u64,
        /// What was missing.
        source: ShmError,
    },
}

impl AllocError {
    /// Whether giving memory back could help.
    #[must_use]
    pub fn is_shortage(&self) -> bool {
        match self {
            Self::Capacity { .. } => true,
            Self::Memory { source, .. } => source.is_shortage(),
            _ => false,
        }
    }
}

/// Why [`Mapping::open`](crate::Mapping::open), [`Arena::adopt`](crate::Arena::adopt) or [`Channel::open`](crate::Channel::open) refused a descriptor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// The descriptor is not a memory file (or one of huge pages, which are not taken).
    #[error("the descriptor is not a memory file: only memory made by this library can be mapped")]
    NotMemory,
    /// Without these seals the other side could change or cut the memory under our feet.
    #[error(
        "the memory file lacks the seals {missing}: its maker could still change it, so it is not mapped"
    )]
    Unsealed {
        /// Seals expected and not there.
        missing: Seals,
    },
    /// The size is not the one announced.
    #[error("the memory file has {found} bytes where {expected} were announced")]
    WrongSize {
        /// Bytes announced.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The file has holes: reading them could run out of memory.
    #[error(
        "the memory file has no pages behind some of its {len} bytes: reading them could fail, so it is not mapped"
    )]
    Sparse {
        /// Its size in bytes.
        len: u64,
    },
    /// The range asked for is not inside of the memory.
    #[error("the memory cannot be mapped in this range: {0}")]
    Range(#[from] OutOfBounds),
    /// The system refused.
    #[error("the memory file could not be mapped: {source}")]
    System {
        /// What the kernel said.
        #[from]
        source: io::Error,
    },
}

/// A range that is not inside of the memory it was meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes {offset}..+{len} are outside of memory of {available} bytes")]
pub struct OutOfBounds {
    /// First byte asked for.
    pub offset: usize,
    /// Bytes asked for.
    pub len: usize,
    /// Bytes there are.
    pub available: usize,
}

impl OutOfBounds {
    pub(crate) fn check(offset: usize, len: usize, available: usize) -> Result<(), Self> {
        match offset.checked_add(len) {
            Some(end) if end <= available => Ok(()),
            _ => Err(Self { offset, len, available }),
        }
    }
}
