//! Checking a trail, and proving things about it to somebody who does not have it.
//!
//! What not: repairing anything. What opening a trail cuts is decided in `log`.
//!
//! # What is found
//!
//! "Kept" means: given a checkpoint that was exported and kept where the writer of the file cannot change it.
//!
//! | what was done to the files | without a kept checkpoint | with one that covers it |
//! |---|---|---|
//! | a byte or bit changed | found: that frame | found: that frame |
//! | cut within a frame | found: that frame, as a torn end | found: also which frames are missing |
//! | cut between two frames, all checkpoints left | **not found**; the report names the frames that no checkpoint covered | found: that frame |
//! | cut back to an older checkpoint | **not found** | found: the first missing frame |
//! | a frame changed, its checksum made anew | found: that frame, by the link of the next; if it is the last: that frame or the one before | found |
//! | frames removed, doubled, swapped or put in | found: the first number that is not the next | found |
//! | the same, numbers and checksums made anew | found: by a link, the first such frame or the one before | found |
//! | links made anew as well, checkpoints left as they were | found: a range that ends with the next checkpoint | found |
//! | the end of one trail put to the beginning of another | found: by the link | found |
//! | a file in the middle missing | found: its first frame | found |
//! | the newest file missing | **not found** | found: its first frame |
//! | a checkpoint repeated, or for more frames than there are | found: that frame | found |
//! | time that goes backwards | found: that frame | found |
//! | checkpoints made anew without the key | found: that frame, if the trail is signed | found |
//! | everything from some frame on made anew, with the key or in a trail without one | **not found** | found: a range that ends with the kept checkpoint |
//! | two kept checkpoints of one size with different roots | - | found: the trail was forked |
//!
//! In the two lasting cases, a trail cut back and a trail written anew by who has the key, nothing in the files is wrong:
//! only what was exported before can show it.

mod evidence;
mod files;
mod passage;
mod proof;
mod records;
mod verifier;

pub use files::{VerifyOptions, trail_files, verify_files};
pub use passage::{ProveError, Which, prove_consistency, prove_record};
pub use proof::{Consistent, Included, Proof, ProofError, Trust, check_consistency, check_inclusion};
pub use records::{ReadError, Records, records_of};
pub use verifier::Verifier;

use std::fmt;

/// The outcome of a check of a trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many frames were looked at and found good, up to the first finding; in memory: how many records.
    pub count: u64,
    /// What is wrong; None: nothing was found.
    pub finding: Option<Finding>,
    /// How many files were begun; 0 in memory.
    pub files: u32,
    /// How many of the good frames are records.
    pub records: u64,
    /// How many checkpoints were found good in the trail.
    pub checkpoints: u64,
    /// Whether they are signed by the key that the trail names.
    pub signed: bool,
    /// How many frames the last of them covers.
    pub covered: u64,
    /// How many of the kept checkpoints the trail agrees with.
    pub kept: u64,
    /// How many bytes at the end of the newest file are no whole frame; not 0 only with a finding.
    pub torn_bytes: u64,
    /// What was not shown, and what is worth knowing, in words.
    pub notes: Vec<String>,
}

/// What is wrong with a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The number of the first frame that is not as it was written, where it can be told.
    pub first_bad: Option<u64>,
    /// Where it cannot: the first bad frame is one of these, the ends included.
    pub between: Option<(u64, u64)>,
    /// What is wrong, in words.
    pub reason: String,
}

impl Report {
    /// Whether nothing was found.
    pub fn ok(&self) -> bool {
        self.finding.is_none()
    }
}

impl Finding {
    pub(crate) fn new(first_bad: Option<u64>, reason: impl Into<String>) -> Self {
        Finding { first_bad, between: None, reason: reason.into() }
    }

    /// A finding in one of these frames. If that is a single one, it is named.
    pub(crate) fn within(first: u64, last: u64, reason: impl Into<String>) -> Self {
        let single = first == last;
        Finding {
            first_bad: single.then_some(first),
            between: (!single).then_some((first, last)),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first_bad, self.between) {
            (Some(number), _) => write!(f, "frame {number}: {}", self.reason),
            (None, Some((first, last))) => write!(f, "frames {first} to {last}: {}", self.reason),
            (None, None) => f.write_str(&self.reason),
        }
    }
}
