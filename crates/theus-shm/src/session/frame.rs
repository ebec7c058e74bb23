//! The messages of a session, byte by byte. All numbers are little-endian; one message is one packet.
//!
//! ```text
//! request   0 u8 version (1) | 1 u8 kind | 2 u16 count | 4 body
//!   1 list     count: bytes of the text; body: the name behind which to go on, or nothing
//!   2 by name  count: bytes of the text; body: the name
//!   3 by serial  count: 0; body: u64 serial
//!   4 keep     count: number of serials; body: u64 replies seen, then that many u64 serials, ascending
//! reply     0 u8 version (1) | 1 u8 kind | 2 u16 count | 4 body
//!   1 welcome  count: 0; no body; the first reply of each connection, unasked
//!   2 names    count: number of names, 0 at the end; body: for each u16 bytes, then the name
//!   3 block    count: bytes of metadata; body: u64 segment | u64 its length | u64 offset of the block in it |
//!              u64 its length | u64 serial | metadata; the segment's descriptor comes along
//!   4 missing  count: 0; no body
//!   5 refused  count: reason (1 connections, 2 leases); no body
//! ```
//!
//! `keep` has no reply; each other request has exactly one, and the peer reads it before it asks again. Replies are
//! numbered from 1 on, the welcome not counted; `keep` says which blocks the peer keeps as of the last one it has read.
//!
//! Not here: sending them, what descriptors are worth ([`Mapping`](crate::Mapping) checks them).
//!
//! Invariants: parsing is total, takes no more memory than a small multiple of the input, and accepts exactly what
//! encoding makes: one encoding per message.

/// The version of these messages.
pub const VERSION: u8 = 1;

/// Most bytes of a name.
pub const MAX_TEXT: usize = 1024;

/// Most bytes of an owner's words about a block.
pub const MAX_METADATA: usize = 4096;

/// Most blocks that one connection may hold.
pub const MAX_LEASES: usize = 1024;

/// Most names in one reply.
pub const MAX_NAMES: usize = 64;

/// Most bytes of a request.
pub const MAX_REQUEST: usize = HEAD + 8 + 8 * MAX_LEASES;

/// Most bytes of a reply.
pub const MAX_REPLY: usize = HEAD + MAX_NAMES * (2 + MAX_TEXT);

const HEAD: usize = 4;

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Another version of the protocol.
    #[error("a message of version {found} came, version {VERSION} is spoken here")]
    Version {
        /// The version found.
        found: u8,
    },
    /// Nothing of this kind is known.
    #[error("a message of the unknown kind {found} came")]
    Kind {
        /// The kind found.
        found: u8,
    },
    /// Lengths, counts or texts that do not fit each other or the limits.
    #[error("a message is malformed: {reason}")]
    Malformed {
        /// What does not fit.
        reason: &'static str,
    },
}

fn malformed(reason: &'static str) -> FrameError {
    FrameError::Malformed { reason }
}

/// What the program that attached asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The names behind this one.
    List {
        /// The last name seen, or nothing.
        after: String,
    },
    /// A block by its name.
    ByName {
        /// The name.
        name: String,
    },
    /// A block by its serial.
    BySerial {
        /// The serial.
        serial: u64,
    },
    /// Which blocks are still held, as of a reply.
    Keep {
        /// The number of the last reply read.
        seen: u64,
        /// Serials of the blocks held, ascending.
        serials: Vec<u64>,
    },
}

/// Why the owner refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Too many connections.
    Connections,
    /// Too many blocks are held already.
    Leases,
}

/// What the owner answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The connection is accepted.
    Welcome,
    /// Names, ascending; none at the end.
    Names(Vec<String>),
    /// A block; its segment's descriptor comes along.
    Block {
        /// Where it lies.
        place: Place,
        /// The owner's words about it.
        metadata: Vec<u8>,
    },
    /// There is no such block.
    Missing,
    /// Not granted.
    Refused(Reason),
}

/// Where a block lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of its segment in the owner's process, never used again there.
    pub segment: u64,
    /// Bytes of the segment.
    pub segment_len: u64,
    /// The block's first byte in it.
    pub offset: u64,
    /// Bytes of the block.
    pub len: u64,
    /// The block's number in the owner's process, never used again there.
    pub serial: u64,
}

