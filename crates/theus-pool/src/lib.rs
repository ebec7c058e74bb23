//! The worker pool of Theus: tasks go in, each ends exactly once, whatever happens to the workers.
//!
//! What it is: a supervisor of worker processes, started by exec, each with a mailbox of two rings in shared memory and a
//! control socket for descriptors; the worker's end of the same protocol; attempts, deadlines, cancellation, crash records.
//! What it is not: it moves bytes and knows no values, no state and no Python.
//!
//! The owner writes a `Job` (what a worker gets, what it may ask for, what becomes of an outcome) and makes a `Pool`, whose
//! documentation has an example. A worker is any program that loops over `Worker`:
//!
//! ```no_run
//! use std::os::fd::AsFd;
//! use theus_pool::{Event, Worker};
//!
//! let (mut worker, _hello) = Worker::attach(std::io::stdin().as_fd().try_clone_to_owned()?)?;
//! worker.ready()?;
//! loop {
//!     match worker.next(None)? {
//!         Some(Event::Task { task, attempt, payload, .. }) => worker.complete(task, attempt, &payload)?,
//!         Some(Event::Shutdown) => break,
//!         _ => {}
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants
//! * P1 Each task ends exactly once: result, error, cancelled or deadline, also when the owner's own code panics.
//! * P2 A dead worker costs its current attempt, never the pool.
//! * P3 Nothing a worker writes is trusted: frames are copied, then checked; large results are sealed before they are mapped;
//!   a completion must name the task and attempt that its worker has.
//! * P4 `shutdown` returns within its timeout and the time that killing takes.

mod brain_watch;
mod cell;
mod crash;
mod deadline;
mod hand;
mod holdings;
mod job;
pub mod link;
mod pool;
mod shield;
mod stats;
mod supervisor;
mod task;
mod worker;

pub use crash::{CrashRecord, Ending};
pub use hand::Launch;
pub use holdings::Hold;
pub use job::{Attempt, Bytes, Delivery, Function, Job, Lacking, Next, Outcome, Reply, Request};
pub use pool::{OnRefused, Pool, PoolClosed, PoolOptions};
pub use stats::{PoolStats, WorkerStats};
pub use task::TaskHandle;
pub use worker::{Event, Worker, WorkerError};
