//! The newest records in memory.
//!
//! Invariant: numbers rise; between two neighbours only frames that are no records are missing.

use std::collections::VecDeque;
use std::sync::Arc;

use super::DEFAULT_CAPACITY;
use super::tail::Tail;
use crate::log::frame::link_to;
use crate::verify::{Finding, Report};
use crate::{Filter, Record};

pub(crate) struct Ring {
    capacity: usize,
    records: VecDeque<Arc<Record>>,
}

impl Ring {
    pub(crate) fn new(capacity: usize) -> Self {
        // Room is made at once, so that no append pays for moving the ring; a huge one grows as it fills.
        let records = VecDeque::with_capacity(capacity.min(DEFAULT_CAPACITY));
        Ring { capacity, records }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Takes a record; gives the one that has to leave.
    pub(crate) fn push(&mut self, record: Arc<Record>) -> Option<Arc<Record>> {
        self.records.push_back(record);
        if self.records.len() <= self.capacity { None } else { self.records.pop_front() }
    }

    pub(crate) fn records(&self, filter: Filter<'_>) -> Vec<Arc<Record>> {
        let since = filter.since.unwrap_or_default();
        let first = self.records.partition_point(|record| record.number < since);
        self.records.range(first..).filter(|record| filter.admits(record)).map(Arc::clone).collect()
    }

    /// Whether the records of a trail in memory are as they were sealed, each is linked to the one before, and the last is
    /// where the trail ends.
    pub(crate) fn verify(&self, tail: &Tail) -> Report {
        let count = self.records.len() as u64;
        let found = |number, reason: &str| {
            let finding = Some(Finding::new(Some(number), reason));
            Report { count, records: count, finding, ..Report::default() }
        };
        let mut link = self.records.front().map(|first| first.link);
        for record in &self.records {
            if !record.is_intact() {
                return found(record.number, "the record is not the one that was sealed");
            }
            if link != Some(record.link) {
                return found(record.number, "the record is not linked to the one before");
            }
            link = Some(link_to(&record.digest));
        }
        match self.records.back() {
            Some(last) if link != Some(tail.link()) => {
                found(last.number, "the record is not the last of the trail")
            }
            _ => Report { count, records: count, ..Report::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entry, Outcome};

    fn kept(count: u64) -> (Ring, Tail) {
        let (mut ring, mut tail) = (Ring::new(5), Tail::default());
        for task in 0..count {
            let record = tail.seal(Entry::new("thumbnail", task, Outcome::Committed), task, &mut Vec::new());
            tail.push(record.digest, record.time);
            ring.push(Arc::new(record));
        }
        (ring, tail)
    }

    #[test]
    fn what_is_not_as_it_was_sealed_is_named() {
        let (ring, tail) = kept(8);
        assert!(ring.verify(&tail).ok());
        let damaged = |damage: fn(&mut VecDeque<Arc<Record>>)| {
            let (mut ring, tail) = kept(8);
            damage(&mut ring.records);
            ring.verify(&tail).finding.and_then(|finding| finding.first_bad)
        };
        assert_eq!(damaged(|records| Arc::make_mut(&mut records[2]).entry.task += 1), Some(6));
        assert_eq!(damaged(|records| drop(records.remove(2))), Some(7));
        assert_eq!(damaged(|records| records.swap(1, 2)), Some(6));
        assert_eq!(damaged(|records| drop(records.pop_back())), Some(7));
        // One that was sealed anew has another digest, which the next does not know.
        let anew = |records: &mut VecDeque<Arc<Record>>| {
            let old = Arc::clone(&records[2]);
            let entry = Entry { task: 99, ..old.entry.clone() };
            records[2] = Arc::new(Record::seal(entry, old.number, old.time, old.link, &mut Vec::new()));
        };
        assert_eq!(damaged(anew), Some(7));
    }
}
