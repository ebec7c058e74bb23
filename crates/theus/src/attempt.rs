//! One attempt of a process: the snapshot that it reads, and how it is settled.
//!
//! The order of settling: mapping of what was returned, contract, arrays brought into the heavy zone, commit by
//! compare-and-swap at the snapshot's version, audit record. Whatever fails before the commit leaves the state as it
//! was (S5), and every attempt leaves exactly one audit record (A1).

use crate::array::{ARRAY_CODEC, adopt};
use crate::contract::HEAVY;
use crate::engine::Engine;
use crate::error::Refusal;
use crate::process::Process;
use crate::returned::{Returned, StateUpdate, to_update};
use std::sync::Arc;
use std::time::{Duration, Instant};
use theus_audit::{ChangedPath, Entry, Outcome};
use theus_state::{Commit, CommitError, Isolation, Snapshot};
use theus_value::{Op, Path, Update, Value};

/// One attempt. The host language runs the body between [`Engine::begin`] and the settling.
#[derive(Clone, Debug)]
pub struct Attempt {
    engine: Engine,
    process: Process,
    snapshot: Snapshot,
    task: u64,
    number: u32,
    conflicts: u32,
    extra: u32,
    worker: Option<u32>,
    started: Instant,
}

/// What a settled attempt has done.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The version that it made.
    pub version: u64,
    /// What the body returned.
    pub returned: Returned,
}

