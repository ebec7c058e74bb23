//! The crash record: what is known of a worker that was lost in the middle of an attempt.

use std::fmt;

/// How a worker process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It exited by itself with this status.
    Exited(i32),
    /// A signal ended it.
    Signalled(i32),
    /// The Brain ended it because it broke the protocol.
    Expelled,
    /// It is gone, and the operating system does not say how.
    Unknown,
}

impl Ending {
    /// The signal's number where one ended the worker.
    pub fn signal(&self) -> Option<i32> {
        match self {
            Ending::Signalled(signal) => Some(*signal),
            _ => None,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Exited(status) => write!(f, "exited with status {status}"),
            Ending::Signalled(signal) => write!(f, "was ended by signal {signal}{}", signal_name(*signal)),
            Ending::Expelled => write!(f, "was ended by the engine"),
            Ending::Unknown => write!(f, "ended in a way that the system does not tell"),
        }
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

/// One lost attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashRecord {
    /// The task's id.
    pub task: u64,
    /// Which attempt was lost, from 1.
    pub attempt: u32,
    /// The operating system's id of the worker process.
    pub worker: u32,
    /// How the worker ended.
    pub ending: Ending,
    /// What it did wrong, where the Brain ended it.
    pub reason: Option<String>,
}

impl fmt::Display for CrashRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "worker {} {} in attempt {} of task {}",
            self.worker, self.ending, self.attempt, self.task
        )?;
        match &self.reason {
            Some(reason) => write!(f, " because {reason}"),
            None => Ok(()),
        }
    }
}
