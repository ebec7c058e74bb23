//! One frame of the worker protocol, byte by byte.
//!
//! ```text
//! offset  size  field
//!      0     4  length of the payload in bytes
//!      4     2  kind (see Kind)
//!      6     2  flags (see Flags)
//!      8     8  task id
//!     16     4  attempt
//!     20     4  detail: function id (Define, Task), else 0
//!     24     n  payload, then zero to seven bytes up to a multiple of eight
//! ```
//! All numbers are little-endian. A referenced payload from the Brain is `segment id u64 | offset u64 | length u64`
//! in the Brain's shared memory; from a worker it is `length u64` and the bytes are a sealed memory file that was sent
//! over the control socket before the frame. With attachments their table comes first in the payload (see Attachment);
//! the descriptors of sealed ones follow that of the payload, in the order of the table.
//!
//! The payload of Hold is `frames u64` (how many frames of the Brain the worker has taken) and the serials of all blocks
//! that it keeps, u64 each. The payload of Ready is `address u64` of eight bytes in the worker and those bytes: the Brain
//! tries whether the system lets it read them.
//!
//! On the control socket the Brain's first message is the version as one byte and the host language's greeting, with the
//! descriptor of the mailbox. Each later one brings the descriptors of one to 64 segments and as many times
//! `segment id u64 | length u64`. A worker's messages are eight bytes of no meaning with one descriptor.

/// Length of a frame's header in bytes.
pub const HEADER: usize = 24;

/// The version of this protocol; both ends must agree.
pub const PROTOCOL_VERSION: u32 = 2;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Brain to worker: how to make a function; the payload is the host language's business.
    Define,
    /// Brain to worker: run this task.
    Task,
    /// Brain to worker: the answer to a [`Kind::Fetch`].
    Reply,
    /// Brain to worker: these segments are gone, unmap them (ids, eight bytes each).
    Forget,
    /// Brain to worker: end.
    Shutdown,
    /// Brain to worker: the memory that came with the last result was taken, and may be used again.
    Taken,
    /// Worker to Brain: ready for tasks.
    Ready,
    /// Worker to Brain: send a part of the task's snapshot.
    Fetch,
    /// Worker to Brain: the task returned.
    Complete,
    /// Worker to Brain: the task raised.
    Fail,
    /// Worker to Brain: these are the blocks that it keeps, of all that it was given.
    Hold,
    /// A number that this version does not know.
    Unknown(u16),
}

impl Kind {
    fn number(self) -> u16 {
        match self {
            Kind::Define => 1,
            Kind::Task => 2,
            Kind::Reply => 3,
            Kind::Forget => 4,
            Kind::Shutdown => 5,
            Kind::Taken => 6,
            Kind::Ready => 16,
            Kind::Fetch => 17,
            Kind::Complete => 18,
            Kind::Fail => 19,
            Kind::Hold => 20,
            Kind::Unknown(number) => number,
        }
    }

    fn from_number(number: u16) -> Self {
        match number {
            1 => Kind::Define,
            2 => Kind::Task,
            3 => Kind::Reply,
            4 => Kind::Forget,
            5 => Kind::Shutdown,
            6 => Kind::Taken,
            16 => Kind::Ready,
            17 => Kind::Fetch,
            18 => Kind::Complete,
            19 => Kind::Fail,
            20 => Kind::Hold,
            other => Kind::Unknown(other),
        }
    }
}

/// What else a header says, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// The payload is a reference to shared memory, not the bytes themselves.
    pub const REFERENCED: Self = Self(1);
    /// A table of attachments comes before the body of the payload.
    pub const ATTACHED: Self = Self(2);
    /// The frame gives the worker blocks that it held no lease of before.
    pub const GRANTED: Self = Self(4);
    /// The Brain can read the worker's memory: results may be attached as they lie there.
    pub const READABLE: Self = Self(8);

    const KNOWN: u16 = 15;

    /// Whether all of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// `self` if it is so, else nothing.
    #[must_use]
    pub const fn when(self, so: bool) -> Self {
        if so { self } else { Self::NONE }
    }

    /// Those of these bits that this version knows.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & Self::KNOWN)
    }
}

/// A frame's header, but for the payload's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame says.
    pub kind: Kind,
    /// What else there is to say.
    pub flags: Flags,
    /// Which task, 0 where none is meant.
    pub task: u64,
    /// Which attempt of it, from 1.
    pub attempt: u32,
    /// A function's id where one is meant.
    pub detail: u32,
}

impl Header {
    /// A header that belongs to no task.
    pub const fn bare(kind: Kind) -> Self {
        Header { kind, flags: Flags::NONE, task: 0, attempt: 0, detail: 0 }
    }

    /// The header's bytes in front of a payload of this length.
    pub fn to_bytes(&self, length: usize) -> [u8; HEADER] {
        let mut bytes = [0_u8; HEADER];
        bytes[0..4].copy_from_slice(&(length as u32).to_le_bytes());
        bytes[4..6].copy_from_slice(&self.kind.number().to_le_bytes());
        bytes[6..8].copy_from_slice(&self.flags.0.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.task.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.attempt.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.detail.to_le_bytes());
        bytes
    }

    /// The header and the payload's claimed length; total on any bytes.
    pub fn from_bytes(bytes: &[u8; HEADER]) -> (Self, usize) {
        let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let task = u64::from(u32_at(8)) | u64::from(u32_at(12)) << 32;
        let header = Header {
            kind: Kind::from_number(u16_at(4)),
            flags: Flags::from_bits(u16_at(6)),
            task,
            attempt: u32_at(16),
            detail: u32_at(20),
        };
        (header, u32_at(0) as usize)
    }
}

/// A frame that was copied out of the shared memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its header.
    pub header: Header,
    /// Its payload, or the reference to it.
    pub payload: Vec<u8>,
}
