//! What shows that a trail is as it was written: its check, proofs about it, its records, and keys.
//!
//! What not: the trail of an engine (`engine_audit`), and what a check looks at (`theus-audit`).

mod proofs;
mod records;
mod report;

pub(crate) use proofs::{check_proof, new_key, prove_consistency, prove_record};
pub(crate) use records::{TrailRecords, trail_records};
pub(crate) use report::{AuditReport, verify_trail};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use std::io;
use std::path::Path;
use theus_audit::{CheckpointNote, PublicKey};

/// The public key of this text, if there is one.
fn key(text: Option<&str>) -> PyResult<Option<PublicKey>> {
    let key = text.map(PublicKey::parse).transpose();
    key.map_err(|error| PyValueError::new_err(format!("key: {error}")))
}

/// The checkpoints in this text, if there is one.
fn notes(text: Option<&str>) -> PyResult<Vec<CheckpointNote>> {
    let notes = CheckpointNote::parse_all(text.unwrap_or_default());
    notes.map_err(|(number, error)| PyValueError::new_err(format!("checkpoint {number}: {error}")))
}

fn unreadable(path: &Path, error: &io::Error) -> PyErr {
    PyOSError::new_err((error.raw_os_error(), error.to_string(), path.to_string_lossy().into_owned()))
}
