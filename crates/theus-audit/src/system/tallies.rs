//! [`Tallies`]: what an audit system counts and remembers, behind its lock.
//!
//! Invariants: a key with count 0 takes no memory; at most `capacity` entries are kept, the newest ones.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::{AuditRefusal, LogEntry};

/// The room for entries that is made at once; a larger ring grows as it fills.
const AT_ONCE: usize = 1000;

pub(super) struct Tallies {
    counts: HashMap<String, u64>,
    ring: VecDeque<Arc<LogEntry>>,
    capacity: usize,
    ever: u64,
    stopped: Option<AuditRefusal>,
}

impl Tallies {
    pub(super) fn new(capacity: usize) -> Self {
        let ring = VecDeque::with_capacity(capacity.min(AT_ONCE));
        Tallies { counts: HashMap::new(), ring, capacity, ever: 0, stopped: None }
    }

    /// Counts one more failure of `key` and gives their number.
    pub(super) fn raise(&mut self, key: &str) -> u64 {
        if let Some(count) = self.counts.get_mut(key) {
            *count = count.saturating_add(1);
            return *count;
        }
        self.counts.insert(key.to_owned(), 1);
        1
    }

    /// Sets the count of `key` to 0. True if another key still has one.
    pub(super) fn forget(&mut self, key: &str) -> bool {
        self.counts.remove(key);
        !self.counts.is_empty()
    }

    pub(super) fn count(&self, key: &str) -> u64 {
        self.counts.get(key).copied().unwrap_or(0)
    }

    /// Adds an entry and gives back the one that has to leave, for the caller to drop.
    pub(super) fn add(&mut self, key: &str, message: &str, now: fn() -> f64) -> Option<Arc<LogEntry>> {
        let entry = LogEntry { timestamp: now(), key: key.to_owned(), message: message.to_owned() };
        self.ever += 1;
        if self.capacity == 0 {
            return None;
        }
        let leaving = if self.ring.len() >= self.capacity { self.ring.pop_front() } else { None };
        self.ring.push_back(Arc::new(entry));
        leaving
    }

    pub(super) fn entries(&self) -> Vec<Arc<LogEntry>> {
        self.ring.iter().map(Arc::clone).collect()
    }

    pub(super) fn entries_ever(&self) -> u64 {
        self.ever
    }

    pub(super) fn kept(&self) -> usize {
        self.ring.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The first refusal is the one that is kept.
    pub(super) fn latch(&mut self, refusal: &AuditRefusal) {
        self.stopped.get_or_insert_with(|| refusal.clone());
    }

    pub(super) fn stopped(&self) -> Option<&AuditRefusal> {
        self.stopped.as_ref()
    }

    pub(super) fn reset(&mut self) {
        self.counts.clear();
        self.stopped = None;
    }
}
