//! Proofs about a trail, made and checked; and keys.

use super::records::refused;
use super::{key, notes};
use crate::errors::{Fields, make};
use crate::record::Record;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt};
use std::path::PathBuf;
use std::sync::Arc;
use theus_audit::{
    Checkpoint, CheckpointNote, Proof, ProofError, ProveError, Signer, Trust, Which, check_consistency,
    check_inclusion,
};

/// A new key pair from 32 random bytes: the private text and the public one.
#[pyfunction]
pub(crate) fn new_key(name: &str, seed: [u8; 32]) -> PyResult<(String, String)> {
    let signer = Signer::from_seed(name, &seed).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok((signer.private_text(), signer.public_key().to_string()))
}

/// The text of a proof that a trail has a frame, by the newest checkpoint in it or by a kept one.
#[pyfunction]
#[pyo3(signature = (path, number, checkpoint = None))]
pub(crate) fn prove_record(
    py: Python<'_>,
    path: PathBuf,
    number: u64,
    checkpoint: Option<&str>,
) -> PyResult<String> {
    let kept = checkpoint.map(last_note).transpose()?;
    let which = kept.as_ref().map_or(Which::Newest, Which::Kept);
    let proof = py.detach(|| theus_audit::prove_record(&path, number, which));
    proof.map(|proof| proof.to_string()).map_err(|error| unproven(py, error))
}

/// The text of a proof that a trail grew from one checkpoint to another; each is a size, the text of one, or None: the newest.
#[pyfunction]
#[pyo3(signature = (path, older, newer = None))]
pub(crate) fn prove_consistency(
    py: Python<'_>,
    path: PathBuf,
    older: &Bound<'_, PyAny>,
    newer: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let given = [Some(older), newer].map(|given| given.map(Given::of).transpose());
    let [older, newer] = given;
    let (older, newer) = (older?, newer?);
    let [older, newer] = [&older, &newer].map(|given| given.as_ref().map_or(Which::Newest, Given::which));
    let proof = py.detach(|| theus_audit::prove_consistency(&path, older, newer));
    proof.map(|proof| proof.to_string()).map_err(|error| unproven(py, error))
}

/// What a proof shows, as a dict; AuditStopError where it shows nothing, ValueError for a key or checkpoint that is none.
#[pyfunction]
#[pyo3(signature = (text, key_text = None, checkpoints = None))]
pub(crate) fn check_proof<'py>(
    py: Python<'py>,
    text: &str,
    key_text: Option<&str>,
    checkpoints: Option<&str>,
) -> PyResult<Bound<'py, PyDict>> {
    let (key, notes) = (key(key_text)?, notes(checkpoints)?);
    if checkpoints.is_some() && notes.is_empty() {
        return Err(PyValueError::new_err("there is no checkpoint in the text of the known ones"));
    }
    let disproved = |error: ProofError| make(py, "AuditStopError", &error.to_string(), &Fields::default());
    let proof = Proof::parse(text).map_err(disproved)?;
    let known = known(&proof, &notes);
    let trust = |known| Trust { key: key.as_ref(), known };
    let shown = PyDict::new(py);
    let (signed, known) = match proof {
        Proof::Inclusion { .. } => {
            // Each is held against it: one that contradicts counts, whatever the others say.
            for note in &known {
                check_inclusion(text, &trust(Some(*note))).map_err(disproved)?;
            }
            let included = check_inclusion(text, &trust(known.first().copied())).map_err(disproved)?;
            shown.set_item("number", included.number)?;
            shown.set_item("record", included.record.map(|record| Record::new(Arc::new(record))))?;
            tell(&shown, "", &included.checkpoint)?;
            (included.signed, included.known)
        }
        Proof::Consistency { .. } => {
            for note in &known {
                check_consistency(text, &trust(Some(*note))).map_err(disproved)?;
            }
            let grown = check_consistency(text, &trust(known.first().copied())).map_err(disproved)?;
            tell(&shown, "older_", &grown.older)?;
            tell(&shown, "", &grown.newer)?;
            (grown.signed, grown.known)
        }
    };
    shown.set_item("signed", signed)?;
    shown.set_item("known", known)?;
    Ok(shown)
}

fn tell(shown: &Bound<'_, PyDict>, prefix: &str, checkpoint: &Checkpoint) -> PyResult<()> {
    shown.set_item(format!("{prefix}size"), checkpoint.size)?;
    shown.set_item("origin", &checkpoint.origin)
}

/// The known checkpoints that a proof can be held to: all of its sizes, or any, which the check then refuses by name.
fn known<'a>(proof: &Proof, notes: &'a [CheckpointNote]) -> Vec<&'a Checkpoint> {
    let sizes = match proof {
        Proof::Inclusion { checkpoint, .. } => vec![checkpoint.checkpoint().size],
        Proof::Consistency { older, newer, .. } => vec![older.checkpoint().size, newer.checkpoint().size],
    };
    let mut known: Vec<_> = notes.iter().map(CheckpointNote::checkpoint).collect();
    let last = known.last().copied();
    known.retain(|checkpoint| sizes.contains(&checkpoint.size));
    if known.is_empty() { last.into_iter().collect() } else { known }
}

/// A checkpoint as Python gives it.
enum Given {
    Size(u64),
    Note(CheckpointNote),
}

impl Given {
    fn of(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        if given.is_instance_of::<PyInt>() {
            return given.extract().map(Given::Size);
        }
        let text: String = given
            .extract()
            .map_err(|_| PyTypeError::new_err("a checkpoint is given as its size or as its text"))?;
        last_note(&text).map(Given::Note)
    }

    fn which(&self) -> Which<'_> {
        match self {
            Given::Size(size) => Which::Size(*size),
            Given::Note(note) => Which::Kept(note),
        }
    }
}

/// The last checkpoint in a text, the newest of those that were kept.
fn last_note(text: &str) -> PyResult<CheckpointNote> {
    notes(Some(text))?.pop().ok_or_else(|| PyValueError::new_err("there is no checkpoint in the text"))
}

fn unproven(py: Python<'_>, error: ProveError) -> PyErr {
    match error {
        ProveError::Read(error) => refused(py, &error),
        error => PyValueError::new_err(error.to_string()),
    }
}
