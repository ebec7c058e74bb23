//! What the pool has done and is doing, as numbers.

use crate::job::Outcome;
use theus_sync::atomic::{AtomicU64, Ordering};

/// One worker, as it was when asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerStats {
    /// The operating system's id of the process.
    pub pid: u32,
    /// The task that it runs.
    pub task: Option<u64>,
    /// Whether it is alive.
    pub alive: bool,
    /// Whether it has said that it is ready.
    pub ready: bool,
}

/// The pool, as it was when asked. The counts are since the pool was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Its workers.
    pub workers: Vec<WorkerStats>,
    /// Tasks that wait for a worker.
    pub queued: usize,
    /// Tasks that have not ended.
    pub outstanding: usize,
    /// Attempts that were started.
    pub attempts: u64,
    /// Attempts whose function returned.
    pub completed: u64,
    /// Attempts whose function raised.
    pub failed: u64,
    /// Attempts that were lost with their worker.
    pub crashed: u64,
    /// Attempts that were ended by a deadline.
    pub timed_out: u64,
    /// Attempts that were cancelled.
    pub cancelled: u64,
    /// Completions that named another task or attempt than the one the worker had, and were refused.
    pub refused: u64,
    /// Workers that ended, for whatever reason.
    pub workers_ended: u64,
}

/// The counts; each is independent of the others, so relaxed ordering is enough.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    attempts: AtomicU64,
    completed: AtomicU64,
    failed: AtomicU64,
    crashed: AtomicU64,
    timed_out: AtomicU64,
    cancelled: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Counters {
    pub(crate) fn started(&self) {
        add(&self.attempts);
    }

    pub(crate) fn refused(&self) {
        add(&self.refused);
    }

    pub(crate) fn lost(&self) {
        add(&self.lost);
    }

    pub(crate) fn ended(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Completed(_) => add(&self.completed),
            Outcome::Failed(_) | Outcome::Undeliverable(_) => add(&self.failed),
            Outcome::Crashed(_) => add(&self.crashed),
            Outcome::TimedOut => add(&self.timed_out),
            Outcome::Cancelled => add(&self.cancelled),
        }
    }

    pub(crate) fn stats(&self, workers: Vec<WorkerStats>, queued: usize, outstanding: usize) -> PoolStats {
        PoolStats {
            workers,
            queued,
            outstanding,
            attempts: get(&self.attempts),
            completed: get(&self.completed),
            failed: get(&self.failed),
            crashed: get(&self.crashed),
            timed_out: get(&self.timed_out),
            cancelled: get(&self.cancelled),
            refused: get(&self.refused),
            workers_ended: get(&self.lost),
        }
    }
}
