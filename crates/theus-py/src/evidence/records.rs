//! The records in the files of a trail, one after the other.

use super::unreadable;
use crate::errors::{Fields, make};
use crate::record::Record;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use theus_audit::{ReadError, Records, records_of};

/// An iterator over the records of a trail.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct TrailRecords {
    records: Mutex<Records>,
}

#[pymethods]
impl TrailRecords {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Record>> {
        // The lock is only waited for detached, so that who holds it can go on.
        let next = py.detach(|| self.records.lock().unwrap_or_else(PoisonError::into_inner).next());
        let record = next.transpose().map_err(|error| refused(py, &error))?;
        Ok(record.map(|record| Record::new(Arc::new(record))))
    }
}

/// The records in the files of a trail, which may be open for writing.
#[pyfunction]
pub(crate) fn trail_records(py: Python<'_>, path: PathBuf) -> PyResult<TrailRecords> {
    let records = py.detach(|| records_of(&path)).map_err(|error| refused(py, &error))?;
    Ok(TrailRecords { records: Mutex::new(records) })
}

/// What the system refuses is an OSError; a trail that is not as it was written is told as an opening tells it.
pub(super) fn refused(py: Python<'_>, error: &ReadError) -> PyErr {
    match error {
        ReadError::Io { path, source } => unreadable(path, source),
        ReadError::Flaw { .. } => make(py, "AuditStopError", &error.to_string(), &Fields::default()),
    }
}
