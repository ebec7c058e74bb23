//! The supervisor: what all threads of the Brain share of one pool, one file for each thing they do with it.
//!
//! Threads: submitters (dispatch straight to an idle worker), one keeper for each worker (receives, settles, replaces
//! it), one watcher (deaths; runs no foreign code), one for the timers (deadlines, delays), and callers that wait for a
//! result, who receive it themselves.
//!
//! Locks, in the order in which they may be held together: slot, then queue or timers, then cell. No lock is held while
//! a job is finished or a callback runs, so both may call back into the pool; a job's `start` and `fetch` run under
//! their slot's lock. Shutdown never waits for a slot's lock.

mod dispatch;
mod keeper;
mod lead;
mod queue;
mod receive;
mod settle;
mod shutdown;
mod timers;

pub(crate) use dispatch::Work;
pub(crate) use queue::{Queue, Seat};
pub(crate) use timers::{TimerKey, Timers};

use crate::cell::Cell;
use crate::hand::{Slot, Watcher};
use crate::job::Job;
use crate::link::{Glances, Spin};
use crate::pool::PoolOptions;
use crate::stats::Counters;
use theus_sync::{Arc, Condvar, Mutex, thread};

/// A task in the hands of the pool. Whoever holds it must settle it or pass it on: it exists once.
pub(crate) struct Task<J: Job> {
    pub(crate) cell: Arc<Cell<J::Output>>,
    pub(crate) job: J,
    /// The number of the next or running attempt, from 1.
    pub(crate) attempt: u32,
    /// It has not had its turn in the queue.
    pub(crate) fresh: bool,
    /// Where its deadline is planned.
    pub(crate) deadline: Option<TimerKey>,
    /// How often its job asked for another attempt when it was told to end.
    pub(crate) objections: u8,
}

/// What the timers wake the pool for.
pub(crate) enum Event<J: Job> {
    Deadline(Arc<Cell<J::Output>>),
    Retry(Task<J>),
}

pub(crate) struct Shared<J: Job> {
    pub(crate) options: PoolOptions,
    pub(crate) queue: Mutex<Queue<J>>,
    /// With the queue's lock: a keeper has ended, no task is outstanding, or the pool stops.
    pub(crate) quiet: Condvar,
    pub(crate) slots: Vec<Slot<J>>,
    pub(crate) watcher: Watcher,
    pub(crate) timers: Timers<Event<J>>,
    pub(crate) counters: Counters,
    pub(crate) spin: Spin,
    pub(crate) glances: Glances,
    /// The newest keeper of each slot; the ones before it have ended.
    pub(crate) keepers: Mutex<Vec<Option<thread::JoinHandle<()>>>>,
    process: u32,
}

impl<J: Job> Shared<J> {
    pub(crate) fn new(options: PoolOptions, watcher: Watcher) -> Self {
        let size = options.size.max(1);
        Shared {
            options,
            queue: Mutex::new(Queue::new(size)),
            quiet: Condvar::new(),
            slots: (0..size).map(|_| Slot::new()).collect(),
            watcher,
            timers: Timers::new(),
            counters: Counters::default(),
            spin: Spin::new(),
            glances: Glances::new(),
            keepers: Mutex::new((0..size).map(|_| None).collect()),
            process: std::process::id(),
        }
    }

    /// False in a forked child: it has copies of the numbers, but neither the threads, nor the mailboxes, nor a right to
    /// the workers.
    pub(crate) fn is_home(&self) -> bool {
        std::process::id() == self.process
    }
}
