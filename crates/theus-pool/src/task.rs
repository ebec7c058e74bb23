//! A task as its submitter sees it: a cell that is filled exactly once, and the handle to wait for it.

use crate::job::Job;
use crate::pool::Shared;
use std::time::{Duration, Instant};
use theus_sync::{Arc, Condvar, Mutex};

/// Why a task shall end before its function has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Cancelled,
    TimedOut,
}

type Callback<O> = Box<dyn FnOnce(&O) + Send>;

struct CellState<O> {
    output: Option<Arc<O>>,
    callbacks: Vec<Callback<O>>,
    verdict: Option<Verdict>,
    /// The slot whose worker has the task now.
    slot: Option<usize>,
}

/// Where one task's output arrives.
pub(crate) struct Cell<O> {
    pub(crate) id: u64,
    made: Instant,
    state: Mutex<CellState<O>>,
    filled: Condvar,
}

impl<O> Cell<O> {
    pub(crate) fn new(id: u64) -> Self {
        let state = CellState { output: None, callbacks: Vec::new(), verdict: None, slot: None };
        Cell { id, made: Instant::now(), state: Mutex::new(state), filled: Condvar::new() }
    }

    /// How long ago the task was handed in.
    pub(crate) fn age(&self) -> Duration {
        self.made.elapsed()
    }

    pub(crate) fn is_filled(&self) -> bool {
        self.state.lock().output.is_some()
    }

    pub(crate) fn slot(&self) -> Option<usize> {
        self.state.lock().slot
    }

    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.state.lock().verdict
    }

    /// Notes which slot has the task, and returns the verdict that was passed meanwhile.
    pub(crate) fn place(&self, slot: Option<usize>) -> Option<Verdict> {
        let mut state = self.state.lock();
        state.slot = slot;
        state.verdict
    }

    /// Passes a verdict on a task that has not ended; the first one stands. Returns the slot to look in.
    pub(crate) fn judge(&self, verdict: Verdict) -> Option<usize> {
        let mut state = self.state.lock();
        if state.output.is_none() && state.verdict.is_none() {
            state.verdict = Some(verdict);
        }
        state.slot
    }

    /// Ends the task; a second call changes nothing (P1).
    pub(crate) fn fill(&self, output: O) {
        let output = Arc::new(output);
        let callbacks = {
            let mut state = self.state.lock();
            if state.output.is_some() {
                return;
            }
            state.output = Some(Arc::clone(&output));
            std::mem::take(&mut state.callbacks)
        };
        self.filled.notify_all();
        for callback in callbacks {
            callback(&output);
        }
    }

    /// Sleeps until the task has ended or the time is over.
    pub(crate) fn sleep(&self, timeout: Option<Duration>) {
        let mut state = self.state.lock();
        if state.output.is_some() {
            return;
        }
        match timeout {
            Some(timeout) => {
                self.filled.wait_for(&mut state, timeout);
            }
            None => self.filled.wait(&mut state),
        }
    }
}

/// The submitter's handle of a task. Dropping it does not cancel the task.
pub struct TaskHandle<J: Job> {
    pub(crate) cell: Arc<Cell<J::Output>>,
    pub(crate) pool: Arc<Shared<J>>,
}

impl<J: Job> Clone for TaskHandle<J> {
    fn clone(&self) -> Self {
        TaskHandle { cell: Arc::clone(&self.cell), pool: Arc::clone(&self.pool) }
    }
}

impl<J: Job> TaskHandle<J> {
    /// The task's id, unique in its pool.
    pub fn id(&self) -> u64 {
        self.cell.id
    }

    /// The output, if the task has ended.
    pub fn poll(&self) -> Option<Arc<J::Output>> {
        self.cell.state.lock().output.clone()
    }

    /// True while a worker has the task.
    pub fn is_running(&self) -> bool {
        let state = self.cell.state.lock();
        state.slot.is_some() && state.output.is_none()
    }

    /// Waits for the task's end, at most this long; None when the time was over first.
    ///
    /// The calling thread may do the pool's work while it waits: receive the result from the worker and settle it.
    pub fn wait(&self, timeout: Option<Duration>) -> Option<Arc<J::Output>> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            if let Some(output) = self.poll() {
                return Some(output);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return None;
            }
            if !self.pool.lead(&self.cell, deadline) {
                self.cell.sleep(left);
            }
        }
    }

    /// Looks for the output for some microseconds, as long as looking has paid lately, and never sleeps.
    ///
    /// For an event loop, which must not block, and for which a wake-up from another thread costs more than the tasks
    /// that are over in this time.
    pub fn glance(&self) -> Option<Arc<J::Output>> {
        self.pool.glance(&self.cell);
        self.poll()
    }

    /// Ends the task early: a queued one is dropped, a running one loses its worker, one that has ended stays as it is.
    pub fn cancel(&self) {
        self.pool.end_early(&self.cell, Verdict::Cancelled);
    }

    /// Calls back once the task has ended, at once if it already has; from whichever thread settles the task.
    pub fn on_done(&self, callback: impl FnOnce(&J::Output) + Send + 'static) {
        let mut state = self.cell.state.lock();
        match state.output.clone() {
            None => state.callbacks.push(Box::new(callback)),
            Some(output) => {
                drop(state);
                callback(&output);
            }
        }
    }
}
