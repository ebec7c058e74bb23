//! The pool: tasks go in, each ends exactly once, whatever happens to the workers.
//!
//! Threads: submitters (dispatch straight to an idle worker), one keeper for each worker (receives, settles, replaces
//! it), one watcher (deaths, deadlines, delays), and callers that wait for a result, who receive it themselves.
//!
//! Locks, in the order in which they may be held together: slot, then queue or cell. No lock is held while a job is
//! finished or a callback runs, so both may call back into the pool.

use crate::job::{Attempt, Job, Next, Outcome};
use crate::keeper;
use crate::launch::{Launch, Line};
use crate::link::{Kind, Mailbox};
use crate::queue::{Placement, Queue};
use crate::slot::{LinkError, NotStarted, Slot, Task};
use crate::spin::{Glances, Spin};
use crate::stats::{Counters, PoolStats, WorkerStats};
use crate::task::{Cell, TaskHandle, Verdict};
use crate::watcher::Watcher;
use std::io;
use std::time::{Duration, Instant};
use theus_shm::Arena;
use theus_sync::{Arc, Condvar, Mutex, thread};
use thiserror::Error;

/// How a pool is made.
pub struct PoolOptions {
    /// Most workers at once; at least one.
    pub size: usize,
    /// How to start one.
    pub launch: Launch,
    /// Where large payloads to workers are put.
    pub arena: Arc<Arena>,
    /// How long a worker may take until it is ready.
    pub start_timeout: Duration,
}

/// A task was not taken because the pool is closed; the job comes back.
#[derive(Debug, Error)]
#[error("the pool is shut down and takes no more tasks")]
pub struct PoolClosed<J>(pub J);

/// What the watcher wakes the pool for.
pub(crate) enum Event<J: Job> {
    Deadline(Arc<Cell<J::Output>>),
    Retry(Task<J>),
}

pub(crate) struct Shared<J: Job> {
    pub(crate) options: PoolOptions,
    pub(crate) queue: Mutex<Queue<J>>,
    quiet: Condvar,
    pub(crate) slots: Vec<Slot<J>>,
    pub(crate) watcher: Watcher<Event<J>>,
    pub(crate) counters: Counters,
    spin: Spin,
    pub(crate) glances: Glances,
    keepers: Mutex<Vec<thread::JoinHandle<()>>>,
    process: u32,
}

/// A pool of worker processes.
pub struct Pool<J: Job> {
    shared: Arc<Shared<J>>,
}

impl<J: Job> Pool<J> {
    /// A pool without workers: they are started when tasks need them.
    ///
    /// # Errors
    /// When the operating system refuses a pipe or a thread.
    pub fn new(options: PoolOptions) -> io::Result<Self> {
        let (watcher, pipe) = Watcher::new()?;
        let size = options.size.max(1);
        let shared = Arc::new(Shared {
            options,
            queue: Mutex::new(Queue::new(size)),
            quiet: Condvar::new(),
            slots: (0..size).map(|_| Slot::new()).collect(),
            watcher,
            counters: Counters::default(),
            spin: Spin::new(),
            glances: Glances::new(),
            keepers: Mutex::new(Vec::new()),
            process: std::process::id(),
        });
        let watching = Arc::clone(&shared);
        thread::Builder::new().name("theus-watcher".into()).spawn(move || {
            watching.watcher.run(pipe, |event| watching.act(event));
        })?;
        Ok(Pool { shared })
    }

    /// Hands in a task under an id that no other task of this pool has. It runs at once if a worker is idle, else in turn.
    ///
    /// # Errors
    /// [`PoolClosed`] with the job after [`Pool::shutdown`], and in a forked child of the process that made the pool.
    pub fn submit(&self, id: u64, job: J, deadline: Option<Instant>) -> Result<TaskHandle<J>, PoolClosed<J>> {
        let shared = &self.shared;
        if std::process::id() != shared.process {
            return Err(PoolClosed(job));
        }
        let cell = Arc::new(Cell::new(id));
        let task = Task { cell: Arc::clone(&cell), job, attempt: 1 };
        let placement = {
            let mut queue = shared.queue.lock();
            if queue.closed {
                return Err(PoolClosed(task.job));
            }
            queue.outstanding += 1;
            queue.place(task)
        };
        shared.follow(placement);
        if let Some(deadline) = deadline {
            shared.watcher.plan(deadline, Event::Deadline(Arc::clone(&cell)));
        }
        Ok(TaskHandle { cell, pool: Arc::clone(shared) })
    }

