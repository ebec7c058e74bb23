//! What a call passes first: the input rules of its process; and how a stop is lifted.

use crate::attempt::shortened;
use crate::engine::Engine;
use crate::error::Refusal;
use crate::process::Process;
use std::sync::Arc;
use theus_audit::{Entry, Outcome, Subject};

impl Engine {
    /// Holds the arguments of a call to the input rules of its process, before the body runs; `look` finds an argument by its
    /// name. Gives what the audit warns of.
    ///
    /// # Errors
    /// When a rule blocks the call, which leaves a record with this hash of the arguments.
    pub fn admit<'a>(
        &self,
        process: &Process,
        inputs: Option<[u8; 32]>,
        look: impl FnMut(&str) -> Subject<'a>,
    ) -> Result<Vec<String>, Refusal> {
        let audit = self.audit();
        let judgement = audit.judge_inputs(&process.name, look);
        let Some(refused) = judgement.refused else { return Ok(judgement.warnings) };
        let refusal = Refusal::Audit { process: process.name.to_string(), error: refused.into() };
        audit.trail().append(Entry {
            base_version: self.store().version(),
            error: Some(shortened(refusal.to_string())),
            inputs,
            ..Entry::new(Arc::clone(&process.name), self.next_task(), Outcome::Audit)
        });
        Err(refusal)
    }

    /// Lifts a stop of the audit and sets its counters to zero. The reason stands in the trail.
    pub fn reset_audit(&self, reason: &str) {
        self.audit().reset(self.next_task(), reason);
    }
}
