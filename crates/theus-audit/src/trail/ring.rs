//! The newest records in memory.
//!
//! Invariant: numbers rise; between two neighbours only frames that are no records are missing.

use std::collections::VecDeque;
use std::sync::Arc;

use super::DEFAULT_CAPACITY;
use crate::verify::{Finding, Report};
use crate::{Filter, Frontier, Record, leaf_hash};

pub(crate) struct Ring {
    capacity: usize,
    records: VecDeque<Arc<Record>>,
    /// The tree of what has left, so that the root can be checked without it.
    left: Frontier,
}

impl Ring {
    pub(crate) fn new(capacity: usize) -> Self {
        // Room is made at once, so that no append pays for moving the ring; a huge one grows as it fills.
        let records = VecDeque::with_capacity(capacity.min(DEFAULT_CAPACITY));
        Ring { capacity, records, left: Frontier::default() }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Takes a record; gives the one that has to leave.
    pub(crate) fn push(&mut self, record: Arc<Record>) -> Option<Arc<Record>> {
        self.records.push_back(record);
        if self.records.len() <= self.capacity {
            return None;
        }
        let leaving = self.records.pop_front()?;
        self.left.push(leaving.digest);
        Some(leaving)
    }

    pub(crate) fn records(&self, filter: Filter<'_>) -> Vec<Arc<Record>> {
        let since = filter.since.unwrap_or_default();
        let first = self.records.partition_point(|record| record.number < since);
        self.records.range(first..).filter(|record| filter.admits(record)).map(Arc::clone).collect()
    }

    /// Whether the records are as they were sealed, and lead to this tree.
    pub(crate) fn verify(&self, head: &Frontier) -> Report {
        let count = self.records.len() as u64;
        let mut tree = self.left.clone();
        for record in &self.records {
            tree.push(leaf_hash(&record.encode()));
            if !record.is_intact() {
                let finding = Finding::new(Some(record.number), "the record is not the one that was sealed");
                return Report { count, records: count, finding: Some(finding), ..Report::default() };
            }
        }
        let finding =
            (tree != *head).then(|| Finding::new(None, "the records do not lead to the root of the tree"));
        Report { count, records: count, finding, ..Report::default() }
    }
}
