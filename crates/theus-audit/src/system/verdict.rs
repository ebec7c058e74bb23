//! What a failure leads to.
//!
//! What not: counting. Invariant: a verdict depends on its arguments alone.

use crate::{AuditRecipe, Level};

/// What a failure leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// A warning with this text; the call goes on.
    Warn(String),
    /// The call is refused.
    Refuse(AuditRefusal),
}

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AuditRefusal {
    /// Stop, Abort or Block.
    pub level: Level,
    /// What failed.
    pub key: String,
    /// How often it has failed, this failure included.
    pub count: u64,
    /// How many failures would have passed, had the level been Block.
    pub threshold: u64,
    /// The refusal in words, with those of the rule if a rule refused.
    pub message: String,
}

/// What the failure number `count` of `key` leads to.
pub(super) fn verdict(
    recipe: &AuditRecipe,
    key: &str,
    level: Level,
    count: u64,
    threshold: u64,
    violation: Option<&str>,
) -> Verdict {
    let refused = |what: String| {
        let message = violation.map_or_else(|| what.clone(), |words| format!("{what}: {words}"));
        Verdict::Refuse(AuditRefusal { level, key: key.to_owned(), count, threshold, message })
    };
    match level {
        Level::Stop => refused(format!("Audit Stopped: {key} failed")),
        Level::Abort => refused(format!("Audit Aborted: {key} failed")),
        Level::Block if count > threshold => {
            refused(format!("Audit Blocked: {key} exceeded threshold {threshold} with failure {count}"))
        }
        Level::Block | Level::Count if (1..=count).contains(&recipe.threshold_min) && count <= threshold => {
            let words = violation.map(|words| format!(": {words}")).unwrap_or_default();
            Verdict::Warn(format!(
                "Audit Warning: {key} failed (count {count}, threshold {threshold}){words}"
            ))
        }
        Level::Block | Level::Count | Level::Ignore => Verdict::Pass,
    }
}
