//! Dispatch: brings tasks to workers, and what follows from that to its end.
//!
//! Invariant: work is done in a loop, not by calls into each other, so that a chain of tasks of any length (each one
//! undeliverable, say, which frees its worker for the next) needs no stack.

use super::queue::{Placement, Seat};
use super::{Event, Shared, Task, keeper};
use crate::cell::Verdict;
use crate::hand::NotStarted;
use crate::job::{Attempt, Job, Outcome};
use theus_sync::{Arc, thread};

/// A step that a thread has to do with a task it holds.
pub(crate) enum Work<J: Job> {
    /// Find it a worker or a place in the queue.
    Place(Task<J>),
    /// Start it on this worker, which was free.
    Run(Seat, Task<J>),
    /// Give this outcome to its job.
    Settle(Task<J>, Attempt, Outcome),
}

impl<J: Job> Work<J> {
    /// The end of a task that no worker has.
    pub(crate) fn end(task: Task<J>, outcome: Outcome) -> Self {
        let attempt = Attempt { task: task.cell.id, number: task.attempt, worker: 0 };
        Work::Settle(task, attempt, outcome)
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Cancelled => Outcome::Cancelled,
            Verdict::TimedOut => Outcome::TimedOut,
        }
    }
}

impl<J: Job> Shared<J> {
    /// Does this work and all that follows from it. No lock may be held.
    pub(crate) fn work(self: &Arc<Self>, first: Work<J>) {
        let mut rest = Vec::new();
        let mut next = Some(first);
        while let Some(work) = next {
            next = match work {
                Work::Place(task) => self.place(task, &mut rest),
                Work::Run(seat, task) => self.run(seat, task, &mut rest),
                Work::Settle(task, attempt, outcome) => self.settle(task, attempt, outcome),
            };
            next = next.or_else(|| rest.pop());
        }
    }

    fn place(self: &Arc<Self>, task: Task<J>, rest: &mut Vec<Work<J>>) -> Option<Work<J>> {
        let placement = self.queue.lock().place(task);
        self.follow(placement, rest)
    }

    fn follow(self: &Arc<Self>, placement: Placement<J>, rest: &mut Vec<Work<J>>) -> Option<Work<J>> {
        match placement {
            Placement::Run(seat, task) => Some(Work::Run(seat, task)),
            Placement::Wake(slot) => {
                self.wake(slot, rest);
                None
            }
            Placement::Wait => None,
            Placement::Judged(task, verdict) => Some(Work::end(task, verdict.into())),
        }
    }

    /// Starts a slot's keeper.
    fn wake(self: &Arc<Self>, slot: usize, rest: &mut Vec<Work<J>>) {
        let shared = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name(format!("theus-keeper-{slot}"))
            .spawn(move || keeper::keep(&shared, slot));
        match spawned {
            Ok(keeper) => self.keepers.lock()[slot] = Some(keeper),
            Err(error) => {
                let stranded = {
                    let mut queue = self.queue.lock();
                    queue.withdraw(slot);
                    queue.keepers -= 1;
                    queue.give_up(slot)
                };
                let why = format!("no thread for a worker: {error}");
                rest.extend(
                    stranded.into_iter().map(|task| Work::end(task, Outcome::Undeliverable(why.clone()))),
                );
            }
        }
    }

    /// Starts a task on a worker that was free, or finds it another place.
    fn run(self: &Arc<Self>, seat: Seat, task: Task<J>, rest: &mut Vec<Work<J>>) -> Option<Work<J>> {
        let started = self.slots[seat.slot].state.lock().start(&self.options.arena, seat, task);
        match started {
            Ok(()) => {
                self.counters.started();
                return None;
            }
            // Its keeper is about to withdraw it, so this cannot go on.
            Err(NotStarted::NoWorker(task)) => return Some(Work::Place(task)),
            Err(NotStarted::Judged(task, verdict)) => rest.push(Work::end(task, verdict.into())),
            Err(NotStarted::Undeliverable(task, attempt, why)) => {
                rest.push(Work::Settle(task, attempt, Outcome::Undeliverable(why)));
            }
        }
        // The worker first: it computes the next task while this one is settled.
        let next = self.queue.lock().release(seat);
        next.map(|task| Work::Run(seat, task))
    }

    /// Acts on what the timers waited for.
    pub(crate) fn act(self: &Arc<Self>, event: Event<J>) {
        match event {
            Event::Deadline(cell) => self.end_early(&cell, Verdict::TimedOut),
            Event::Retry(task) => self.resume(task),
        }
    }
}
