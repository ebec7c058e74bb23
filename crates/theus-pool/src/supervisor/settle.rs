//! Settling: gives an attempt's outcome to its job, and does what the job wants next; ends tasks early.
//!
//! Invariant (P1): a task that comes here ends, or is passed on to exactly one of the queue and the timers. A job whose
//! own code panics is told once more that its task ends; one that will not end even then is abandoned.

use super::{Event, Shared, Task, Work};
use crate::cell::{Cell, Place, Verdict};
use crate::deadline::Deadline;
use crate::job::{Attempt, Job, Next, Outcome};
use crate::shield::shielded;
use std::time::Duration;
use theus_sync::Arc;

/// A job that wants what is undeliverable tried again, or waits for its turn, waits at least this long, so that nobody
/// spins.
const LEAST_PAUSE: Duration = Duration::from_millis(10);
/// How often a job may ask for another attempt when it was told to end.
const OBJECTIONS: u8 = 3;

impl<J: Job> Shared<J> {
    /// Gives an outcome to the job, with no lock held; returns what is to be done next.
    pub(crate) fn settle(
        self: &Arc<Self>,
        mut task: Task<J>,
        attempt: Attempt,
        outcome: Outcome,
    ) -> Option<Work<J>> {
        self.counters.ended(&outcome);
        match outcome {
            Outcome::Cancelled | Outcome::TimedOut => task.objections += 1,
            _ => {}
        }
        let pause = match outcome {
            Outcome::Undeliverable(_) => LEAST_PAUSE,
            _ => Duration::ZERO,
        };
        match finish(&mut task.job, attempt, outcome) {
            Some(Next::Retry(after)) if task.objections <= OBJECTIONS => self.again(task, after.max(pause)),
            Some(Next::Done(output)) => {
                self.end(task, Some(output));
                None
            }
            _ => {
                self.end(task, None);
                None
            }
        }
    }

    /// Another attempt, unless the task must end by now.
    fn again(&self, mut task: Task<J>, after: Duration) -> Option<Work<J>> {
        task.attempt = task.attempt.saturating_add(1);
        self.delay(task, after)
    }

    /// A delayed task whose time has come: to its next attempt, or to wait on if its job says so.
    pub(crate) fn resume(self: &Arc<Self>, mut task: Task<J>) {
        let wait = shielded(|| task.job.ready()).flatten();
        let next = match wait {
            Some(wait) => self.delay(task, wait.max(LEAST_PAUSE)),
            None => Some(Work::Place(task)),
        };
        if let Some(next) = next {
            self.work(next);
        }
    }

    /// The next attempt not before this time has passed, unless the task must end by now.
    fn delay(&self, task: Task<J>, after: Duration) -> Option<Work<J>> {
        let ended = |task, verdict: Verdict| Some(Work::end(task, verdict.into()));
        if let Some(verdict) = task.cell.verdict() {
            return ended(task, verdict);
        }
        let Some(at) = Deadline::after(after).moment().filter(|_| !after.is_zero()) else {
            // A time that never comes cannot be meant: at once, like none.
            return Some(Work::Place(task));
        };
        let planned = self.timers.plan(at, |key| {
            let Some(key) = key else { return Err((task, Verdict::Cancelled)) };
            match task.cell.enter(Place::Delayed(key)) {
                Some(verdict) => Err((task, verdict)),
                None => Ok(Event::Retry(task)),
            }
        });
        planned.err().and_then(|(task, verdict)| ended(task, verdict))
    }

    fn end(&self, task: Task<J>, output: Option<J::Output>) {
        let Task { cell, job, deadline, .. } = task;
        if let Some(deadline) = deadline {
            drop(self.timers.cancel(deadline));
        }
        self.glances.learn(cell.age());
        match output {
            Some(output) => cell.fill(output),
            None => cell.abandon(),
        }
        let _panicked = shielded(|| drop(job));
        let mut queue = self.queue.lock();
        queue.outstanding -= 1;
        if queue.outstanding == 0 {
            self.quiet.notify_all();
        }
    }

    /// Ends a task before its function has.
    pub(crate) fn end_early(self: &Arc<Self>, cell: &Arc<Cell<J::Output>>, verdict: Verdict) {
        let task = match cell.judge(verdict) {
            // Whoever has it asks for the verdict before passing it on.
            Place::Between => None,
            Place::Queued(turn) => self.queue.lock().remove(turn, cell),
            Place::Delayed(key) => match self.timers.cancel(key) {
                Some(Event::Retry(task)) => Some(task),
                _ => None,
            },
            Place::Slot(slot) => {
                let mut state = self.slots[slot].state.lock();
                if state.running.as_ref().is_some_and(|running| Arc::ptr_eq(&running.task.cell, cell)) {
                    // Its keeper finds the verdict in the task's cell.
                    state.kill();
                }
                None
            }
        };
        if let Some(task) = task {
            self.work(Work::end(task, verdict.into()));
        }
    }
}

/// What the job wants next; None if its code panicked twice.
fn finish<J: Job>(job: &mut J, attempt: Attempt, outcome: Outcome) -> Option<Next<J::Output>> {
    shielded(|| job.finish(attempt, outcome)).or_else(|| {
        let why = "the code that settles the task panicked".to_owned();
        shielded(|| job.finish(attempt, Outcome::Undeliverable(why)))
    })
}