    /// What the pool is doing.
    pub fn stats(&self) -> PoolStats {
        let shared = &self.shared;
        let workers = (shared.slots.iter())
            .filter_map(|slot| {
                let state = slot.state.lock();
                let link = state.link.as_ref()?;
                let task = state.running.as_ref().map(|running| running.task.cell.id);
                Some(WorkerStats {
                    pid: link.line.pid,
                    task,
                    alive: !link.line.is_dead(),
                    ready: state.ready,
                })
            })
            .collect();
        let queue = shared.queue.lock();
        shared.counters.stats(workers, queue.pending.len(), queue.outstanding)
    }

    /// Takes no more tasks, gives the unfinished ones this long, then ends them as cancelled and ends the workers.
    ///
    /// Returns within the timeout and the short time that killing takes (P4). Calling it again does nothing.
    pub fn shutdown(&self, timeout: Duration) {
        self.shared.shut_down(timeout);
    }
}

impl<J: Job> Drop for Pool<J> {
    fn drop(&mut self) {
        self.shared.shut_down(Duration::ZERO);
    }
}

impl<J: Job> Shared<J> {
    /// Does what a placement asks for.
    fn follow(self: &Arc<Self>, placement: Placement<J>) {
        match placement {
            Placement::Run(slot, task) => self.run(slot, task),
            Placement::Wake(slot) => self.wake(slot),
            Placement::Wait => {}
        }
    }

    fn wake(self: &Arc<Self>, slot: usize) {
        let shared = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name(format!("theus-keeper-{slot}"))
            .spawn(move || keeper::keep(&shared, slot));
        match spawned {
            Ok(keeper) => self.keepers.lock().push(keeper),
            Err(error) => {
                let stranded = {
                    let mut queue = self.queue.lock();
                    queue.withdraw(slot, false);
                    queue.retire(slot);
                    queue.stranded()
                };
                self.give_up(stranded, &format!("no thread for a worker: {error}"));
            }
        }
    }

    /// Ends tasks that no worker can be had for.
    pub(crate) fn give_up(self: &Arc<Self>, tasks: impl IntoIterator<Item = Task<J>>, why: &str) {
        for task in tasks {
            let attempt = Attempt { task: task.cell.id, number: task.attempt, worker: 0 };
            self.settle(task, attempt, Outcome::Undeliverable(why.to_owned()));
        }
    }

    /// Starts a task on a slot whose worker was idle, or finds another place for it.
    fn run(self: &Arc<Self>, slot: usize, task: Task<J>) {
        let cell = Arc::clone(&task.cell);
        let started = {
            let mut state = self.slots[slot].state.lock();
            let started = state.start(&self.options.arena, task);
            if started.is_ok() {
                self.counters.started();
                if cell.place(Some(slot)).is_some() {
                    // A verdict was passed before there was a worker to take the task from.
                    state.kill();
                }
            }
            started
        };
        match started {
            Ok(()) => {}
            Err(NotStarted::NoWorker(task)) => {
                let placement = self.queue.lock().place(task);
                self.follow(placement);
            }
            Err(NotStarted::Undeliverable(task, attempt, why)) => {
                self.release(slot);
                self.settle(task, attempt, Outcome::Undeliverable(why));
            }
        }
    }

    /// A slot's worker is ready for the next task.
    pub(crate) fn release(self: &Arc<Self>, slot: usize) {
        let next = self.queue.lock().release(slot);
        if let Some(task) = next {
            self.run(slot, task);
        }
    }

    /// Takes all frames that the slot's worker has sent; an error means that the worker must go.
    pub(crate) fn drain(self: &Arc<Self>, slot: usize, line: &Arc<Line>) -> Result<(), LinkError> {
        loop {
            let mut state = self.slots[slot].state.lock();
            let Some(link) = state.link.as_mut().filter(|link| Arc::ptr_eq(&link.line, line)) else {
                return Ok(());
            };
            let Some(frame) = link.pop()? else { return Ok(()) };
            match frame.header.kind {
                Kind::Ready if !state.ready => {
                    state.ready = true;
                    drop(state);
                    self.queue.lock().starting -= 1;
                    self.release(slot);
                }
                Kind::Fetch => state.answer(&self.options.arena, &frame)?,
                Kind::Complete | Kind::Fail => {
                    let kind = frame.header.kind;
                    let current =
                        (state.running.as_ref()).is_some_and(|running| running.attempt.is(&frame.header));
                    if !current {
                        self.counters.refused();
                        continue;
                    }
                    let bytes = link_of(&mut state)?.bytes(frame)?;
                    let Some(running) = state.running.take() else { continue };
                    drop(state);
                    running.task.cell.place(None);
                    // The worker first: it computes the next task while this one is settled.
                    self.release(slot);
                    let outcome = if kind == Kind::Complete {
                        Outcome::Completed(bytes)
                    } else {
                        Outcome::Failed(bytes)
                    };
                    self.settle(running.task, running.attempt, outcome);
                }
                _ => return Err(LinkError::Protocol("it sent a frame of a kind that is not a worker's")),
            }
        }
    }

