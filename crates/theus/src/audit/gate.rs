//! [`Gate`]: what a commit passes last, under the store's writer lock: a stop, the output rules, the trail.

use super::{Audit, AuditFault};
use crate::error::Refusal;
use crate::zones::{self, Physics};
use std::sync::Arc;
use std::time::Instant;
use theus_audit::{Entry, Record};
use theus_state::{Commit, Pending, Snapshot, Store};

/// The last gate of one commit.
pub(crate) struct Gate<'a> {
    audit: &'a Audit,
    process: Arc<str>,
    /// Whose output rules hold.
    rules_of: Arc<str>,
    started: Instant,
    /// The record of the commit, but for what is known only now.
    entry: Option<Entry>,
    record: Option<Arc<Record>>,
    warnings: Vec<String>,
}

impl<'a> Gate<'a> {
    /// The gate of a commit whose record will be `entry`, with its version and how long it took since `started`.
    pub(crate) fn new(audit: &'a Audit, entry: Entry, started: Instant) -> Self {
        let process = Arc::clone(&entry.process);
        let rules_of = Arc::clone(&process);
        Gate { audit, process, rules_of, started, entry: Some(entry), record: None, warnings: Vec::new() }
    }

    /// Holds the commit to the output rules of the process whose body makes it, under another name.
    pub(crate) fn within(mut self, body: Option<Arc<str>>) -> Self {
        self.rules_of = body.unwrap_or(self.rules_of);
        self
    }

    /// Commits through all gates, this one the last, what no worker did and nobody runs again; gives the version.
    pub(crate) fn commit(
        mut self,
        store: &Store,
        snapshot: &Snapshot,
        commit: Commit,
        physics: Physics<'_>,
    ) -> Result<u64, Refusal> {
        match zones::commit(store, snapshot, commit, physics, |pending| self.pass(pending)) {
            Ok(committed) => self.published(committed.version, false).map(|()| committed.version),
            Err(refused) => Err(Refusal::of_commit(physics.process, refused)),
        }
    }

    /// Lets through what is about to be published, or not. Called once.
    pub(crate) fn pass(&mut self, pending: Pending<'_>) -> Result<(), Refusal> {
        self.through(pending).map_err(|error| Refusal::Audit { process: self.process.to_string(), error })
    }

    fn through(&mut self, pending: Pending<'_>) -> Result<(), AuditFault> {
        self.audit.check_stopped()?;
        let judgement = self.audit.judge_outputs(&self.rules_of, pending.root);
        self.warnings.extend(judgement.warnings);
        if let Some(refusal) = judgement.refused {
            return Err(refusal.into());
        }
        if let Some(entry) = self.entry.take() {
            let duration = self.started.elapsed();
            let entry = Entry { version: Some(pending.version), duration, ..entry };
            self.record = Some(self.audit.trail.try_append(entry)?);
        }
        Ok(())
    }

    /// The commit is published: waits until its record is as safe as was asked for, and tells of it.
    pub(crate) fn published(&self, version: u64, on_worker: bool) -> Result<(), Refusal> {
        self.audit.succeeded(&self.process, on_worker);
        let Some(record) = &self.record else { return Ok(()) };
        record.announce();
        self.audit.trail.wait_durable(record.number).map_err(|source| Refusal::Audit {
            process: self.process.to_string(),
            error: AuditFault::NotDurable { version, source },
        })
    }

    /// What the rules warned of.
    pub(crate) fn into_warnings(self) -> Vec<String> {
        self.warnings
    }
}
