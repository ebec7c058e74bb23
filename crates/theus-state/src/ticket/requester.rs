//! [`Requester`]: who commits, for the ticket, for observers and for messages.
//!
//! What not: no permission follows from it; the engine has those.

use std::fmt;
use theus_sync::Arc;

/// Who commits. Clones in O(1).
///
/// ```
/// use theus_state::Requester;
///
/// let (all, one) = (Requester::new("pay"), Requester::task("pay", 17));
/// assert!(all.covers(&one) && !one.covers(&all));
/// assert_eq!(one.to_string(), "pay (task 17)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requester {
    /// The name of the process.
    pub process: Arc<str>,
    /// One of its tasks; None stands for all of them.
    pub task: Option<u64>,
}

impl Requester {
    /// All tasks of a process.
    pub fn new(process: impl Into<Arc<str>>) -> Self {
        Self { process: process.into(), task: None }
    }

    /// One task of a process.
    pub fn task(process: impl Into<Arc<str>>, task: u64) -> Self {
        Self { process: process.into(), task: Some(task) }
    }

    /// True if what this one holds lets `other` pass: the same process and, if this names a task, the same task.
    pub fn covers(&self, other: &Requester) -> bool {
        self.process == other.process && (self.task.is_none() || self.task == other.task)
    }
}

impl fmt::Display for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.task {
            None => f.write_str(&self.process),
            Some(task) => write!(f, "{} (task {task})", self.process),
        }
    }
}
