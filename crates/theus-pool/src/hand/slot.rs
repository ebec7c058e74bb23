//! A slot: the place of one worker in the pool, its link and the task it runs.
//!
//! Invariants: at most one task is in a slot, and only a completion that names that task and attempt is taken from its
//! worker (fencing). A worker that is replaced leaves with its mailbox, so whatever it still writes is never read. Each
//! worker of a slot has an epoch of its own, so what was meant for one never reaches another.

use super::{Line, Link, LinkError, Parcel};
use crate::cell::{Place, Verdict};
use crate::job::{Attempt, Bytes, Job, Reply};
use crate::link::{Frame, Header};
use crate::shield::shielded;
use crate::supervisor::{Seat, Task};
use theus_shm::{Arena, Block};
use theus_sync::{Arc, Mutex};

/// Why a task was not started on a slot.
pub(crate) enum NotStarted<J: Job> {
    /// The worker is gone.
    NoWorker(Task<J>),
    /// The task must end.
    Judged(Task<J>, Verdict),
    /// The task's bytes cannot be brought to the worker; the text says why.
    Undeliverable(Task<J>, Attempt, String),
}

/// A task that a worker runs.
pub(crate) struct Running<J: Job> {
    pub(crate) task: Task<J>,
    pub(crate) attempt: Attempt,
    /// Memory that the worker reads the task from, given back when the attempt ends.
    blocks: Vec<Block>,
}

/// What the threads of the Brain share of one slot.
pub(crate) struct SlotState<J: Job> {
    pub(crate) link: Option<Link>,
    pub(crate) running: Option<Running<J>>,
    /// What the link broke of; set once, read by the keeper.
    pub(crate) broken: Option<LinkError>,
    pub(crate) ready: bool,
    /// A task was started on this worker.
    pub(crate) used: bool,
    /// Counts the slot's workers.
    pub(crate) epoch: u64,
    /// Completions of the worker that were refused.
    pub(crate) refusals: u32,
    /// The worker was killed for the sake of a task; another one must not suffer for it.
    doomed: bool,
    /// The result of the task that runs has come, and what it attached is being copied.
    pub(crate) collecting: bool,
}

impl<J: Job> SlotState<J> {
    fn empty(epoch: u64) -> Self {
        SlotState {
            link: None,
            running: None,
            broken: None,
            ready: false,
            used: false,
            epoch,
            refusals: 0,
            doomed: false,
            collecting: false,
        }
    }

    /// Starts a task on this slot's worker; gives it back when that cannot be.
    pub(crate) fn start(
        &mut self,
        arena: &Arc<Arena>,
        seat: Seat,
        mut task: Task<J>,
    ) -> Result<(), NotStarted<J>> {
        let free = self.epoch == seat.epoch && self.broken.is_none() && self.running.is_none();
        let Some(link) = self.link.as_mut().filter(|link| free && !self.doomed && !link.line.is_dead())
        else {
            return Err(NotStarted::NoWorker(task));
        };
        if let Some(verdict) = task.cell.enter(Place::Slot(seat.slot)) {
            return Err(NotStarted::Judged(task, verdict));
        }
        let attempt = Attempt { task: task.cell.id, number: task.attempt, worker: link.line.pid };
        let undeliverable = |task: Task<J>, why: String| {
            task.cell.leave();
            NotStarted::Undeliverable(task, attempt, why)
        };
        let Some(request) = shielded(|| task.job.start(attempt)) else {
            return Err(undeliverable(task, "the code that prepares the task panicked".into()));
        };
        let blocks = match link.request(arena, attempt, &request) {
            Ok(blocks) => blocks,
            Err(LinkError::Arena(error)) => return Err(undeliverable(task, error.to_string())),
            // The worker is at fault: its keeper replaces it and counts the attempt as lost.
            Err(error) => {
                self.broken = Some(error);
                link.line.bury();
                Vec::new()
            }
        };
        self.used = true;
        self.running = Some(Running { task, attempt, blocks });
        Ok(())
    }

    /// Ends the worker because of the task it runs; its keeper does the rest.
    pub(crate) fn kill(&mut self) {
        self.doomed = true;
        if let Some(link) = &self.link {
            link.line.kill();
        }
    }

