//! Attachments: memory that comes with a result without being copied into its frame.
//!
//! ```text
//! payload of a frame with attachments:  count u64 | that many entries | the body
//! entry (24 bytes):                     kind u64 | first u64 | second u64
//!   kind 0  memory of the worker           first = its address, second = its length in bytes
//!   kind 1  a sealed memory file           first = 0, second = its length; its descriptor was sent before the frame
//!   kind 2  a block that the worker leases first = the block's serial, second = 0
//! ```
//! All numbers are little-endian. What it is not: the meaning of the body, which names attachments by their position.
//!
//! Invariant: reading a table is total: any bytes give a table and a body within them, or nothing.

const HEAD: usize = 8;
const ENTRY: usize = 24;

/// Attachments of one frame at most.
pub const ATTACHMENTS: usize = 1024;

/// One piece of memory that belongs to a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// Private memory of the worker, which leaves it as it is until the Brain has taken it.
    Memory {
        /// Where it begins, in the worker.
        address: u64,
        /// Its length in bytes.
        len: u64,
    },
    /// A sealed memory file, whose descriptor comes over the control socket.
    Sealed {
        /// Its length in bytes.
        len: u64,
    },
    /// A block of the Brain that the worker was given.
    Leased {
        /// Its serial number.
        serial: u64,
    },
}

impl Attachment {
    /// The table of these, to be followed by the body.
    ///
    /// ```
    /// use theus_pool::link::Attachment;
    /// let table = [Attachment::Leased { serial: 7 }];
    /// let payload = [Attachment::to_bytes(&table), b"body".to_vec()].concat();
    /// let (read, body) = Attachment::split(&payload).unwrap();
    /// assert_eq!((read.as_slice(), &payload[body..]), (table.as_slice(), b"body".as_slice()));
    /// ```
    pub fn to_bytes(table: &[Self]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + ENTRY * table.len());
        bytes.extend_from_slice(&(table.len() as u64).to_le_bytes());
        for entry in table {
            let (kind, first, second) = match *entry {
                Attachment::Memory { address, len } => (0_u64, address, len),
                Attachment::Sealed { len } => (1, 0, len),
                Attachment::Leased { serial } => (2, serial, 0),
            };
            for number in [kind, first, second] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        bytes
    }

    /// The table in front of a payload, and where the body begins; None when it is not one.
    pub fn split(payload: &[u8]) -> Option<(Vec<Self>, usize)> {
        let (count, rest) = payload.split_first_chunk::<HEAD>()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok().filter(|count| *count <= ATTACHMENTS)?;
        let entries = rest.get(..ENTRY * count)?;
        let table = entries.as_chunks::<ENTRY>().0.iter().map(Self::from_bytes).collect::<Option<_>>()?;
        Some((table, HEAD + ENTRY * count))
    }

    fn from_bytes(entry: &[u8; ENTRY]) -> Option<Self> {
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&entry[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        match (number(0), number(8), number(16)) {
            (0, address, len) => Some(Attachment::Memory { address, len }),
            (1, 0, len) => Some(Attachment::Sealed { len }),
            (2, serial, 0) => Some(Attachment::Leased { serial }),
            _ => None,
        }
    }
}
