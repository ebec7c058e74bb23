//! The audit of an engine: the trail of its attempts, the rules that they are held to, and the counters of failures.
//!
//! What not: how rules, counters and the trail work (`theus-audit`); when a body runs (the host language).
//!
//! Where it stands in the way of an attempt: [`Engine::admit`](crate::Engine::admit) holds the arguments to the input rules,
//! once per call; [`Gate`] holds the pending state to the output rules and writes the record of the commit, under the
//! store's writer lock, just before the version is published; [`Audit::failed`] counts what went wrong.
//!
//! Invariants: a version is published only after its record was written, or taken by a trail that lets commits pass; records
//! of commits stand in the order of versions.

mod admit;
mod change;
mod fault;
mod gate;

pub(crate) use change::Change;
pub use change::digest_of_inputs;
pub use fault::AuditFault;
pub(crate) use gate::Gate;

use crate::contract::parse_path;
use std::collections::HashMap;
use std::sync::Arc;
use theus_audit::{
    AuditRecipe, AuditSystem, Book, Entry, Filter, Judgement, Outcome, Rule, Subject, Trail, Verdict,
};
use theus_value::{Map, Path, PathError};
use thiserror::Error;

/// The process under which a lifted stop stands in the trail.
const RESET: &str = "audit.reset";
/// The process of a refused completion that no record tells of.
const UNKNOWN: &str = "(unknown)";

/// The audit of one engine.
#[derive(Debug)]
pub struct Audit {
    trail: Trail,
    system: Option<Arc<AuditSystem>>,
    rules: HashMap<String, Rules>,
}

/// The rules of one process.
#[derive(Debug)]
struct Rules {
    inputs: Vec<Rule>,
    outputs: Vec<Rule>,
    /// Where each output rule looks.
    places: Vec<Path>,
}

/// A rule looks at what is no path.
#[derive(Debug, Error)]
#[error("the output rule {key} looks at no path: {source}")]
pub struct BrokenRule {
    /// The rule's key.
    pub key: String,
    /// Why.
    pub source: PathError,
}

/// What an audit is made from. The default keeps 10,000 records in memory and has no rules.
#[derive(Debug, Default)]
pub(crate) struct AuditParts {
    pub(crate) trail: Trail,
    pub(crate) system: Option<Arc<AuditSystem>>,
    recipe: Option<AuditRecipe>,
    rules: HashMap<String, Rules>,
}

impl AuditParts {
    pub(crate) fn set_book(&mut self, book: Book) -> Result<(), BrokenRule> {
        let rules = book.processes.into_iter().map(|(process, rules)| {
            let place = |rule: &Rule| {
                parse_path(rule.field()).map_err(|source| BrokenRule { key: rule.key().to_owned(), source })
            };
            let places = rules.outputs.iter().map(place).collect::<Result<_, _>>()?;
            Ok((process, Rules { inputs: rules.inputs, outputs: rules.outputs, places }))
        });
        self.rules = rules.collect::<Result<_, _>>()?;
        self.recipe = Some(book.recipe);
        Ok(())
    }
}

/// Which failure is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Of the call, in this process.
    Call,
    /// Of the call, on a worker.
    CallOnWorker,
    /// Of an attempt on a worker that is made again.
    Attempt,
}

impl Audit {
    pub(crate) fn new(parts: AuditParts) -> Self {
        let AuditParts { trail, system, recipe, rules } = parts;
        let system = system.or_else(|| {
            recipe.map(|recipe| Arc::new(AuditSystem::new(recipe, AuditSystem::DEFAULT_CAPACITY)))
        });
        Audit { trail, system, rules }
    }

    /// The trail.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// The counters and their recipe; None without a recipe.
    pub fn system(&self) -> Option<&Arc<AuditSystem>> {
        self.system.as_ref()
    }

    /// Asks whether work may begin: nothing has stopped the engine, and the trail can take its record.
    pub(crate) fn check_open(&self) -> Result<(), AuditFault> {
        self.check_stopped()?;
        Ok(self.trail.check_writable()?)
    }

