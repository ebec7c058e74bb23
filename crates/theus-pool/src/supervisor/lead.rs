//! Leading: a caller that waits for a task receives from the task's worker itself, which saves a thread switch.
//!
//! Invariant: a leader sleeps on the worker's bell only if it saw, under the slot's lock and at the same reading
//! position that it then watches, that the worker has its task. So the frame that ends the task, whoever takes it, ends
//! the sleep: its ring wakes the leader, or the leader finds the position changed.

use super::Shared;
use crate::cell::Cell;
use crate::deadline::Deadline;
use crate::hand::Line;
use crate::job::Job;
use crate::link::{Mailbox, Watch};
use theus_sync::Arc;

impl<J: Job> Shared<J> {
    /// Receives on behalf of a task that a worker runs, until it has ended or the deadline; false if there is nothing
    /// to lead: the task waits for a worker, or somebody else leads.
    pub(crate) fn lead(self: &Arc<Self>, cell: &Arc<Cell<J::Output>>, deadline: Deadline) -> bool {
        self.as_leader(cell, |slot, line| self.lead_line(slot, line, cell, deadline))
    }

    /// As [`lead`](Self::lead), but only looks, for some microseconds, and never sleeps.
    pub(crate) fn glance(self: &Arc<Self>, cell: &Arc<Cell<J::Output>>) {
        if !self.glances.pay() {
            return;
        }
        self.as_leader(cell, |slot, line| {
            self.glances.while_useful(|| {
                if let Err(error) = self.receive(slot, line) {
                    self.condemn(slot, line, error);
                    return None;
                }
                let watch = self.watch_task(slot, line, cell).filter(|_| !line.is_dead())?;
                Some(move || watch.is_empty(&line.mailbox) && !line.is_dead())
            });
            true
        });
    }

    fn as_leader(&self, cell: &Arc<Cell<J::Output>>, act: impl FnOnce(usize, &Arc<Line>) -> bool) -> bool {
        let Some(slot) = cell.slot() else { return false };
        let Some(line) = self.slots[slot].line() else { return false };
        if !Mailbox::BRAIN_BELL.lead(&line.mailbox) {
            return false;
        }
        let leading = act(slot, &line);
        let watch = self.watch(slot, &line);
        let idle = || watch.is_none_or(|watch| watch.is_empty(&line.mailbox)) && !line.is_dead();
        Mailbox::BRAIN_BELL.resign(&line.mailbox, idle);
        leading
    }

    fn lead_line(
        self: &Arc<Self>,
        slot: usize,
        line: &Arc<Line>,
        cell: &Arc<Cell<J::Output>>,
        deadline: Deadline,
    ) -> bool {
        // One frame at a time: a worker that is fed from the queue must not keep a caller who has its result.
        while let Some(watch) = self.watch_task(slot, line, cell).filter(|_| !line.is_dead()) {
            if deadline.is_over() {
                return true;
            }
            let idle = || watch.is_empty(&line.mailbox) && !line.is_dead();
            self.spin.wait(idle, || {
                Mailbox::BRAIN_BELL.sleep_leading(&line.mailbox, deadline.left(), idle);
            });
            if let Err(error) = self.receive(slot, line) {
                self.condemn(slot, line, error);
                return false;
            }
        }
        // Ended, or lost: what is left to do then is the keeper's.
        cell.has_ended()
    }

    /// How far the slot's worker was read, if it is still this one.
    pub(crate) fn watch(&self, slot: usize, line: &Arc<Line>) -> Option<Watch> {
        let state = self.slots[slot].state.lock();
        state.link.as_ref().filter(|link| Arc::ptr_eq(&link.line, line)).map(|link| link.watch())
    }

    /// As [`watch`](Self::watch), if the worker has this task.
    fn watch_task(&self, slot: usize, line: &Arc<Line>, cell: &Arc<Cell<J::Output>>) -> Option<Watch> {
        let state = self.slots[slot].state.lock();
        let running = state.running.as_ref().is_some_and(|running| Arc::ptr_eq(&running.task.cell, cell));
        let link = state.link.as_ref().filter(|link| running && Arc::ptr_eq(&link.line, line));
        link.map(|link| link.watch())
    }
}
