//! One frame: its head, its payload and its checksum. The module above draws it.
//!
//! What not: what a payload says, and whether frames follow one another rightly.
//! Invariant: [`Frame::parse`] accepts exactly the bytes that [`write`] makes.

use crate::tree::{Hash, leaf_hash};

/// The first bytes of a file of a trail.
pub const MAGIC: [u8; 16] = *b"theus audit 1\n\0\0";
/// The shortest frame: one without a payload.
pub const MIN_FRAME: usize = HEAD + CHECKSUM;
/// The longest frame.
pub const MAX_FRAME: usize = 1 << 20;

pub(crate) const HEAD: usize = 37;
const CHECKSUM: usize = 4;

/// The first 16 bytes of a leaf hash.
pub(crate) type Link = [u8; 16];

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The first frame of a file.
    File = 1,
    /// One attempt at a task.
    Attempt = 2,
    /// What the frames before were.
    Checkpoint = 3,
    /// The trail was opened again.
    Opened = 4,
}

impl Kind {
    fn of(code: u8) -> Option<Self> {
        [Kind::File, Kind::Attempt, Kind::Checkpoint, Kind::Opened]
            .into_iter()
            .find(|kind| *kind as u8 == code)
    }
}

/// A frame within the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it holds.
    pub kind: Kind,
    /// Its number in the trail.
    pub number: u64,
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    pub time: u64,
    /// The first 16 bytes of the leaf hash of the frame before.
    pub link: [u8; 16],
    /// What the kind says.
    pub payload: &'a [u8],
    /// All of it but the checksum: what the leaf hash is of.
    pub entry: &'a [u8],
}

/// Why bytes do not begin with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// They end before the frame does.
    #[error("the frame needs {needed} bytes, and {left} are left")]
    Cut {
        /// As far as can be told, how many bytes it takes.
        needed: usize,
        /// How many there are.
        left: usize,
    },
    /// No frame is that long or that short.
    #[error("no frame has a length of {length} bytes ({MIN_FRAME} to {MAX_FRAME})")]
    Length {
        /// What the bytes say.
        length: u32,
    },
    /// The checksum is that of other bytes.
    #[error("the checksum is {found:#010x} where the frame has {computed:#010x}")]
    Checksum {
        /// What the bytes say.
        found: u32,
        /// What it should be.
        computed: u32,
    },
    /// No frame is of that kind.
    #[error("no frame is of kind {code}")]
    Kind {
        /// What the bytes say.
        code: u8,
    },
}

impl<'a> Frame<'a> {
    /// The frame that `bytes` begin with. It is [`Frame::length`] bytes long.
    ///
    /// # Errors
    /// When they begin with none.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let cut = |needed| FrameError::Cut { needed, left: bytes.len() };
        let length = u32::from_le_bytes(*bytes.first_chunk().ok_or(cut(MIN_FRAME))?);
        let whole = usize::try_from(length).ok().filter(|length| (MIN_FRAME..=MAX_FRAME).contains(length));
        let whole = whole.ok_or(FrameError::Length { length })?;
        let bytes = bytes.get(..whole).ok_or(cut(whole))?;
        let (entry, checksum) = bytes.split_at(whole - CHECKSUM);
        let found = u32::from_le_bytes(array(checksum));
        let computed = crc32c::crc32c(entry);
        if found != computed {
            return Err(FrameError::Checksum { found, computed });
        }
        let kind = Kind::of(entry[4]).ok_or(FrameError::Kind { code: entry[4] })?;
        Ok(Frame {
            kind,
            number: u64::from_le_bytes(array(&entry[5..13])),
            time: u64::from_le_bytes(array(&entry[13..21])),
            link: array(&entry[21..HEAD]),
            payload: &entry[HEAD..],
            entry,
        })
    }

    /// How many bytes it takes in the file.
    pub fn length(&self) -> usize {
        self.entry.len() + CHECKSUM
    }

    /// Its hash as a leaf of the tree.
    pub fn leaf(&self) -> Hash {
        leaf_hash(self.entry)
    }
}

/// What the next frame's link is, after a frame with this leaf hash.
pub(crate) fn link_to(leaf: &Hash) -> Link {
    array(&leaf[..16])
}

/// Puts a frame without its checksum into the empty `buffer`: what the leaf hash is of.
pub(crate) fn write(
    buffer: &mut Vec<u8>,
    kind: Kind,
    number: u64,
    time: u64,
    link: &Link,
    payload: impl FnOnce(&mut Vec<u8>),
) {
    buffer.extend_from_slice(&[0; 4]);
    buffer.push(kind as u8);
    buffer.extend_from_slice(&number.to_le_bytes());
    buffer.extend_from_slice(&time.to_le_bytes());
    buffer.extend_from_slice(link);
    payload(buffer);
    // What is too long for its length is refused by every reader; writers bound their payloads.
    let length = u32::try_from(buffer.len() + CHECKSUM).unwrap_or(u32::MAX);
    buffer[..4].copy_from_slice(&length.to_le_bytes());
}

/// Adds the checksum, after which the buffer holds the whole frame.
pub(crate) fn close(buffer: &mut Vec<u8>) {
    let checksum = crc32c::crc32c(buffer);
    buffer.extend_from_slice(&checksum.to_le_bytes());
}

/// Takes the first bytes of a payload off it; None if it has not so many.
pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

/// The bytes as an array. The callers give slices of just that length.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}
