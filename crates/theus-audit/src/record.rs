//! One attempt as the trail keeps it. A record is plain data and never changes.

use std::sync::Arc;
use std::time::Duration;

use crate::{ChangedPath, Entry, Outcome, encoding};

/// One attempt as the trail keeps it: an [`Entry`] with its number, its time and its digest.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The record's number; the first is 1 and there are no gaps.
    pub number: u64,
    /// When the record was appended: seconds since 1970-01-01 00:00 UTC.
    pub time: f64,
    /// The process (the registered function) that was run.
    pub process: Arc<str>,
    /// The task's number, unique in its engine.
    pub task: u64,
    /// Which attempt at the task this was; the first is 1.
    pub attempt: u32,
    /// The version of the snapshot that the attempt worked on.
    pub base_version: u64,
    /// The version that the attempt made, if it was committed.
    pub version: Option<u64>,
    /// How the attempt ended.
    pub outcome: Outcome,
    /// The paths that the attempt wrote, or tried to write.
    pub paths: Vec<ChangedPath>,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// The signal that ended the worker.
    pub signal: Option<i32>,
    /// The worker's process id, if it was a process.
    pub worker: Option<u32>,
    /// How long the attempt took.
    pub duration: Duration,
    /// SHA-256 of a zero byte and [`Record::encode`]: a leaf hash as RFC 6962 section 2.1 has it.
    pub digest: [u8; 32],
}

impl Record {
    /// The record's canonical bytes: all fields but the digest. Equal records give equal bytes, and
    /// different records different ones.
    ///
    /// All integers are little-endian. The head has a fixed length of 91 bytes:
    ///
    /// | offset | size | field |
    /// |---|---|---|
    /// | 0 | 1 | form of the record: 1 |
    /// | 1 | 8 | `number` |
    /// | 9 | 8 | `time`, IEEE 754 binary64 |
    /// | 17 | 1 | `outcome`, as [`Outcome::code`] |
    /// | 18 | 1 | which fields are present: 1 `version`, 2 `signal`, 4 `worker`, 8 `error` |
    /// | 19 | 8 | `task` |
    /// | 27 | 4 | `attempt` |
    /// | 31 | 8 | `base_version` |
    /// | 39 | 8 | `version`, 0 if absent |
    /// | 47 | 4 | `signal`, signed, 0 if absent |
    /// | 51 | 4 | `worker`, 0 if absent |
    /// | 55 | 8 | `duration`, whole seconds |
    /// | 63 | 4 | `duration`, the rest in nanoseconds |
    /// | 67 | 8 | length of `process` in bytes |
    /// | 75 | 8 | length of `error` in bytes, 0 if absent |
    /// | 83 | 8 | number of `paths` |
    ///
    /// After it come `process` and `error` in UTF-8, then for each path its length in 8 bytes, its text in
    /// UTF-8 and the 32 bytes of its hash.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        encoding::write(self, &mut |piece: &[u8]| bytes.extend_from_slice(piece));
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
    /// record.task = 2;
    /// assert!(!record.is_intact());
    /// ```
    pub fn is_intact(&self) -> bool {
        self.digest == encoding::digest(self)
    }

    /// Numbers, dates and seals `entry`.
    pub(crate) fn seal(entry: Entry, number: u64, time: f64) -> Self {
        let mut record = Record {
            number,
            time,
            process: entry.process,
            task: entry.task,
            attempt: entry.attempt,
            base_version: entry.base_version,
            version: entry.version,
            outcome: entry.outcome,
            paths: entry.paths,
            error: entry.error,
            signal: entry.signal,
            worker: entry.worker,
            duration: entry.duration,
            digest: [0; 32],
        };
        record.digest = encoding::digest(&record);
        record
    }
}
