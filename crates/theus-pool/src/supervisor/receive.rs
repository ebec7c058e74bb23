//! Receiving: takes what a worker sent, believes none of it, and acts on it.
//!
//! Invariants
//! * A completion counts only if it names the task and the attempt that its worker has; what else a worker sends out
//!   of turn costs that worker, not a task (P3).
//! * A frame is taken and acted on in one step under the slot's lock, but for settling and for copying what a result
//!   attached: so whoever sees under that lock that a worker runs a task, and collects nothing, knows that the frame which
//!   ends it was not taken yet.

use super::{Seat, Shared, Work};
use crate::hand::{Line, LinkError, SlotState};
use crate::job::{Attempt, Job, Outcome};
use crate::link::{Flags, Frame, Kind};
use crate::pool::OnRefused;
use theus_sync::{Arc, MutexGuard};

/// Completions of tasks that a worker does not have, before it must go: an honest worker sends none.
const REFUSALS: u32 = 16;

impl<J: Job> Shared<J> {
    /// Takes one frame of the slot's worker, if this is still its worker; false if there was none. An error means that
    /// the worker must go.
    pub(crate) fn receive(self: &Arc<Self>, slot: usize, line: &Arc<Line>) -> Result<bool, LinkError> {
        let mut state = self.slots[slot].state.lock();
        if state.broken.is_some() {
            return Ok(false);
        }
        let Some(link) = state.link.as_mut().filter(|link| Arc::ptr_eq(&link.line, line)) else {
            return Ok(false);
        };
        let Some(frame) = link.pop()? else { return Ok(false) };
        match frame.header.kind {
            Kind::Ready if !state.ready => {
                state.greeted(&frame.payload);
                let seat = Seat { slot, epoch: state.epoch };
                let next = self.queue.lock().arrive(seat);
                drop(state);
                if let Some(task) = next {
                    self.work(Work::Run(seat, task));
                }
            }
            Kind::Fetch => state.answer(&self.options.arena, frame)?,
            Kind::Complete | Kind::Fail => self.complete(slot, line, state, frame)?,
            Kind::Hold => {
                let ended = state.holds(frame)?;
                // Giving memory back may take its time.
                drop(state);
                drop(ended);
            }
            _ => return Err(LinkError::Protocol("it sent a frame of a kind that is not a worker's")),
        }
        Ok(true)
    }

    fn complete<'a>(
        self: &'a Arc<Self>,
        slot: usize,
        line: &Arc<Line>,
        mut state: MutexGuard<'a, SlotState<J>>,
        frame: Frame,
    ) -> Result<(), LinkError> {
        let completed = frame.header.kind == Kind::Complete;
        if !state.runs(&frame.header) {
            self.counters.refused();
            state.refusals += 1;
            let tolerable = state.refusals < REFUSALS
                && !frame.header.flags.has(Flags::REFERENCED)
                && !frame.header.flags.has(Flags::ATTACHED);
            drop(state);
            if let Some(OnRefused(tell)) = &self.options.on_refused {
                let (task, number) = (frame.header.task, frame.header.attempt);
                tell(Attempt { task, number, worker: line.pid });
            }
            return if tolerable {
                Ok(())
            } else {
                Err(LinkError::Protocol("it sent results of tasks that it does not run"))
            };
        }
        let outcome = if completed {
            let parcel = state.parcel(&self.options.arena, frame)?;
            let delivery = if parcel.is_away() {
                state.collecting = true;
                drop(state);
                let collected = parcel.collect(&self.options.arena, line);
                state = self.slots[slot].state.lock();
                // Its keeper has settled the attempt if the worker died meanwhile.
                if !state.collected(line)? {
                    return Ok(());
                }
                collected?
            } else {
                parcel.collect(&self.options.arena, line)?
            };
            Outcome::Completed(delivery)
        } else {
            Outcome::Failed(state.bytes(frame)?)
        };
        let Some(running) = state.running.take() else { return Ok(()) };
        let seat = Seat { slot, epoch: state.epoch };
        let next = self.queue.lock().release(seat);
        drop(state);
        running.task.cell.leave();
        // The worker first: it computes the next task while this one is settled.
        if let Some(task) = next {
            self.work(Work::Run(seat, task));
        }
        self.work(Work::Settle(running.task, running.attempt, outcome));
        Ok(())
    }

    /// Notes why a worker must go, and wakes its keeper to see to it.
    pub(crate) fn condemn(&self, slot: usize, line: &Arc<Line>, error: LinkError) {
        let mut state = self.slots[slot].state.lock();
        if state.link.as_ref().is_some_and(|link| Arc::ptr_eq(&link.line, line)) && state.broken.is_none() {
            state.broken = Some(error);
        }
        drop(state);
        line.bury();
    }
}
