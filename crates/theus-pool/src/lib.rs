//! The worker pool of Theus: tasks go in, each ends exactly once, whatever happens to the workers.
//!
//! What it is: a supervisor of worker processes, started by exec, each with a mailbox of two rings in shared memory and
//! a control socket for descriptors; the worker's end of the same protocol; attempts, deadlines, cancellation, crash
//! records. What it is not: it moves bytes and knows no values, no state and no Python.
//!
//! Invariants
//! * P1 Each task ends exactly once: [`task::Cell`](TaskHandle) is filled once, and the job is finished once an attempt.
//! * P2 A dead worker costs its current attempt, never the pool.
//! * P3 Nothing a worker writes is trusted: frames are copied, then checked; large results are sealed before they are
//!   mapped; a completion must name the task and attempt that the worker has.
//! * P4 `shutdown` returns within its timeout and the time that killing takes.

mod crash;
mod job;
mod keeper;
mod launch;
pub mod link;
mod pool;
mod queue;
mod slot;
mod spin;
mod stats;
mod task;
mod watcher;
mod worker;

pub use crash::{CrashRecord, Ending};
pub use job::{Attempt, Bytes, Function, Job, Next, Outcome, Reply, Request};
pub use launch::Launch;
pub use pool::{Pool, PoolClosed, PoolOptions};
pub use stats::{PoolStats, WorkerStats};
pub use task::TaskHandle;
pub use worker::{Event, Worker, WorkerError};
