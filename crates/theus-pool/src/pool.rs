//! The pool as its owner sees it: how it is made, given tasks, looked at and shut down.
//!
//! What it is not: how any of that is done; that is the supervisor's.

use crate::cell::{Cell, Verdict};
use crate::hand::{Launch, Watcher};
use crate::job::{Attempt, Job};
use crate::stats::{PoolStats, WorkerStats};
use crate::supervisor::{Event, Shared, Task, Work};
use crate::task::TaskHandle;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};
use theus_shm::Arena;
use theus_sync::{Arc, thread};
use thiserror::Error;

/// How a pool is made.
#[derive(Debug)]
pub struct PoolOptions {
    /// Most workers at once; at least one.
    pub size: usize,
    /// How to start one.
    pub launch: Launch,
    /// Where large payloads to workers are put.
    pub arena: Arc<Arena>,
    /// How long a worker may take until it is ready.
    pub start_timeout: Duration,
    /// Who is told of refused completions.
    pub on_refused: Option<OnRefused>,
}

/// Told of a completion that was refused because its worker did not run that attempt. What it names is what the worker
/// claims, but for the worker itself. Called with no lock held.
pub struct OnRefused(pub Box<dyn Fn(Attempt) + Send + Sync>);

impl fmt::Debug for OnRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRefused")
    }
}

/// A task was not taken because the pool is closed; the job comes back.
#[derive(Debug, Error)]
#[error("the pool is shut down and takes no more tasks")]
pub struct PoolClosed<J>(pub J);

/// A pool of worker processes. Dropping it is a [`shutdown`](Self::shutdown) without time.
///
/// ```no_run
/// # use theus_pool::{Attempt, Function, Job, Launch, Next, Outcome, Pool, PoolOptions, Reply, Request};
/// # use theus_shm::{Arena, ArenaOptions};
/// # use std::sync::Arc;
/// # use std::time::Duration;
/// /// Doubles a text on a worker.
/// struct Double(Arc<Function>, Vec<u8>);
///
/// impl Job for Double {
///     type Output = Result<Vec<u8>, String>;
///
///     fn start(&mut self, _attempt: Attempt) -> Request {
///         Request { function: Arc::clone(&self.0), payload: self.1.clone(), blocks: Vec::new() }
///     }
///
///     fn fetch(&mut self, _query: &[u8]) -> Reply {
///         Reply::default()
///     }
///
///     fn finish(&mut self, attempt: Attempt, outcome: Outcome) -> Next<Self::Output> {
///         match outcome {
///             Outcome::Completed(result) => Next::Done(Ok(result.as_slice().to_vec())),
///             Outcome::Crashed(_) if attempt.number < 3 => Next::Retry(Duration::ZERO),
///             other => Next::Done(Err(format!("{other:?}"))),
///         }
///     }
/// }
///
/// # fn launch() -> Launch { unimplemented!() }
/// let pool = Pool::new(PoolOptions {
///     size: 2,
///     launch: launch(),
///     arena: Arena::new(ArenaOptions { capacity: 64 << 20 }),
///     start_timeout: Duration::from_secs(30),
///     on_refused: None,
/// })?;
/// let double = Arc::new(Function { id: 1, definition: b"double".to_vec() });
/// if let Ok(task) = pool.submit(1, Double(double, b"ab".to_vec()), None) {
///     let output = task.wait(None);
/// }
/// pool.shutdown(Duration::from_secs(5));
/// # Ok::<(), std::io::Error>(())
/// ```
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
        // Dropping it, where a thread is refused, ends the other one.
        let pool = Pool { shared: Arc::new(Shared::new(options, watcher)) };
        let shared = Arc::clone(&pool.shared);
        let watching = move || shared.watcher.run(pipe);
        thread::Builder::new().name("theus-watcher".into()).spawn(watching)?;
        let shared = Arc::clone(&pool.shared);
        let timing = move || shared.timers.run(|event| shared.act(event));
        thread::Builder::new().name("theus-timers".into()).spawn(timing)?;
        Ok(pool)
    }

    /// Hands in a task under an id that no other task of this pool has. It runs at once if a worker is idle, else in
    /// turn. At the deadline it ends, wherever it is.
    ///
    /// # Errors
    /// [`PoolClosed`] with the job after [`Pool::shutdown`], and in a forked child of the process that made the pool.
    pub fn submit(&self, id: u64, job: J, deadline: Option<Instant>) -> Result<TaskHandle<J>, PoolClosed<J>> {
        let shared = &self.shared;
        if !shared.is_home() {
            return Err(PoolClosed(job));
        }
        {
            let mut queue = shared.queue.lock();
            if queue.closed {
                return Err(PoolClosed(job));
            }
            queue.outstanding += 1;
        }
        let cell = Arc::new(Cell::new(id));
        let deadline = deadline.and_then(|at| {
            if at <= Instant::now() {
                cell.judge(Verdict::TimedOut);
                return None;
            }
            // Before the task is anywhere: so its end always finds the deadline to take back.
            let event = Event::Deadline(Arc::clone(&cell));
            shared.timers.plan(at, |key| key.map(|_| event).ok_or(())).ok()
        });
        let task = Task { cell: Arc::clone(&cell), job, attempt: 1, fresh: true, deadline, objections: 0 };
        shared.work(Work::Place(task));
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
        shared.counters.stats(workers, queue.waiting(), queue.outstanding)
    }

    /// Takes no more tasks, gives the unfinished ones this long, then ends them as cancelled and ends the workers.
    ///
    /// Returns within the timeout and the short time that killing takes, at most two seconds (P4), provided that the
    /// jobs' own `finish` returns. Calling it again does nothing. Called from a callback of a task, it counts that task
    /// among the unfinished ones.
    pub fn shutdown(&self, timeout: Duration) {
        self.shared.shut_down(timeout);
    }
}

impl<J: Job> Drop for Pool<J> {
    fn drop(&mut self) {
        self.shared.shut_down(Duration::ZERO);
    }
}

impl<J: Job> fmt::Debug for Pool<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("options", &self.shared.options).finish_non_exhaustive()
    }
}