    /// Gives an outcome to the job, with no lock held, and does what it wants next.
    pub(crate) fn settle(self: &Arc<Self>, mut task: Task<J>, attempt: Attempt, outcome: Outcome) {
        self.counters.ended(&outcome);
        let mut next = task.job.finish(attempt, outcome);
        loop {
            let after = match next {
                Next::Done(output) => {
                    self.glances.learn(task.cell.age());
                    task.cell.fill(output);
                    let mut queue = self.queue.lock();
                    queue.outstanding -= 1;
                    if queue.outstanding == 0 {
                        self.quiet.notify_all();
                    }
                    return;
                }
                Next::Retry(after) => after,
            };
            task.attempt += 1;
            let verdict = match task.cell.verdict() {
                None if self.queue.lock().stopping => Some(Verdict::Cancelled),
                passed => passed,
            };
            if let Some(verdict) = verdict {
                let attempt = Attempt { number: task.attempt, worker: 0, ..attempt };
                next = task.job.finish(attempt, outcome_of(verdict));
                continue;
            }
            if after.is_zero() {
                let placement = self.queue.lock().place(task);
                self.follow(placement);
            } else {
                self.watcher.plan(Instant::now() + after, Event::Retry(task));
            }
            return;
        }
    }

    fn act(self: &Arc<Self>, event: Event<J>) {
        match event {
            Event::Deadline(cell) => {
                if !cell.is_filled() {
                    self.end_early(&cell, Verdict::TimedOut);
                }
            }
            Event::Retry(task) => {
                let placement = self.queue.lock().place(task);
                self.follow(placement);
            }
        }
    }

    /// Ends a task before its function has.
    pub(crate) fn end_early(self: &Arc<Self>, cell: &Arc<Cell<J::Output>>, verdict: Verdict) {
        let slot = cell.judge(verdict);
        let queued = self.queue.lock().remove(cell.id);
        if let Some(task) = queued {
            let attempt = Attempt { task: cell.id, number: task.attempt, worker: 0 };
            self.settle(task, attempt, outcome_of(verdict));
        } else if let Some(slot) = slot {
            let state = self.slots[slot].state.lock();
            if state.running.as_ref().is_some_and(|running| running.task.cell.id == cell.id) {
                // Its keeper finds the verdict in the task's cell.
                state.kill();
            }
        }
    }

    /// Receives on behalf of a task that a worker runs, until it has ended or the deadline; false if there is nothing
    /// to lead: the task waits for a worker, or somebody else leads.
    pub(crate) fn lead(self: &Arc<Self>, cell: &Arc<Cell<J::Output>>, deadline: Option<Instant>) -> bool {
        let Some(slot) = cell.slot() else { return false };
        let Some(line) = self.slots[slot].state.lock().link.as_ref().map(|link| Arc::clone(&link.line))
        else {
            return false;
        };
        if !Mailbox::BRAIN_BELL.lead(&line.mailbox) {
            return false;
        }
        let leading = self.lead_line(slot, &line, cell, deadline);
        let watch = self.slots[slot].state.lock().link.as_ref().map(|link| link.watch());
        let idle = || watch.is_none_or(|watch| watch.is_empty(&line.mailbox)) && !line.is_dead();
        Mailbox::BRAIN_BELL.resign(&line.mailbox, idle);
        leading
    }

    /// As [`Shared::lead`], but only looks, and never sleeps.
    pub(crate) fn glance(self: &Arc<Self>, cell: &Arc<Cell<J::Output>>) {
        let Some(slot) = cell.slot() else { return };
        let Some(line) = self.slots[slot].state.lock().link.as_ref().map(|link| Arc::clone(&link.line)) else {
            return;
        };
        if !self.glances.pay() || !Mailbox::BRAIN_BELL.lead(&line.mailbox) {
            return;
        }
        self.glances.while_useful(|| {
            if let Err(error) = self.drain(slot, &line) {
                keeper::condemn(self, slot, &line, error);
                return None;
            }
            let running = cell.slot() == Some(slot) && !line.is_dead();
            self.watch(slot, &line).filter(|_| running).map(|watch| {
                let line = &line;
                move || watch.is_empty(&line.mailbox) && !line.is_dead()
            })
        });
        let watch = self.watch(slot, &line);
        let idle = || watch.is_none_or(|watch| watch.is_empty(&line.mailbox)) && !line.is_dead();
        Mailbox::BRAIN_BELL.resign(&line.mailbox, idle);
    }

