//! A caller's own commit: compare-and-swap at a version that it has read.
//!
//! What not: no retry (see [`Engine::report_conflict`]), and no contract: a caller is no process.
//! Invariant: it passes the same gates as any other update, and leaves exactly one audit record.

use crate::attempt::shortened;
use crate::audit::{Change, Gate};
use crate::engine::Engine;
use crate::error::Refusal;
use crate::intake::take_in;
use crate::zones::{Authority, Physics};
use std::sync::Arc;
use std::time::Instant;
use theus_audit::{Entry, Outcome};
use theus_state::{Commit, Requester};
use theus_value::Update;

/// The name under which a caller's own compare-and-swap stands in the audit trail.
pub const CALLER: &str = "compare_and_swap";

impl Engine {
    /// Commits an update of the caller at a version that it has read.
    ///
    /// # Errors
    /// When it conflicts or does not fit; the state is as it was.
    ///
    /// ```
    /// use theus::{Engine, Path, Update, Value};
    /// let engine = Engine::builder().build();
    /// let mut update = Update::new();
    /// update.set(Path::parse("counter").unwrap(), Value::Int(1));
    /// let version = engine.compare_and_swap(0, update).unwrap();
    /// assert_eq!(version, 1);
    /// ```
    pub fn compare_and_swap(&self, expected: u64, update: Update) -> Result<u64, Refusal> {
        self.compare_and_swap_as(None, expected, update)
    }

    /// As [`compare_and_swap`](Self::compare_and_swap), under a name that may hold the priority ticket; see
    /// [`report_conflict`](Self::report_conflict).
    ///
    /// # Errors
    /// As there.
    pub fn compare_and_swap_as(
        &self,
        requester: Option<Requester>,
        expected: u64,
        update: Update,
    ) -> Result<u64, Refusal> {
        let started = Instant::now();
        let by = requester.as_ref().map(|requester| Arc::clone(&requester.process));
        let mut entry = Entry {
            base_version: expected,
            requester: by,
            ..Entry::new(CALLER, self.next_task(), Outcome::Committed)
        };
        let swapped = self.swap(requester, expected, update, &mut entry, started);
        if let Err(refusal) = &swapped
            && !refusal.is_of_a_commit_that_stands()
        {
            self.audit().trail().append(Entry {
                outcome: refusal.outcome(),
                error: Some(shortened(refusal.to_string())),
                duration: started.elapsed(),
                ..entry
            });
        }
        swapped
    }

    fn swap(
        &self,
        requester: Option<Requester>,
        expected: u64,
        update: Update,
        entry: &mut Entry,
        started: Instant,
    ) -> Result<u64, Refusal> {
        let update = take_in(self.arena(), CALLER, &[], update)?;
        let change = Change::of(&update);
        entry.update = Some(change.digest);
        let commit =
            Commit { base: expected, update, isolation: self.isolation(), reads: Vec::new(), requester };
        // What a body commits by itself must pass what the body's own commit would have to.
        let body = commit.requester.as_ref().filter(|by| by.task.is_some()).map(|by| Arc::clone(&by.process));
        let physics = Physics { process: CALLER, authority: &Authority::Process };
        let committed = Entry { paths: change.paths, ..entry.clone() };
        let gate = Gate::new(self.audit(), committed, started).within(body);
        gate.commit(self.store(), &self.snapshot(), commit, physics)
    }
}
