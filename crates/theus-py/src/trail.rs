//! The trail on disk, opened as Python describes it.
//!
//! What not: what stands in it, and its checks (see `audit`).

use crate::errors::{Fields, make};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::path::PathBuf;
use std::time::Duration;
use theus::{Durability, OnFull, OpenError, Signer, Trail, TrailOptions};

/// Opens a trail from the words of the Python class `AuditTrail`, with `id` as the random id of a new one.
pub(crate) fn open(words: &Bound<'_, PyDict>) -> PyResult<Trail> {
    let py = words.py();
    let path: PathBuf = word(words, "path")?;
    let mut options = TrailOptions::new(word(words, "id")?, std::process::id());
    options.capacity = word(words, "capacity")?;
    options.durability = match word::<String>(words, "durability")?.as_str() {
        "each" => Durability::Each,
        _ => Durability::Batched,
    };
    options.on_full = match word::<String>(words, "on_full")?.as_str() {
        "pass" => OnFull::Pass,
        _ => OnFull::Block,
    };
    options.sync_every = seconds(words, "sync_every")?;
    options.checkpoint_records = word(words, "checkpoint_records")?;
    options.checkpoint_every = seconds(words, "checkpoint_every")?;
    options.max_file = word(words, "max_bytes")?;
    options.origin = word(words, "origin")?;
    options.checkpoint_file = word(words, "checkpoints")?;
    if let Some(key) = word::<Option<String>>(words, "key")? {
        let signer = Signer::parse(&key).map_err(|error| PyValueError::new_err(format!("key: {error}")))?;
        options.signer = Some(signer);
    }
    if let Some(told) = word::<Option<Py<PyAny>>>(words, "on_checkpoint")? {
        options.checkpoints = Some(Box::new(move |note| {
            Python::attach(|py| {
                if let Err(error) = told.call1(py, (PyString::new(py, note),)) {
                    error.write_unraisable(py, Some(told.bind(py)));
                }
            });
        }));
    }
    // The background thread may call Python, and opening may take its time.
    py.detach(|| Trail::open(&path, options)).map_err(|error| refused(py, &error))
}

fn word<T>(words: &Bound<'_, PyDict>, name: &str) -> PyResult<T>
where
    T: for<'a, 'py> FromPyObject<'a, 'py, Error: Into<PyErr>>,
{
    let Some(given) = words.get_item(name)? else {
        return Err(PyValueError::new_err(format!("AuditTrail: {name} is missing")));
    };
    given.extract::<T>().map_err(Into::into)
}

fn seconds(words: &Bound<'_, PyDict>, name: &str) -> PyResult<Duration> {
    let seconds: f64 = word(words, name)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| PyValueError::new_err(format!("AuditTrail: {name}={seconds}: give seconds above 0")))
}

/// What the system refuses is an OSError as Python knows it; a trail that is not as it was written stops everything.
fn refused(py: Python<'_>, error: &OpenError) -> PyErr {
    let text = error.to_string();
    match error {
        OpenError::Io { source, .. } => PyOSError::new_err((source.raw_os_error(), text)),
        OpenError::Signer { .. } | OpenError::Origin { .. } => PyValueError::new_err(text),
        _ => make(py, "AuditStopError", &text, &Fields::default()),
    }
}