    fn lead_line(
        self: &Arc<Self>,
        slot: usize,
        line: &Arc<Line>,
        cell: &Arc<Cell<J::Output>>,
        deadline: Option<Instant>,
    ) -> bool {
        loop {
            if let Err(error) = self.drain(slot, line) {
                keeper::condemn(self, slot, line, error);
                return false;
            }
            if cell.slot() != Some(slot) || line.is_dead() {
                // Ended, or lost: what is left to do is the keeper's.
                return cell.is_filled();
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return true;
            }
            let Some(watch) = self.watch(slot, line) else { return false };
            let idle = || watch.is_empty(&line.mailbox) && !line.is_dead();
            self.spin.wait(idle, || Mailbox::BRAIN_BELL.sleep_leading(&line.mailbox, left, idle));
        }
    }

    /// How far the slot's worker was read, if it is still this one.
    pub(crate) fn watch(&self, slot: usize, line: &Arc<Line>) -> Option<crate::link::Watch> {
        let state = self.slots[slot].state.lock();
        state.link.as_ref().filter(|link| Arc::ptr_eq(&link.line, line)).map(|link| link.watch())
    }

    fn shut_down(self: &Arc<Self>, timeout: Duration) {
        if std::process::id() != self.process {
            // A forked child has copies of the numbers, but neither the threads nor a right to the workers.
            return;
        }
        let deadline = Instant::now() + timeout;
        {
            let mut queue = self.queue.lock();
            queue.closed = true;
            while queue.outstanding > 0 && !queue.stopping {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() || self.quiet.wait_for(&mut queue, left) {
                    break;
                }
            }
            queue.stopping = true;
        }
        self.cancel_rest();
        self.end_workers(deadline);
        self.watcher.stop();
    }

    fn cancel_rest(self: &Arc<Self>) {
        let mut waiting: Vec<Task<J>> = self.queue.lock().pending.drain(..).collect();
        for event in self.watcher.take_all() {
            if let Event::Retry(task) = event {
                waiting.push(task);
            }
        }
        for task in waiting {
            let attempt = Attempt { task: task.cell.id, number: task.attempt, worker: 0 };
            task.cell.judge(Verdict::Cancelled);
            self.settle(task, attempt, Outcome::Cancelled);
        }
        for slot in &self.slots {
            let state = slot.state.lock();
            if let (Some(link), Some(running)) = (&state.link, &state.running) {
                running.task.cell.judge(Verdict::Cancelled);
                link.line.kill();
            }
        }
    }

    fn end_workers(self: &Arc<Self>, deadline: Instant) {
        for slot in &self.slots {
            if let Some(link) = slot.state.lock().link.as_mut() {
                link.shut_down();
            }
        }
        let grace = deadline.saturating_duration_since(Instant::now()).min(Duration::from_millis(500));
        let grace_end = Instant::now() + grace;
        {
            let mut queue = self.queue.lock();
            while queue.keepers > 0 {
                let left = grace_end.saturating_duration_since(Instant::now());
                if left.is_zero() || self.quiet.wait_for(&mut queue, left) {
                    break;
                }
            }
        }
        for slot in &self.slots {
            if let Some(link) = slot.state.lock().link.as_ref() {
                link.line.kill();
            }
        }
        for keeper in std::mem::take(&mut *self.keepers.lock()) {
            // The last handle of a pool may be dropped by a callback on one of its own threads.
            if keeper.thread().id() != thread::current().id() {
                let _ended = keeper.join();
            }
        }
    }

    /// A keeper ends.
    pub(crate) fn keeper_ended(&self) {
        self.quiet.notify_all();
    }
}

pub(crate) fn outcome_of(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Cancelled => Outcome::Cancelled,
        Verdict::TimedOut => Outcome::TimedOut,
    }
}

fn link_of<J: Job>(state: &mut crate::slot::SlotState<J>) -> Result<&mut crate::slot::Link, LinkError> {
    state.link.as_mut().ok_or(LinkError::Protocol("its link is gone"))
}
