//! Why the audit stands in the way.

use theus_audit::{AuditRefusal, TrailError, Unwritten};
use thiserror::Error;

/// Why the audit refused an attempt.
#[derive(Clone, Debug, Error)]
pub enum AuditFault {
    /// A rule was broken, or too often.
    #[error(transparent)]
    Rule(#[from] AuditRefusal),
    /// An earlier refusal has stopped the engine.
    #[error("the audit has stopped the engine: {0}; lift the stop with engine.audit.reset(reason=...)")]
    Stopped(AuditRefusal),
    /// The trail cannot take the record of a commit, so nothing was committed.
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
    /// The commit stands, but its record may not outlive a loss of power.
    #[error("version {version} was committed, but its audit record is not safe on the disk: {source}")]
    NotDurable {
        /// The version that was made.
        version: u64,
        /// Why.
        source: TrailError,
    },
}
