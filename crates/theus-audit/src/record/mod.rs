//! One attempt as the trail keeps it. A record is plain data and never changes.

mod announce;
mod changed_path;
mod counts;
mod entry;
mod filter;
mod outcome;
pub(crate) mod payload;

pub use announce::TARGET;
pub use changed_path::ChangedPath;
pub use counts::Counts;
pub use entry::Entry;
pub use filter::Filter;
pub use outcome::{Outcome, UnknownOutcome};

use crate::log::frame::{self, Frame, Kind, Link};
use crate::tree::{Hash, leaf_hash};
use std::ops::Deref;

/// One attempt as the trail keeps it: an [`Entry`] with its number, its time and its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record's number among all frames of its trail, of which the first is 1.
    pub number: u64,
    /// When the record was appended: nanoseconds since 1970-01-01 00:00 UTC; never less than that of the one before.
    pub time: u64,
    /// The first 16 bytes of the digest of the frame before; zeros in the first.
    pub link: [u8; 16],
    /// What the caller said.
    pub entry: Entry,
    /// SHA-256 of a zero byte and [`Record::encode`]: a leaf hash as RFC 6962 section 2.1 has it.
    pub digest: [u8; 32],
}

impl Deref for Record {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

impl Record {
    /// The record's canonical bytes: the frame of a trail's file, without the checksum. Equal records give equal bytes, and
    /// different records different ones.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        encode(&self.entry, self.number, self.time, &self.link, &mut bytes);
        bytes
    }

    /// Whether the digest is the one that the other fields give.
    ///
    /// ```
    /// use theus_audit::{Entry, Filter, Outcome, Trail};
    ///
    /// let trail = Trail::default();
    /// trail.append(Entry::new("thumbnail", 1, Outcome::Committed));
    /// let mut record = (*trail.records(Filter::default())[0]).clone();
    /// assert!(record.is_intact());
    /// record.entry.task = 2;
    /// assert!(!record.is_intact());
    /// ```
    pub fn is_intact(&self) -> bool {
        self.digest == leaf_hash(&self.encode())
    }

    /// The record of a frame; None for a frame of another kind, and for a payload that is not as drawn.
    pub fn of_frame(frame: &Frame<'_>) -> Option<Self> {
        if frame.kind != Kind::Attempt {
            return None;
        }
        let entry = payload::read(frame.payload)?;
        Some(Record { number: frame.number, time: frame.time, link: frame.link, entry, digest: frame.leaf() })
    }

    /// Numbers, dates and seals a bounded entry. Leaves its canonical bytes in the empty `buffer`.
    pub(crate) fn seal(entry: Entry, number: u64, time: u64, link: Link, buffer: &mut Vec<u8>) -> Self {
        encode(&entry, number, time, &link, buffer);
        let digest: Hash = leaf_hash(buffer);
        Record { number, time, link, entry, digest }
    }
}

fn encode(entry: &Entry, number: u64, time: u64, link: &Link, buffer: &mut Vec<u8>) {
    frame::write(buffer, Kind::Attempt, number, time, link, |buffer| payload::write(entry, buffer));
}
