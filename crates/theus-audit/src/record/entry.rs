//! What the caller says about an attempt; the trail adds the number, the time and the digest.

use std::sync::Arc;
use std::time::Duration;

use crate::{ChangedPath, Outcome};

/// Most bytes of a name in a record; a longer one is cut.
const LONGEST_NAME: usize = 4 << 10;
/// Most bytes of an error or a reason in a record; a longer one is cut.
const LONGEST_TEXT: usize = 64 << 10;
/// Most bytes that the changed paths of a record take, so that a record fits a frame.
const MOST_PATHS: usize = 768 << 10;

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
    /// How many more paths there were, of an update that wrote too many to list.
    pub more_paths: u32,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// The signal that ended the worker.
    pub signal: Option<i32>,
    /// The worker's process id, if it was a process.
    pub worker: Option<u32>,
    /// How long the attempt took.
    pub duration: Duration,
    /// In whose name it was asked for, where that is not the process itself.
    pub requester: Option<Arc<str>>,
    /// Why maintenance was allowed what a process is not, or why a stop was lifted.
    pub reason: Option<String>,
    /// SHA-256 of the canonical bytes of the arguments; None: there were none, or they could not be hashed.
    pub inputs: Option<[u8; 32]>,
    /// SHA-256 of the update that was committed or tried; None: there was none.
    pub update: Option<[u8; 32]>,
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
            more_paths: 0,
            error: None,
            signal: None,
            worker: None,
            duration: Duration::ZERO,
            requester: None,
            reason: None,
            inputs: None,
            update: None,
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

    /// Sets [`Entry::requester`].
    pub fn requester(self, requester: impl Into<Arc<str>>) -> Self {
        Entry { requester: Some(requester.into()), ..self }
    }

    /// Sets [`Entry::reason`].
    pub fn reason(self, reason: impl Into<String>) -> Self {
        Entry { reason: Some(reason.into()), ..self }
    }

    /// The entry as a record keeps it: what would not fit a frame is cut, and says so.
    pub(crate) fn bounded(mut self) -> Self {
        for name in [Some(&mut self.process), self.requester.as_mut()].into_iter().flatten() {
            if name.len() > LONGEST_NAME {
                *name = cut(name, LONGEST_NAME).into();
            }
        }
        for text in [&mut self.error, &mut self.reason].into_iter().flatten() {
            if text.len() > LONGEST_TEXT {
                *text = cut(text, LONGEST_TEXT);
            }
        }
        let mut room = MOST_PATHS;
        let fitting = self.paths.iter().take_while(|changed| {
            let taken = changed.path.len().saturating_add(36);
            let fits = taken <= room;
            room = room.saturating_sub(taken);
            fits
        });
        let fitting = fitting.count();
        if fitting < self.paths.len() {
            let left_out = u32::try_from(self.paths.len() - fitting).unwrap_or(u32::MAX);
            self.more_paths = self.more_paths.saturating_add(left_out);
            self.paths.truncate(fitting);
        }
        // In nanoseconds a duration has 64 bits on the disk: 584 years.
        self.duration = self.duration.min(Duration::from_nanos(u64::MAX));
        self
    }
}

fn cut(text: &str, longest: usize) -> String {
    format!("{} [cut]", &text[..text.floor_char_boundary(longest)])
}
