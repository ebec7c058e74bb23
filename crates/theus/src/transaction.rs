//! [`Transaction`]: several updates of a caller that become one version, or nothing.
//!
//! What not: no lock is held while it is open, and no retry: a conflict is the caller's to settle.
//! Invariants: what it commits passes the same gates as any other update, together and not one by one; it leaves exactly one
//! audit record, also when it is dropped.

use crate::attempt::shortened;
use crate::audit::{Change, Gate};
use crate::engine::Engine;
use crate::error::Refusal;
use crate::intake::take_in;
use crate::zones::{Authority, Physics};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use theus_audit::{Entry, Outcome};
use theus_state::{CommitError, Requester, TransactionError};
use theus_value::{Path, Update, Value};

/// How a [`Transaction`] shall be.
#[derive(Clone, Debug)]
pub struct TransactionOptions {
    /// Who changes the state; stands in the audit record.
    pub process: String,
    /// The task whose body begins it, so that the task's own priority ticket does not refuse it; None: nobody's.
    pub task: Option<Requester>,
    /// In whose name; the reason of maintenance stands in the audit record too.
    pub authority: Authority,
    /// The longest time from its begin to its commit.
    pub life: Duration,
    /// The longest time between two calls of it.
    pub idle: Duration,
}

impl Default for TransactionOptions {
    /// An ordinary one named `transaction`, with five seconds of life, as many of idleness.
    fn default() -> Self {
        let limit = Duration::from_secs(5);
        let process = "transaction".into();
        TransactionOptions { process, task: None, authority: Authority::Process, life: limit, idle: limit }
    }
}

/// Several updates that become one version or nothing. Made by [`Engine::transaction`].
pub struct Transaction {
    engine: Engine,
    /// Knows the pending state and the limits; the commit is made here, so that it can be judged.
    inner: theus_state::Transaction,
    process: String,
    authority: Authority,
    task: u64,
    started: Instant,
    /// It has no audit record yet.
    open: bool,
    /// In whose name it is, where that is not its own.
    requester: Option<Arc<str>>,
    /// The hash of the update that was tried.
    update: Option<[u8; 32]>,
}

impl Transaction {
    pub(crate) fn new(engine: Engine, options: TransactionOptions) -> Self {
        let TransactionOptions { process, task, authority, life, idle } = options;
        let isolation = engine.isolation();
        let by = task.as_ref().map(|task| Arc::clone(&task.process)).filter(|by| **by != *process);
        let requester = Some(task.unwrap_or_else(|| Requester::new(process.as_str())));
        let inner = theus_state::TransactionOptions { isolation, life, idle, requester };
        Transaction {
            inner: engine.store().transaction(inner),
            task: engine.next_task(),
            engine,
            process,
            authority,
            started: Instant::now(),
            open: true,
            requester: by,
            update: None,
        }
    }

    /// Adds an update; later reads of this transaction see it.
    ///
    /// # Errors
    /// When it does not fit, which leaves the transaction as it was; when the time is over, which ends it.
    pub fn update(&mut self, update: Update) -> Result<(), Refusal> {
        let update = take_in(self.engine.arena(), &self.process, &[], update)?;
        self.inner.update(update).map_err(|error| self.refused(error))
    }

    /// The value at a path, own writes included. In the serializable mode the read counts at the commit.
    ///
    /// # Errors
    /// When the time is over.
    pub fn get(&mut self, path: &Path) -> Result<Option<Value>, Refusal> {
        self.inner.get(path).map_err(|error| self.refused(error))
    }

    /// Makes one version of all updates, be there none; gives its number.
    ///
    /// # Errors
    /// When the time is over, they break the physics together, or somebody else changed what they depend on since the
    /// transaction began; the state is as it was.
    pub fn commit(mut self) -> Result<u64, Refusal> {
        let settled = self.settle();
        if let Err(refusal) = &settled {
            self.record(refusal.outcome(), refusal.to_string());
        }
        settled
    }

    fn settle(&mut self) -> Result<u64, Refusal> {
        let commit = self.inner.take_commit().map_err(|error| self.refused(error))?;
        let change = Change::of(&commit.update);
        self.update = Some(change.digest);
        let entry = Entry { paths: change.paths, ..self.entry(Outcome::Committed) };
        let physics = Physics { process: &self.process, authority: &self.authority };
        let gate = Gate::new(self.engine.audit(), entry, self.started);
        let committed = gate.commit(self.engine.store(), self.inner.base(), commit, physics);
        if committed.as_ref().err().is_none_or(Refusal::is_of_a_commit_that_stands) {
            self.open = false;
        }
        committed
    }

    fn refused(&mut self, error: TransactionError) -> Refusal {
        let process = self.process.clone();
        match error {
            error @ TransactionError::TimedOut { .. } => {
                let refusal = Refusal::TimedOut { process, error };
                self.record(refusal.outcome(), refusal.to_string());
                refusal
            }
            TransactionError::Apply { update, error } => {
                Refusal::Apply { process, error: CommitError::Apply { update, error } }
            }
            TransactionError::Commit(error) => Refusal::of_commit(&process, error.into()),
        }
    }

    /// Ends it without a commit, for this reason.
    fn record(&mut self, outcome: Outcome, error: String) {
        if std::mem::take(&mut self.open) {
            let entry = Entry { error: Some(shortened(error)), ..self.entry(outcome) };
            self.engine.audit().trail().append(entry);
        }
    }

    fn entry(&self, outcome: Outcome) -> Entry {
        let reason = match &self.authority {
            Authority::Process => None,
            Authority::Admin { reason } => Some(reason.clone()),
        };
        Entry {
            base_version: self.inner.base().version(),
            duration: self.started.elapsed(),
            requester: self.requester.clone(),
            reason,
            update: self.update,
            ..Entry::new(self.process.as_str(), self.task, outcome)
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.engine.is_forked() {
            let error = "the transaction was dropped before it was committed".to_owned();
            self.record(Outcome::Cancelled, error);
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("process", &self.process).field("inner", &self.inner).finish()
    }
}
