//! A task as its submitter sees it: the handle to wait for it, to cancel it, and to be called when it has ended.

use crate::cell::{Cell, Verdict};
use crate::deadline::Deadline;
use crate::job::Job;
use crate::supervisor::Shared;
use std::time::Duration;
use theus_sync::Arc;

/// The submitter's handle of a task. Dropping it does not cancel the task.
///
/// Handles may be used from any thread. In a forked child of the process that made the pool they only tell what was
/// known when it was forked: [`wait`](Self::wait) returns at once and [`cancel`](Self::cancel) does nothing.
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
        self.cell.output()
    }

    /// True once the task has ended. It has no output then only if the job's own code panicked, or asked for another
    /// attempt, each time it was told to end.
    pub fn has_ended(&self) -> bool {
        self.cell.has_ended()
    }

    /// True while a worker has the task.
    pub fn is_running(&self) -> bool {
        self.cell.slot().is_some()
    }

    /// Waits for the task's end, at most this long (None: for ever).
    ///
    /// Returns None when the time was over first, when the task [ended](Self::has_ended) without an output, and in a
    /// forked child. The calling thread may do the pool's work while it waits: receive the result from the worker and
    /// settle it. Callbacks of the task may still run when this returns.
    pub fn wait(&self, timeout: Option<Duration>) -> Option<Arc<J::Output>> {
        let deadline = Deadline::after(timeout);
        while !self.cell.has_ended() && !deadline.is_over() && self.pool.is_home() {
            if !self.pool.lead(&self.cell, deadline) {
                self.cell.sleep(deadline.left());
            }
        }
        self.poll()
    }

    /// Looks for the output for some microseconds, as long as looking has paid lately, and never sleeps.
    ///
    /// For an event loop, which must not block, and for which a wake-up from another thread costs more than the tasks
    /// that are over in this time.
    pub fn glance(&self) -> Option<Arc<J::Output>> {
        if self.pool.is_home() {
            self.pool.glance(&self.cell);
        }
        self.poll()
    }

    /// Ends the task early: a queued one is dropped, a running one loses its worker, one that has ended stays as it is.
    pub fn cancel(&self) {
        if self.pool.is_home() {
            self.pool.end_early(&self.cell, Verdict::Cancelled);
        }
    }

    /// Calls back once the task has ended, at once if it already has; from whichever thread settles the task.
    ///
    /// A callback should be short: a worker, or the deadlines of other tasks, may wait for it. A panic in it is
    /// contained, unless it is called at once: then it is the caller's.
    pub fn on_done(&self, callback: impl FnOnce(&J::Output) + Send + 'static) {
        if let Some((callback, output)) = self.cell.call_back(callback) {
            callback(&output);
        }
    }
}

impl<J: Job> std::fmt::Debug for TaskHandle<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskHandle").field("id", &self.id()).field("ended", &self.has_ended()).finish()
    }
}