    /// True when a frame speaks of the attempt that the worker runs.
    pub(crate) fn runs(&self, header: &Header) -> bool {
        !self.collecting
            && (self.running.as_ref()).is_some_and(|Running { attempt, .. }| {
                attempt.task == header.task && attempt.number == header.attempt
            })
    }

    /// The bytes of a frame from the worker, checked.
    pub(crate) fn bytes(&mut self, frame: Frame) -> Result<Bytes, LinkError> {
        let link = self.link.as_mut().ok_or(LinkError::Protocol("its link is gone"))?;
        link.bytes(frame)
    }

    /// The worker has said that it is ready, with these words.
    pub(crate) fn greeted(&mut self, words: &[u8]) {
        self.ready = true;
        if let Some(link) = self.link.as_mut() {
            link.greeted(words);
        }
    }

    /// The worker says which blocks it keeps. Returns those that it does not.
    pub(crate) fn holds(&mut self, frame: Frame) -> Result<Vec<Arc<Block>>, LinkError> {
        self.link.as_mut().map_or(Ok(Vec::new()), |link| link.holds(frame))
    }

    /// A result of the worker with what came along, checked.
    pub(crate) fn parcel(&mut self, arena: &Arena, frame: Frame) -> Result<Parcel, LinkError> {
        let link = self.link.as_mut().ok_or(LinkError::Protocol("its link is gone"))?;
        link.parcel(arena, frame)
    }

    /// What the worker attached was copied; false when the worker is no longer this one.
    pub(crate) fn collected(&mut self, line: &Arc<Line>) -> Result<bool, LinkError> {
        let Some(link) = self.link.as_mut().filter(|link| Arc::ptr_eq(&link.line, line)) else {
            return Ok(false);
        };
        self.collecting = false;
        link.taken()?;
        Ok(true)
    }

    /// Answers a question of the worker about the task it runs.
    pub(crate) fn answer(&mut self, arena: &Arc<Arena>, frame: Frame) -> Result<(), LinkError> {
        if !self.runs(&frame.header) {
            return Err(LinkError::Protocol("it asked for the snapshot of a task that it does not run"));
        }
        let header = frame.header;
        let query = self.bytes(frame)?;
        let (Some(link), Some(running)) = (self.link.as_mut(), self.running.as_mut()) else {
            return Err(LinkError::Protocol("its link is gone"));
        };
        let Reply { payload, blocks } =
            shielded(|| running.task.job.fetch(query.as_slice())).ok_or(LinkError::Unanswered)?;
        let block = link.reply(arena, header, &payload, &blocks)?;
        running.blocks.extend(block);
        Ok(())
    }
}

/// One worker's place.
pub(crate) struct Slot<J: Job> {
    pub(crate) state: Mutex<SlotState<J>>,
    /// Beside the state, because the owner's code runs under the state's lock and a shutdown must not wait for it.
    line: Mutex<Option<Arc<Line>>>,
}

impl<J: Job> Slot<J> {
    pub(crate) fn new() -> Self {
        Slot { state: Mutex::new(SlotState::empty(0)), line: Mutex::new(None) }
    }

    /// The line to the worker that is in.
    pub(crate) fn line(&self) -> Option<Arc<Line>> {
        self.line.lock().clone()
    }

    /// A fresh worker takes its place.
    pub(crate) fn seat(&self, link: Link) {
        let line = Arc::clone(&link.line);
        let mut state = self.state.lock();
        *state = SlotState { link: Some(link), ..SlotState::empty(state.epoch + 1) };
        drop(state);
        *self.line.lock() = Some(line);
    }

    /// The worker is gone: what it leaves. The place is empty afterwards.
    pub(crate) fn unseat(&self) -> SlotState<J> {
        *self.line.lock() = None;
        let mut state = self.state.lock();
        let empty = SlotState::empty(state.epoch);
        std::mem::replace(&mut *state, empty)
    }

    /// Ends the worker that is in, without the slot's lock.
    pub(crate) fn end(&self) {
        if let Some(line) = self.line() {
            line.kill();
            line.bury();
        }
    }
}
