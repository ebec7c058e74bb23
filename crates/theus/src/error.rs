//! How an attempt, and how a call, can end badly.

use crate::array::ArrayError;
use crate::audit::AuditFault;
use crate::returned::Violation;
use std::time::Duration;
use theus_audit::{AuditRefusal, Outcome};
use theus_pool::CrashRecord;
use theus_state::{CommitError, CommitRefused, TransactionError};
use theus_value::{ApplyError, Path, Value};
use thiserror::Error;

/// Why an update was not committed.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It broke the contract.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// An array in it cannot be.
    #[error(transparent)]
    Array(#[from] ArrayError),
    /// Somebody else changed what it changes, or holds the priority ticket.
    #[error("Process '{process}': {error}")]
    Conflict {
        /// The process.
        process: String,
        /// What collided, with the update.
        error: CommitError,
        /// The retry that this conflict grants: after how long. None when there are no more, or none is wanted.
        retry: Option<Duration>,
    },
    /// It does not fit the state.
    #[error("Process '{process}': {error}")]
    Apply {
        /// The process.
        process: String,
        /// What does not fit, with the update.
        error: CommitError,
    },
    /// Its time was over.
    #[error("Process '{process}': {error}")]
    TimedOut {
        /// The process.
        process: String,
        /// Which limit, with the update.
        error: TransactionError,
    },
    /// The audit stood in the way.
    #[error("Process '{process}': {error}")]
    Audit {
        /// The process.
        process: String,
        /// Why.
        error: AuditFault,
    },
    /// It was refused, and the audit blocks the process for such failures.
    #[error("Process '{process}': {error}")]
    Blocked {
        /// The process.
        process: String,
        /// What the audit says of the failure.
        error: AuditRefusal,
        /// The failure.
        cause: Box<Refusal>,
    },
}

impl Refusal {
    /// Why a commit that is not retried was refused.
    pub(crate) fn of_commit(process: &str, refused: CommitRefused<Box<Refusal>>) -> Self {
        let process = process.to_owned();
        match refused {
            CommitRefused::Check { error, .. } => *error,
            CommitRefused::Commit(error @ (CommitError::Conflict { .. } | CommitError::Busy { .. })) => {
                Refusal::Conflict { process, error, retry: None }
            }
            CommitRefused::Commit(error) => Refusal::Apply { process, error },
        }
    }

    /// This refusal, or that the audit blocks the process for it. A violation of the contract stays what it is.
    pub(crate) fn or_blocked(self, process: &str, refused: Option<AuditRefusal>) -> Self {
        match (self, refused) {
            (cause @ (Refusal::Array(_) | Refusal::Apply { .. } | Refusal::TimedOut { .. }), Some(error)) => {
                Refusal::Blocked { process: process.to_owned(), error, cause: Box::new(cause) }
            }
            (refusal, _) => refusal,
        }
    }

    /// What the audit trail says of an attempt that was refused so.
    pub fn outcome(&self) -> Outcome {
        match self {
            Refusal::Conflict { .. } => Outcome::Conflict,
            Refusal::Violation(_) => Outcome::Contract,
            Refusal::Array(_) | Refusal::Apply { .. } => Outcome::Failed,
            Refusal::TimedOut { .. } => Outcome::Timeout,
            Refusal::Audit { .. } => Outcome::Audit,
            Refusal::Blocked { cause, .. } => cause.outcome(),
        }
    }

    /// True where the commit stands, so that it has its record.
    pub(crate) fn is_of_a_commit_that_stands(&self) -> bool {
        matches!(self, Refusal::Audit { error: AuditFault::NotDurable { .. }, .. })
    }

    /// The path that it is about, where it is about one.
    pub fn path(&self) -> Option<String> {
        match self {
            Refusal::Violation(violation) => violation.path().map(str::to_owned),
            Refusal::Array(error) => Some(error.name().to_owned()),
            Refusal::Audit { error: AuditFault::Rule(refused), .. } => {
                let key = &refused.key;
                let field = key.split_once(":input:").or_else(|| key.split_once(":output:"));
                field.map(|(_, field)| field.to_owned())
            }
            Refusal::TimedOut { .. } | Refusal::Audit { .. } => None,
            Refusal::Blocked { cause, .. } => cause.path(),
            Refusal::Conflict { error: CommitError::Conflict { conflicts, .. }, .. } => {
                conflicts.first().map(|conflict| conflict.path.to_string())
            }
            Refusal::Conflict { error, .. } | Refusal::Apply { error, .. } => match error {
                CommitError::Apply { error, .. } => apply_path(error).map(Path::to_string),
                CommitError::Conflict { .. } | CommitError::Busy { .. } => None,
            },
        }
    }
}

fn apply_path(error: &ApplyError) -> Option<&Path> {
    match error {
        ApplyError::NotAContainer { path, .. }
        | ApplyError::NoSuchIndex { path, .. }
        | ApplyError::NotAList { path, .. }
        | ApplyError::ListItem { path } => Some(path),
        ApplyError::Root { .. } | ApplyError::TooDeep { .. } => None,
    }
}

/// What a worker said of an exception in its task.
#[derive(Clone, Debug)]
pub struct RemoteFailure {
    /// The report; its form is the host language's business.
    pub report: Value,
    /// One line for the audit trail.
    pub summary: String,
}

/// How a task on a worker ended badly.
#[derive(Debug, Error)]
pub enum TaskError {
    /// Its update was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The function raised.
    #[error("Process '{process}' failed on a worker: {}", failure.summary)]
    Failed {
        /// The process.
        process: String,
        /// What it raised.
        failure: RemoteFailure,
    },
    /// What the worker sent is not what a worker sends.
    #[error("Process '{process}': the worker's result cannot be read: {reason}")]
    Unreadable {
        /// The process.
        process: String,
        /// Why.
        reason: String,
    },
    /// The worker was lost, once too often.
    #[error("Process '{process}' lost its worker: {record}; {retries} retries were used up")]
    Crashed {
        /// The process.
        process: String,
        /// The version that the lost attempt read.
        base_version: u64,
        /// The last lost attempt.
        record: CrashRecord,
        /// How many retries there were.
        retries: u32,
    },
    /// Its time was over.
    #[error("Process '{process}' was ended after its time limit of {limit:?}")]
    TimedOut {
        /// The process.
        process: String,
        /// The limit.
        limit: Duration,
    },
    /// It ended badly, and the audit blocks the process for such failures.
    #[error("Process '{process}': {error}")]
    Blocked {
        /// The process.
        process: String,
        /// What the audit says of the failure.
        error: AuditRefusal,
        /// The failure.
        cause: Box<TaskError>,
    },
    /// It was cancelled.
    #[error("Process '{process}' was cancelled")]
    Cancelled {
        /// The process.
        process: String,
    },
    /// It could not be brought to a worker.
    #[error("Process '{process}' could not be run on a worker: {reason}")]
    Undeliverable {
        /// The process.
        process: String,
        /// Why.
        reason: String,
    },
}

impl TaskError {
    /// This error, or that the audit blocks the process for it.
    pub(crate) fn or_blocked(self, process: &str, refused: Option<AuditRefusal>) -> Self {
        match refused {
            None => self,
            Some(error) => TaskError::Blocked { process: process.to_owned(), error, cause: Box::new(self) },
        }
    }
}
