//! One attempt of a process: the snapshot that it reads, and how it is settled.
//!
//! The order of settling: mapping of what was returned, contract, arrays brought into the heavy zone, physics, commit by
//! compare-and-swap at the snapshot's version with output rules and audit record as its last gate. Whatever fails before
//! the commit leaves the state as it was (S5), and every attempt leaves exactly one audit record (A1), one that is dropped
//! unsettled too.

use crate::audit::{Change, Failure, Gate, is_failure};
use crate::contention::Contention;
use crate::engine::Engine;
use crate::error::Refusal;
use crate::intake::take_in;
use crate::process::Process;
use crate::returned::{Returned, StateUpdate, Violation, check_on, to_update};
use crate::zones::{self, Authority, Physics};
use std::sync::Arc;
use std::time::{Duration, Instant};
use theus_audit::{AuditRefusal, Entry, Outcome};
use theus_shm::Block;
use theus_state::{
    Commit, CommitError, CommitRefused, Committed, Isolation, Limit, Pending, Requester, Snapshot, Store,
    TransactionError,
};
use theus_value::{Path, Update};

/// Most bytes of an error's text in the audit trail, which keeps many records for long.
const ERROR_TEXT: usize = 16 << 10;

/// One attempt. The host language runs the body between [`Engine::begin`] and the settling.
///
/// An attempt that is dropped before it was settled or abandoned counts as cancelled.
#[derive(Debug)]
pub struct Attempt {
    engine: Engine,
    process: Process,
    snapshot: Snapshot,
    isolation: Isolation,
    task: u64,
    number: u32,
    contention: Contention,
    worker: Option<u32>,
    started: Instant,
    /// It has begun and has no audit record yet.
    open: bool,
    /// The memory of attached arrays in what is settled.
    attached: Arc<[Arc<Block>]>,
    /// The hash of the arguments.
    inputs: Option<[u8; 32]>,
    /// The hash of the update that was tried.
    update: Option<[u8; 32]>,
    /// What the audit warned of.
    warnings: Vec<String>,
}

/// What a settled attempt has done.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The version that it made.
    pub version: u64,
    /// What the body returned.
    pub returned: Returned,
    /// The memory of attached arrays in it, by position.
    pub attached: Arc<[Arc<Block>]>,
}

