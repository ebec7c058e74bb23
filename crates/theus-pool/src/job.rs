//! A job: what the pool runs on a worker, and what its owner does with the outcome.
//!
//! The pool moves bytes and knows nothing of values, snapshots or commits; the engine gives it jobs.

use crate::crash::CrashRecord;
use std::io;
use std::time::Duration;
use theus_shm::{AllocError, Block, Mapping};
use theus_sync::Arc;
use thiserror::Error;

/// A host-language function that workers can run, sent to each worker once.
#[derive(Debug)]
pub struct Function {
    /// Its number in this pool's protocol, never 0 and never used for another function.
    pub id: u32,
    /// What the worker makes it from.
    pub definition: Vec<u8>,
}

/// What a worker gets for one attempt.
#[derive(Debug)]
pub struct Request {
    /// The function to run.
    pub function: Arc<Function>,
    /// The task's bytes.
    pub payload: Vec<u8>,
    /// Blocks that the bytes refer to; the worker gets the descriptors of their segments first, and a lease of each.
    pub blocks: Vec<Arc<Block>>,
}

/// The answer to a worker's question about its task's snapshot.
#[derive(Debug, Default)]
pub struct Reply {
    /// The answer's bytes.
    pub payload: Vec<u8>,
    /// Blocks that the bytes refer to; the worker gets a lease of each.
    pub blocks: Vec<Arc<Block>>,
}

/// Bytes that a worker sent.
#[derive(Debug)]
pub enum Bytes {
    /// Copied out of the ring.
    Inline(Vec<u8>),
    /// A sealed memory file of the worker, which nobody can change any more.
    Sealed(Arc<Mapping>),
}

impl Bytes {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Inline(bytes) => bytes,
            Bytes::Sealed(mapping) => mapping.bytes().unwrap_or_default(),
        }
    }
}

/// Why memory that came with a result is not there.
#[derive(Debug, Error)]
pub enum Lacking {
    /// There is no room for it.
    #[error(transparent)]
    Memory(#[from] AllocError),
    /// The system does not let it be copied.
    #[error(
        "{len} bytes of the worker's memory cannot be copied ({source}): return a copy in ordinary memory instead"
    )]
    Unreadable {
        /// Its length in bytes.
        len: u64,
        /// What the system said.
        source: io::Error,
    },
}

/// What a worker sent as a result.
#[derive(Debug)]
pub struct Delivery {
    bytes: Bytes,
    /// Where the body begins.
    body: usize,
    /// The memory that came along, in the order of the worker's table; an error where it could not be had.
    pub blocks: Vec<Result<Arc<Block>, Lacking>>,
}

impl Delivery {
    /// A result of these bytes, and the memory that came along. The pool makes them; others do for tests of a job.
    pub fn new(bytes: Bytes, blocks: Vec<Result<Arc<Block>, Lacking>>) -> Self {
        Delivery { bytes, body: 0, blocks }
    }

    /// As [`new`](Self::new), where the result begins behind a table.
    pub(crate) fn behind(bytes: Bytes, body: usize, blocks: Vec<Result<Arc<Block>, Lacking>>) -> Self {
        Delivery { bytes, body, blocks }
    }

    /// The result's bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.as_slice().get(self.body..).unwrap_or_default()
    }
}

/// How one attempt ended.
#[derive(Debug)]
pub enum Outcome {
    /// The function returned; the bytes are untrusted.
    Completed(Delivery),
    /// The function raised; the bytes are untrusted.
    Failed(Bytes),
    /// The worker was lost.
    Crashed(CrashRecord),
    /// The task's deadline passed.
    TimedOut,
    /// Somebody cancelled the task, or the pool was shut down.
    Cancelled,
    /// No worker could be started, or the task's bytes could not be brought to one; the text says why.
    Undeliverable(String),
}

/// What happens after an attempt.
#[derive(Debug)]
pub enum Next<O> {
    /// The task has ended with this output.
    Done(O),
    /// Another attempt, not before this time has passed.
    Retry(Duration),
}

/// Which attempt of which task, where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The task's id, unique in its pool.
    pub task: u64,
    /// From 1.
    pub number: u32,
    /// The operating system's id of the worker process.
    pub worker: u32,
}

/// What the pool runs. The pool calls the methods of one job one at a time.
pub trait Job: Send + 'static {
    /// What the task ends with.
    type Output: Send + Sync + 'static;

    /// Called when a worker was picked for an attempt. Must not block: the worker's link is locked.
    fn start(&mut self, attempt: Attempt) -> Request;

    /// Answers a worker that asks for a part of the snapshot. Must not block: the worker's link is locked.
    fn fetch(&mut self, query: &[u8]) -> Reply;

    /// Asked, with no lock held, when the delay before another attempt is over: after how long to ask again, if the
    /// attempt must not begin yet. Waiting is no attempt.
    fn ready(&mut self) -> Option<Duration> {
        None
    }

    /// Called once for each attempt that was started, with no lock held, and also for a task that ended without one.
    fn finish(&mut self, attempt: Attempt, outcome: Outcome) -> Next<Self::Output>;
}