impl Attempt {
    pub(crate) fn new(engine: Engine, process: Process, task: u64) -> Self {
        let snapshot = engine.snapshot();
        let started = Instant::now();
        Attempt { engine, process, snapshot, task, number: 1, conflicts: 0, extra: 0, worker: None, started }
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

    /// Begins the next attempt on a fresh snapshot.
    pub fn again(&mut self) {
        self.number += 1;
        self.restart(self.worker);
    }

    pub(crate) fn restart(&mut self, worker: Option<u32>) {
        self.snapshot = self.engine.snapshot();
        self.started = Instant::now();
        self.worker = worker;
    }

    /// Adds this many attempts to those that a conflict is granted anyway.
    pub fn allow_retries(&mut self, retries: u32) {
        self.extra = retries;
    }

    /// The body itself met a conflict, as in a compare-and-swap of its own: ends the attempt, and says after how long
    /// the next one may begin, if one is granted.
    pub fn conflicted(&mut self, error: String) -> Option<Duration> {
        self.abandon(Outcome::Conflict, error);
        self.conflicts += 1;
        self.engine.backoff(self.conflicts, self.extra)
    }

    /// Settles the attempt with what the body returned and the paths that it read.
    ///
    /// # Errors
    /// When the update was refused; the state is as it was, and the refusal says whether a retry is granted.
    pub fn settle(&mut self, returned: Returned, reads: Vec<Path>) -> Result<u64, Refusal> {
        let outcome = self.commit(returned, reads);
        match &outcome {
            Ok((version, changed)) => self.record(Outcome::Committed, Some(*version), changed.clone(), None),
            Err(refusal) => {
                let outcome = match refusal {
                    Refusal::Conflict { .. } => Outcome::Conflict,
                    Refusal::Violation(_) => Outcome::Contract,
                    Refusal::Array(_) | Refusal::Apply { .. } => Outcome::Failed,
                };
                self.record(outcome, None, Vec::new(), Some(refusal.to_string()));
            }
        }
        outcome.map(|(version, _)| version)
    }

    /// Ends the attempt without a commit, for this reason.
    pub fn abandon(&self, outcome: Outcome, error: String) {
        self.record(outcome, None, Vec::new(), Some(error));
    }

    /// Ends the attempt because its worker was lost to this signal, if it was one.
    pub(crate) fn crashed(&self, error: String, signal: Option<i32>) {
        let entry = self.entry(Outcome::Crashed, None, Vec::new(), Some(error));
        self.engine.trail().append(Entry { signal, ..entry });
    }

    fn commit(&mut self, returned: Returned, reads: Vec<Path>) -> Result<(u64, Vec<ChangedPath>), Refusal> {
        let StateUpdate { update, assert_version } =
            to_update(&self.process.name, &self.process.contract, returned)?;
        let update = bring_arrays(&self.engine, update)?;
        let changed = changed_paths(&update);
        let (base, isolation) = match assert_version {
            Some(version) => (version, Isolation::Strict),
            None => (self.snapshot.version(), self.engine.isolation()),
        };
        let commit = Commit { base, update, isolation, reads };
        match self.engine.store().commit(commit) {
            Ok(committed) => Ok((committed.version, changed)),
            Err(error @ CommitError::Conflict { .. }) => {
                self.conflicts += 1;
                let retry = match assert_version {
                    Some(_) => None,
                    None => self.engine.backoff(self.conflicts, self.extra),
                };
                Err(Refusal::Conflict { process: self.process.name.to_string(), error, retry })
            }
            Err(error) => Err(Refusal::Apply { process: self.process.name.to_string(), error }),
        }
    }

    fn record(&self, outcome: Outcome, version: Option<u64>, paths: Vec<ChangedPath>, error: Option<String>) {
        self.engine.trail().append(self.entry(outcome, version, paths, error));
    }

    fn entry(
        &self,
        outcome: Outcome,
        version: Option<u64>,
        paths: Vec<ChangedPath>,
        error: Option<String>,
    ) -> Entry {
        Entry {
            process: Arc::clone(&self.process.name),
            task: self.task,
            attempt: self.number,
            base_version: self.snapshot.version(),
            version,
            outcome,
            paths,
            error,
            signal: None,
            worker: self.worker,
            duration: self.started.elapsed(),
        }
    }
}

/// Replaces arrays that travelled as bytes to a heavy path by blocks.
pub(crate) fn bring_arrays(engine: &Engine, update: Update) -> Result<Update, Refusal> {
    if !update.ops().iter().any(needs_a_block) {
        return Ok(update);
    }
    let mut brought = Update::new();
    for op in update.ops() {
        match op {
            Op::Set { path, value: Value::Object(object) }
                if is_heavy(path) && &*object.codec == ARRAY_CODEC =>
            {
                let heavy = adopt(engine.arena(), &path.to_string(), object)?;
                brought.set(path.clone(), Value::Heavy(Arc::new(heavy)));
            }
            other => {
                brought.push(other.clone());
            }
        }
    }
    Ok(brought)
}

fn needs_a_block(op: &Op) -> bool {
    matches!(op, Op::Set { path, value: Value::Object(object) } if is_heavy(path) && &*object.codec == ARRAY_CODEC)
}

/// True for a path of the heavy zone: under the root `heavy`, or with a `heavy_` name in it.
pub(crate) fn is_heavy(path: &Path) -> bool {
    let segments = path.segments();
    segments.first().is_some_and(|root| &**root == HEAVY)
        || segments.iter().any(|segment| segment.starts_with("heavy_"))
}

/// The changed paths of an update, each with the hash of its new value.
pub(crate) fn changed_paths(update: &Update) -> Vec<ChangedPath> {
    let mut buffer = Vec::new();
    let mut changed = Vec::with_capacity(update.ops().len());
    for op in update.ops() {
        buffer.clear();
        let path = match op {
            Op::Set { path, value } => {
                theus_value::encode_into(value, &mut buffer);
                path
            }
            Op::Merge { path, value } => {
                theus_value::encode_into(&Value::Map(value.clone()), &mut buffer);
                path
            }
            Op::Append { path, values } => {
                theus_value::encode_into(&Value::Tuple(values.clone().into()), &mut buffer);
                path
            }
            Op::Delete { path } => path,
        };
        changed.push(ChangedPath { path: path.to_string(), hash: hash(&buffer) });
    }
    changed
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).into()
}