impl Attempt {
    /// The first attempt of a task that waits for a worker: it has not begun.
    pub(crate) fn waiting(engine: Engine, process: Process, task: u64) -> Self {
        Attempt {
            contention: Contention::new(&process.name, task, engine.write_limit()),
            snapshot: engine.snapshot(),
            isolation: engine.isolation(),
            engine,
            process,
            task,
            number: 1,
            worker: None,
            started: Instant::now(),
            open: false,
            attached: Arc::new([]),
            inputs: None,
            update: None,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn begun(engine: Engine, process: Process, task: u64) -> Self {
        let mut attempt = Attempt::waiting(engine, process, task);
        attempt.open = true;
        attempt
    }

    /// The engine that it commits to.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What the attempt reads.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The task's id, unique in its engine.
    pub fn task(&self) -> u64 {
        self.task
    }

    /// Which attempt of the task, from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Which changes beside the attempt refuse it, as set when it began.
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// Begins the next attempt on a fresh snapshot. One that is still running counts as cancelled.
    pub fn again(&mut self) {
        self.close();
        self.begin_as(self.number.saturating_add(1), self.worker);
    }

    /// Begins this attempt of the task on a fresh snapshot.
    pub(crate) fn begin_as(&mut self, number: u32, worker: Option<u32>) {
        self.contention.begin(self.engine.store());
        self.snapshot = self.engine.snapshot();
        self.isolation = self.engine.isolation();
        self.started = Instant::now();
        self.number = number;
        self.worker = worker;
        self.update = None;
        self.open = true;
    }

    /// The pool ends this attempt of the task, which may never have begun on a worker.
    pub(crate) fn end_as(&mut self, number: u32, worker: Option<u32>) {
        if !self.open || self.number != number {
            self.number = number;
            self.worker = worker;
            self.open = true;
        }
    }

    /// The memory that came with the worker's result, which is to be settled next.
    pub(crate) fn attach(&mut self, blocks: Arc<[Arc<Block>]>) {
        self.attached = blocks;
    }

    /// Sets the hash of the arguments, which the records of all attempts show.
    pub fn set_inputs(&mut self, inputs: Option<[u8; 32]>) {
        self.inputs = inputs;
    }

    /// The hash of the arguments.
    pub fn inputs(&self) -> Option<[u8; 32]> {
        self.inputs
    }

    /// What the audit has warned of since this was last asked.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Adds this many attempts to those that a conflict is granted anyway.
    pub fn allow_retries(&mut self, retries: u32) {
        self.contention.allow(retries);
    }

    /// The body itself met a conflict, as in a compare-and-swap of its own: ends the attempt, and says after how long
    /// the next one may begin, if one is granted.
    pub fn conflicted(&mut self, error: String) -> Option<Duration> {
        self.abandon(Outcome::Conflict, error);
        self.contention.conflict(self.engine.backoff(), self.started.elapsed())
    }

    /// Who commits: the process and this task of it. What its body commits by itself goes under the same name, so that
    /// the task's own ticket does not refuse it.
    pub fn requester(&self) -> Requester {
        self.contention.requester()
    }

    /// Asked when the wait before another attempt is over: after how long to ask again, while somebody else's priority
    /// ticket would refuse its commit. Waiting is no attempt, and ends with the engine's write limit.
    pub fn ready(&mut self) -> Option<Duration> {
        self.contention.ready(self.engine.store())
    }

    /// Settles the attempt with what the body returned and the paths that it read; gives the version that it made.
    ///
    /// # Errors
    /// When the update was refused, or the attempt has ended before; the state is as it was, and the refusal says
    /// whether a retry is granted.
    ///
    /// ```
    /// use theus::{Contract, Declared, Engine, Process, Returned, Value};
    /// let engine = Engine::builder().build();
    /// let outputs = Some(vec![Declared::parse("domain.count")?]);
    /// let process = Process::new("count", Contract { outputs, ..Contract::default() });
    ///
    /// let mut attempt = engine.begin(&process)?;
    /// let version = attempt.settle(Returned::Value(Value::Int(1)), Vec::new())?;
    /// assert_eq!(version, 1);
    /// assert_eq!(engine.trail().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn settle(&mut self, returned: Returned, reads: Vec<Path>) -> Result<u64, Refusal> {
        if !self.open {
            return Err(Refusal::Violation(Violation::Ended { process: self.name(), attempt: self.number }));
        }
        let refusal = match self.commit(returned, reads) {
            Ok(version) => return Ok(version),
            Err(refusal) => refusal,
        };
        // A commit that stands has its record.
        let refused = self.end(refusal.outcome(), refusal.to_string(), Failure::Call);
        Err(refusal.or_blocked(&self.process.name, refused))
    }

    /// Ends the attempt without a commit, for this reason. One that has ended stays as it is. Gives what the audit says of
    /// it, where that blocks the process: the caller raises that instead, with the reason as its cause.
    pub fn abandon(&mut self, outcome: Outcome, error: String) -> Option<AuditRefusal> {
        self.end(outcome, error, Failure::Call)
    }

    /// As [`abandon`](Self::abandon), for what went wrong on its worker.
    pub(crate) fn failed_on_worker(&mut self, outcome: Outcome, error: String) -> Option<AuditRefusal> {
        self.end(outcome, error, Failure::CallOnWorker)
    }

    /// Ends the attempt because its worker was lost to this signal, if it was one; the task may be run again.
    pub(crate) fn crashed(
        &mut self,
        error: String,
        signal: Option<i32>,
        again: bool,
    ) -> Option<AuditRefusal> {
        let entry = Entry { signal, ..self.entry(Outcome::Crashed, Some(error)) };
        self.finish(entry, if again { Failure::Attempt } else { Failure::CallOnWorker })
    }

    fn end(&mut self, outcome: Outcome, error: String, failure: Failure) -> Option<AuditRefusal> {
        let entry = self.entry(outcome, Some(error));
        self.finish(entry, failure)
    }

    fn finish(&mut self, entry: Entry, failure: Failure) -> Option<AuditRefusal> {
        if entry.outcome != Outcome::Conflict {
            self.contention.end();
        }
        if !std::mem::take(&mut self.open) {
            return None;
        }
        let audit = self.engine.audit();
        let judgement = if is_failure(entry.outcome) {
            audit.failed(&self.process.name, failure, entry.error.as_deref().unwrap_or_default())
        } else {
            theus_audit::Judgement::default()
        };
        audit.trail().append(entry);
        self.warnings.extend(judgement.warnings);
        judgement.refused
    }

    fn name(&self) -> String {
        self.process.name.to_string()
    }

    fn commit(&mut self, returned: Returned, reads: Vec<Path>) -> Result<u64, Refusal> {
        let StateUpdate { update, assert_version } =
            to_update(&self.process.name, &self.process.contract, returned)?;
        check_on(&self.process.name, &self.process.contract, &update, self.snapshot.root())?;
        let update = self.in_time(update)?;
        let update = take_in(self.engine.arena(), &self.process.name, &self.attached, update)?;
        let change = Change::of(&update);
        self.update = Some(change.digest);
        let entry = Entry { paths: change.paths, ..self.entry(Outcome::Committed, None) };
        let requester = Some(self.contention.requester());
        let commit =
            Commit { base: self.snapshot.version(), update, isolation: self.isolation, reads, requester };
        let physics = Physics { process: &self.process.name, authority: &Authority::Process };
        // A clone, so that the gate does not borrow the attempt.
        let engine = self.engine.clone();
        let (store, snapshot) = (engine.store(), &self.snapshot);
        let mut gate = Gate::new(engine.audit(), entry, self.started);
        let pass = |pending: Pending<'_>| gate.pass(pending);
        let committed = match assert_version {
            None => zones::commit(store, snapshot, commit, physics, pass),
            Some(version) => commit_asserted(store, snapshot, version, commit, physics, pass),
        };
        let published = committed.as_ref().ok().map(|committed| {
            self.contention.end();
            self.open = false;
            gate.published(committed.version, self.worker.is_some())
        });
        self.warnings.extend(gate.into_warnings());
        match committed {
            Ok(committed) => published.unwrap_or(Ok(())).map(|()| committed.version),
            Err(CommitRefused::Check { error, .. }) => Err(*error),
            Err(CommitRefused::Commit(error @ (CommitError::Conflict { .. } | CommitError::Busy { .. }))) => {
                let retry = if assert_version.is_some() { None } else { self.retry(&error) };
                if retry.is_none() {
                    self.contention.end();
                }
                Err(Refusal::Conflict { process: self.name(), error, retry })
            }
            Err(CommitRefused::Commit(error)) => Err(Refusal::Apply { process: self.name(), error }),
        }
    }

    /// The update, unless the attempt has outlived the engine's write limit; a longer time limit of its process beats that.
    fn in_time(&self, update: Update) -> Result<Update, Refusal> {
        let own = self.process.contract.timeout.unwrap_or_default();
        let (allowed, passed) = (self.engine.write_limit().max(own), self.started.elapsed());
        if passed <= allowed {
            return Ok(update);
        }
        let error = TransactionError::TimedOut { update, limit: Limit::Life, allowed, passed };
        Err(Refusal::TimedOut { process: self.name(), error })
    }

    /// After how long the next attempt may begin, if one is granted.
    fn retry(&mut self, error: &CommitError) -> Option<Duration> {
        let (engine, took) = (&self.engine, self.started.elapsed());
        match error {
            CommitError::Busy { .. } => self.contention.busy(took),
            _ => self.contention.conflict(engine.backoff(), took),
        }
    }

    fn close(&mut self) {
        if self.open && !self.engine.is_forked() {
            self.abandon(Outcome::Cancelled, "the attempt was dropped before it was settled".into());
        }
    }

    fn entry(&self, outcome: Outcome, error: Option<String>) -> Entry {
        Entry {
            attempt: self.number,
            base_version: self.snapshot.version(),
            error: error.map(shortened),
            worker: self.worker,
            duration: self.started.elapsed(),
            inputs: self.inputs,
            update: self.update,
            ..Entry::new(Arc::clone(&self.process.name), self.task, outcome)
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.close();
    }
}

/// Commits if this version is the current one, and what the attempt depends on is as it has read it.
fn commit_asserted(
    store: &Store,
    snapshot: &Snapshot,
    version: u64,
    commit: Commit,
    physics: Physics<'_>,
    gate: impl FnMut(Pending<'_>) -> Result<(), Refusal>,
) -> Result<Committed, CommitRefused<Box<Refusal>>> {
    let strictly = |commit: Commit| Commit { base: version, isolation: Isolation::Strict, ..commit };
    if version == commit.base {
        return zones::commit(store, snapshot, strictly(commit), physics, gate);
    }
    // The assertion may name a version that the attempt has not read: neither check implies the other then. The
    // commit below goes through only if the version is still the one that both were made on.
    let now = store.snapshot();
    now.advance(strictly(commit.clone()))?;
    now.advance(commit.clone())?;
    zones::commit(store, &now, strictly(commit), physics, gate)
}

/// An error's text as the trail keeps it.
pub(crate) fn shortened(mut text: String) -> String {
    if text.len() > ERROR_TEXT {
        text.truncate(text.floor_char_boundary(ERROR_TEXT));
        text.push_str(" [cut]");
    }
    text
}