impl Request {
    /// The message's bytes. Names beyond [`MAX_TEXT`] bytes and serials beyond [`MAX_LEASES`] are left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::List { after } => with_text(1, after),
            Self::ByName { name } => with_text(2, name),
            Self::BySerial { serial } => [head(3, 0).as_slice(), &serial.to_le_bytes()].concat(),
            Self::Keep { seen, serials } => {
                let serials = &serials[..serials.len().min(MAX_LEASES)];
                let mut bytes = head(4, serials.len());
                bytes.extend(seen.to_le_bytes());
                bytes.extend(serials.iter().flat_map(|serial| serial.to_le_bytes()));
                bytes
            }
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`FrameError`] for anything that [`encode`](Self::encode) does not make.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let (kind, count, mut rest) = parse_head(bytes)?;
        let request = match kind {
            1 => Self::List { after: rest.text(count)? },
            2 => Self::ByName { name: rest.text(count)? },
            3 if count == 0 => Self::BySerial { serial: rest.u64()? },
            3 => return Err(malformed("a count where none belongs")),
            4 => {
                let seen = rest.u64()?;
                if count > MAX_LEASES || rest.0.len() != count * 8 {
                    return Err(malformed("another number of serials than it says"));
                }
                let serials: Vec<u64> =
                    rest.0.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
                if !serials.is_sorted_by(|left, right| left < right) {
                    return Err(malformed("serials that do not ascend"));
                }
                return Ok(Self::Keep { seen, serials });
            }
            found => return Err(FrameError::Kind { found }),
        };
        rest.end(request)
    }
}

impl Reply {
    /// The message's bytes. Names beyond [`MAX_NAMES`], their bytes beyond [`MAX_TEXT`] and metadata beyond
    /// [`MAX_METADATA`] bytes are left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Welcome => head(1, 0),
            Self::Names(names) => {
                let names = &names[..names.len().min(MAX_NAMES)];
                let mut bytes = head(2, names.len());
                for name in names {
                    let name = cut(name);
                    bytes.extend((name.len() as u16).to_le_bytes());
                    bytes.extend(name.bytes());
                }
                bytes
            }
            Self::Block { place, metadata } => {
                let metadata = &metadata[..metadata.len().min(MAX_METADATA)];
                let mut bytes = head(3, metadata.len());
                for number in [place.segment, place.segment_len, place.offset, place.len, place.serial] {
                    bytes.extend(number.to_le_bytes());
                }
                bytes.extend(metadata);
                bytes
            }
            Self::Missing => head(4, 0),
            Self::Refused(Reason::Connections) => head(5, 1),
            Self::Refused(Reason::Leases) => head(5, 2),
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`FrameError`] for anything that [`encode`](Self::encode) does not make, and for a block that does not lie
    /// within its segment.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let (kind, count, mut rest) = parse_head(bytes)?;
        let reply = match (kind, count) {
            (1, 0) => Self::Welcome,
            (2, 0..=MAX_NAMES) => Self::Names((0..count).map(|_| rest.name()).collect::<Result<_, _>>()?),
            (3, 0..=MAX_METADATA) => {
                let place = Place {
                    segment: rest.u64()?,
                    segment_len: rest.u64()?,
                    offset: rest.u64()?,
                    len: rest.u64()?,
                    serial: rest.u64()?,
                };
                if place.offset.checked_add(place.len).is_none_or(|end| end > place.segment_len) {
                    return Err(malformed("a block outside of its segment"));
                }
                Self::Block { place, metadata: rest.take(count)?.to_vec() }
            }
            (4, 0) => Self::Missing,
            (5, 1) => Self::Refused(Reason::Connections),
            (5, 2) => Self::Refused(Reason::Leases),
            (1..=5, _) => return Err(malformed("a count beyond the limits")),
            (found, _) => return Err(FrameError::Kind { found }),
        };
        rest.end(reply)
    }
}

fn head(kind: u8, count: usize) -> Vec<u8> {
    let [low, high] = (count as u16).to_le_bytes();
    vec![VERSION, kind, low, high]
}

fn with_text(kind: u8, text: &str) -> Vec<u8> {
    let text = cut(text);
    let mut bytes = head(kind, text.len());
    bytes.extend(text.bytes());
    bytes
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

fn parse_head(bytes: &[u8]) -> Result<(u8, usize, Rest<'_>), FrameError> {
    let Some((&[version, kind, low, high], rest)) = bytes.split_first_chunk::<HEAD>() else {
        return Err(malformed("it is cut"));
    };
    if version != VERSION {
        return Err(FrameError::Version { found: version });
    }
    Ok((kind, u16::from_le_bytes([low, high]).into(), Rest(rest)))
}

/// What of a message is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(malformed("it is cut"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u64(&mut self) -> Result<u64, FrameError> {
        let (number, rest) = self.0.split_first_chunk().ok_or(malformed("it is cut"))?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }

    fn text(&mut self, len: usize) -> Result<String, FrameError> {
        if len > MAX_TEXT {
            return Err(malformed("a name beyond the limit"));
        }
        let bytes = self.take(len)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| malformed("a name that is no text"))
    }

    fn name(&mut self) -> Result<String, FrameError> {
        let (len, rest) = self.0.split_first_chunk().ok_or(malformed("it is cut"))?;
        self.0 = rest;
        self.text(u16::from_le_bytes(*len).into())
    }

    fn end<T>(self, message: T) -> Result<T, FrameError> {
        if self.0.is_empty() { Ok(message) } else { Err(malformed("bytes behind its end")) }
    }
}