    fn check_stopped(&self) -> Result<(), AuditFault> {
        match self.system.as_ref().and_then(|system| system.stopped()) {
            Some(refusal) => Err(AuditFault::Stopped(refusal)),
            None => Ok(()),
        }
    }

    /// Holds arguments to the input rules of a process.
    pub(crate) fn judge_inputs<'a>(
        &self,
        process: &str,
        mut look: impl FnMut(&str) -> Subject<'a>,
    ) -> Judgement {
        match (&self.system, self.rules.get(process)) {
            (Some(system), Some(rules)) if !rules.inputs.is_empty() => {
                system.judge(&rules.inputs, |rule| look(rule.field()))
            }
            _ => Judgement::default(),
        }
    }

    /// The names of the arguments that a process's rules look at.
    pub fn input_fields(&self, process: &str) -> impl Iterator<Item = &str> {
        self.rules.get(process).into_iter().flat_map(|rules| &rules.inputs).map(Rule::field)
    }

    /// Holds a pending state to the output rules of a process.
    fn judge_outputs(&self, process: &str, root: &Map) -> Judgement {
        match (&self.system, self.rules.get(process)) {
            (Some(system), Some(rules)) if !rules.outputs.is_empty() => {
                // The system asks in the order of the rules, but not for those that it ignores.
                let mut places = rules.outputs.iter().zip(&rules.places);
                system.judge(&rules.outputs, |rule| {
                    let place = places.find(|(known, _)| std::ptr::eq(*known, rule));
                    let value = place.and_then(|(_, place)| root.get_path(place));
                    value.map_or(Subject::Absent, Subject::of_value)
                })
            }
            _ => Judgement::default(),
        }
    }

    /// Counts a failure of a process: on a worker under the worker's key, and under the plain name when the call ends by it.
    /// Gives the warnings, and what blocks.
    pub(crate) fn failed(&self, process: &str, failure: Failure, error: &str) -> Judgement {
        let mut judgement = Judgement::default();
        let Some(system) = &self.system else { return judgement };
        let worker = (failure != Failure::Call).then(|| worker_key(process));
        let call = (failure != Failure::Attempt).then(|| process.to_owned());
        for key in [worker, call].into_iter().flatten() {
            system.log(&key, error);
            match system.log_fail(&key, None, None) {
                Verdict::Pass => {}
                Verdict::Warn(text) => judgement.warnings.push(text),
                Verdict::Refuse(refusal) => {
                    judgement.refused.get_or_insert(refusal);
                }
            }
        }
        judgement
    }

    /// Forgets the failures of a process that has succeeded.
    fn succeeded(&self, process: &str, on_worker: bool) {
        let Some(system) = &self.system else { return };
        system.log_success(process);
        if on_worker {
            system.log_success(&worker_key(process));
        }
    }

    /// Records a completion that was refused: that attempt was not what the worker ran.
    pub(crate) fn refused(&self, task: u64, attempt: u32, worker: u32) {
        // The worker says which task; of what process that was, the newest record of it knows.
        let known = self.trail.records(Filter::default());
        let known =
            known.iter().rev().find(|record| record.task == task && record.outcome != Outcome::Refused);
        let process = known.map_or_else(|| UNKNOWN.into(), |record| Arc::clone(&record.process));
        let error =
            format!("worker {worker} completed attempt {attempt} of task {task}, which it was not running");
        let entry = Entry::new(process, task, Outcome::Refused).attempt(attempt).worker(worker).error(error);
        self.trail.append(entry);
    }

    /// Lifts a stop and sets all counters to zero, which leaves a record with this reason.
    pub(crate) fn reset(&self, task: u64, reason: &str) {
        if let Some(system) = &self.system {
            system.reset();
        }
        self.trail.append(Entry::new(RESET, task, Outcome::Reset).reason(reason));
    }
}

fn worker_key(process: &str) -> String {
    format!("{process}:worker")
}

/// Whether an outcome is a failure of the process, which is counted.
pub(crate) fn is_failure(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Contract | Outcome::Schema | Outcome::Failed | Outcome::Crashed | Outcome::Timeout
    )
}
