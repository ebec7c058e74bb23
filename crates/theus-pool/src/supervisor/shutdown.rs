//! Shutdown: ends the tasks, then the workers, then the threads, within a time (P4).
//!
//! What it depends on: the queue, the timers and the lines, whose locks are only held for moments. Not on a slot's lock
//! (the owner's code runs under it), not on the watcher, and not on a worker: what does not end when it is told to is
//! killed, and what does not end then either is left behind rather than waited for.

use super::{Event, Shared, Work};
use crate::cell::Verdict;
use crate::deadline::Deadline;
use crate::job::{Job, Outcome};
use std::time::Duration;
use theus_sync::{Arc, thread};

/// How long workers may take to end by themselves, if the timeout leaves that much.
const GRACE: Duration = Duration::from_millis(500);
/// How long the kernel may take to end killed processes, and the keepers to settle what these had.
const KILLING: Duration = Duration::from_secs(2);

impl<J: Job> Shared<J> {
    pub(crate) fn shut_down(self: &Arc<Self>, timeout: Duration) {
        if !self.is_home() {
            return;
        }
        let deadline = Deadline::after(timeout);
        self.close(deadline);
        self.cancel_rest();
        self.end_workers(deadline);
        self.watcher.stop();
    }

    /// Takes no more tasks, waits for the ones that are there, and stops.
    fn close(&self, deadline: Deadline) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        while queue.outstanding > 0 && !queue.stopping && !deadline.is_over() {
            self.rest(&mut queue, deadline);
        }
        queue.stopping = true;
        drop(queue);
        self.quiet.notify_all();
    }

    fn cancel_rest(self: &Arc<Self>) {
        let mut waiting = self.queue.lock().drain();
        for event in self.timers.stop() {
            if let Event::Retry(task) = event {
                waiting.push_back(task);
            }
        }
        // The workers first: the owner's code, which runs when a task is settled, may take its time.
        for slot in &self.slots {
            let running = slot.state.try_lock().map(|state| match &state.running {
                Some(running) => {
                    running.task.cell.judge(Verdict::Cancelled);
                    true
                }
                None => false,
            });
            if running.unwrap_or(true) {
                slot.end();
            }
        }
        for task in waiting {
            task.cell.judge(Verdict::Cancelled);
            self.work(Work::end(task, Outcome::Cancelled));
        }
    }

    fn end_workers(&self, deadline: Deadline) {
        for slot in &self.slots {
            if let Some(mut state) = slot.state.try_lock()
                && let Some(link) = state.link.as_mut()
            {
                link.shut_down();
            }
        }
        let grace = deadline.left().map_or(GRACE, |left| left.min(GRACE));
        if !self.keepers_end(Deadline::after(grace)) {
            for slot in &self.slots {
                slot.end();
            }
        }
        if !self.keepers_end(Deadline::after(KILLING)) {
            return;
        }
        let keepers: Vec<_> = self.keepers.lock().iter_mut().filter_map(|keeper| keeper.take()).collect();
        for keeper in keepers {
            // The last handle of a pool may be dropped by a callback on one of its own threads.
            if keeper.thread().id() != thread::current().id() {
                let _ended = keeper.join();
            }
        }
    }

    /// Waits until all keepers but the calling thread have ended; false when the time was over first.
    fn keepers_end(&self, deadline: Deadline) -> bool {
        let here = thread::current().id();
        let own = self.keepers.lock().iter().flatten().any(|keeper| keeper.thread().id() == here);
        let mut queue = self.queue.lock();
        while queue.keepers > usize::from(own) && !deadline.is_over() {
            self.rest(&mut queue, deadline);
        }
        queue.keepers <= usize::from(own)
    }

    fn rest(&self, queue: &mut theus_sync::MutexGuard<'_, super::Queue<J>>, deadline: Deadline) {
        match deadline.left() {
            Some(left) => {
                self.quiet.wait_for(queue, left);
            }
            None => self.quiet.wait(queue),
        }
    }
}
