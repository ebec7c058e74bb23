//! Which records a reader wants.

use crate::Record;

/// Which records a reader wants; the default wants all that are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Only records of this process.
    pub process: Option<&'a str>,
    /// Only records with this number or a higher one.
    pub since: Option<u64>,
}

impl Filter<'_> {
    /// Whether `record` is one of those that are wanted.
    pub fn admits(&self, record: &Record) -> bool {
        self.since.is_none_or(|since| record.number >= since)
            && self.process.is_none_or(|process| *record.process == *process)
    }
}
