//! What the caller says about an attempt; the trail adds the number, the time and the digest.

use std::sync::Arc;
use std::time::Duration;

use crate::{ChangedPath, Outcome};

/// What the caller says about one attempt. Fields may be set directly or by the methods of the same name.
///
/// ```
/// use std::time::Duration;
/// use theus_audit::{Entry, Outcome};
///
/// let entry = Entry::new("thumbnail", 7, Outcome::Crashed)
///     .attempt(2)
///     .base_version(41)
///     .signal(9)
///     .worker(4711)
///     .error("the worker was killed by signal 9")
///     .duration(Duration::from_millis(12));
/// assert_eq!(entry.signal, Some(9));
/// assert_eq!(entry.version, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The process (the registered function) that was run.
    pub process: Arc<str>,
    /// The task's number, unique in its engine.
    pub task: u64,
    /// Which attempt at the task this was; the first is 1.
    pub attempt: u32,
    /// The version of the snapshot that the attempt worked on.
    pub base_version: u64,
    /// The version that the attempt made, if it was committed.
    pub version: Option<u64>,
    /// How the attempt ended.
    pub outcome: Outcome,
    /// The paths that the attempt wrote, or tried to write.
    pub paths: Vec<ChangedPath>,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// The signal that ended the worker.
    pub signal: Option<i32>,
    /// The worker's process id, if it was a process.
    pub worker: Option<u32>,
    /// How long the attempt took.
    pub duration: Duration,
}

impl Entry {
    /// The first attempt at `task`, with all that is optional left out.
    pub fn new(process: impl Into<Arc<str>>, task: u64, outcome: Outcome) -> Self {
        Entry {
            process: process.into(),
            task,
            attempt: 1,
            base_version: 0,
            version: None,
            outcome,
            paths: Vec::new(),
            error: None,
            signal: None,
            worker: None,
            duration: Duration::ZERO,
        }
    }

    /// Sets [`Entry::attempt`].
    pub fn attempt(self, attempt: u32) -> Self {
        Entry { attempt, ..self }
    }

    /// Sets [`Entry::base_version`].
    pub fn base_version(self, base_version: u64) -> Self {
        Entry { base_version, ..self }
    }

    /// Sets [`Entry::version`].
    pub fn version(self, version: u64) -> Self {
        Entry { version: Some(version), ..self }
    }

    /// Sets [`Entry::paths`].
    pub fn paths(self, paths: Vec<ChangedPath>) -> Self {
        Entry { paths, ..self }
    }

    /// Sets [`Entry::error`].
    pub fn error(self, error: impl Into<String>) -> Self {
        Entry { error: Some(error.into()), ..self }
    }

    /// Sets [`Entry::signal`].
    pub fn signal(self, signal: i32) -> Self {
        Entry { signal: Some(signal), ..self }
    }

    /// Sets [`Entry::worker`].
    pub fn worker(self, worker: u32) -> Self {
        Entry { worker: Some(worker), ..self }
    }

    /// Sets [`Entry::duration`].
    pub fn duration(self, duration: Duration) -> Self {
        Entry { duration, ..self }
    }
}
