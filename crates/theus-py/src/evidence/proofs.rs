//! Proofs about a trail, made and checked; and keys.

use super::records::refused;
use super::{key, notes};
use crate::record::Record;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;
use std::sync::Arc;
use theus_audit::{
    Checkpoint, CheckpointNote, Proof, ProveError, Signer, Trust, Which, check_consistency, check_inclusion,
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

/// What a proof shows, as a dict; ValueError where it shows nothing.
#[pyfunction]
#[pyo3(signature = (text, key_text = None, checkpoints = None))]
pub(crate) fn check_proof<'py>(
    py: Python<'py>,
    text: &str,
    key_text: Option<&str>,
    checkpoints: Option<&str>,
) -> PyResult<Bound<'py, PyDict>> {
    let (key, notes) = (key(key_text)?, notes(checkpoints)?);
    let proof = Proof::parse(text).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let known = known(&proof, &notes);
    if checkpoints.is_some() && known.is_none() {
        return Err(PyValueError::new_err("there is no checkpoint in the text of the known ones"));
    }
    let trust = Trust { key: key.as_ref(), known };
    let shown = PyDict::new(py);
    let (signed, known) = match proof {
        Proof::Inclusion { .. } => {
            let included =
                check_inclusion(text, &trust).map_err(|error| PyValueError::new_err(error.to_string()))?;
            shown.set_item("number", included.number)?;
            shown.set_item("record", included.record.map(|record| Record::new(Arc::new(record))))?;
            tell(&shown, "", &included.checkpoint)?;
            (included.signed, included.known)
        }
        Proof::Consistency { .. } => {
            let grown =
                check_consistency(text, &trust).map_err(|error| PyValueError::new_err(error.to_string()))?;
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

/// The known checkpoint that a proof can be held to: one of its size, or any, which the check then refuses by name.
fn known<'a>(proof: &Proof, notes: &'a [CheckpointNote]) -> Option<&'a Checkpoint> {
    let sizes = match proof {
        Proof::Inclusion { checkpoint, .. } => vec![checkpoint.checkpoint().size],
        Proof::Consistency { older, newer, .. } => vec![older.checkpoint().size, newer.checkpoint().size],
    };
    let of_size = notes.iter().find(|note| sizes.contains(&note.checkpoint().size));
    of_size.or(notes.last()).map(CheckpointNote::checkpoint)
}

/// A checkpoint as Python gives it.
enum Given {
    Size(u64),
    Note(CheckpointNote),
}

impl Given {
    fn of(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(size) = given.extract() {
            return Ok(Given::Size(size));
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
