//! What a check of a trail says, as a Python object.

use super::{key, notes, unreadable};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::path::PathBuf;
use theus_audit::{Report, VerifyOptions, verify_files};

/// What a check of a trail says. Immutable.
#[pyclass(frozen, module = "theus.audit")]
pub(crate) struct AuditReport {
    report: Report,
}

impl AuditReport {
    pub(crate) fn new(report: Report) -> Self {
        AuditReport { report }
    }
}

#[pymethods]
impl AuditReport {
    /// Whether nothing was found.
    #[getter]
    fn ok(&self) -> bool {
        self.report.ok()
    }

    /// How many frames were found good, up to the first finding; in memory: how many records.
    #[getter]
    fn count(&self) -> u64 {
        self.report.count
    }

    /// The number of the first frame that is not as it was written; None: there is none, or only a range can be told.
    #[getter]
    fn first_bad(&self) -> Option<u64> {
        self.report.finding.as_ref().and_then(|finding| finding.first_bad)
    }

    /// The numbers between which the first bad frame is, where it cannot be named; else None.
    #[getter]
    fn between(&self) -> Option<(u64, u64)> {
        self.report.finding.as_ref().and_then(|finding| finding.between)
    }

    /// What is wrong; None: nothing was found.
    #[getter]
    fn reason(&self) -> Option<String> {
        self.report.finding.as_ref().map(ToString::to_string)
    }

    /// How many files the trail has; 0 in memory.
    #[getter]
    fn files(&self) -> u32 {
        self.report.files
    }

    /// How many of the good frames are records.
    #[getter]
    fn records(&self) -> u64 {
        self.report.records
    }

    /// How many checkpoints were found good in the trail.
    #[getter]
    fn checkpoints(&self) -> u64 {
        self.report.checkpoints
    }

    /// Whether they are signed by the key that the trail names.
    #[getter]
    fn signed(&self) -> bool {
        self.report.signed
    }

    /// How many frames the last of them covers.
    #[getter]
    fn covered(&self) -> u64 {
        self.report.covered
    }

    /// How many of the given checkpoints the trail agrees with.
    #[getter]
    fn kept(&self) -> u64 {
        self.report.kept
    }

    /// How many bytes at the end of the newest file are no whole frame.
    #[getter]
    fn torn_bytes(&self) -> u64 {
        self.report.torn_bytes
    }

    /// What was not shown, and what is worth knowing.
    #[getter]
    fn notes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.report.notes)
    }

    fn __repr__(&self) -> String {
        match &self.report.finding {
            None => format!("<AuditReport ok count={}>", self.report.count),
            Some(finding) => format!("<AuditReport count={} {finding}>", self.report.count),
        }
    }
}

/// Checks the files of a trail.
#[pyfunction]
#[pyo3(signature = (path, key_text = None, checkpoints = None))]
pub(crate) fn verify_trail(
    py: Python<'_>,
    path: PathBuf,
    key_text: Option<&str>,
    checkpoints: Option<&str>,
) -> PyResult<AuditReport> {
    let (key, notes) = (key(key_text)?, notes(checkpoints)?);
    if checkpoints.is_some() && notes.is_empty() {
        return Err(PyValueError::new_err("there is no checkpoint in the text of the kept ones"));
    }
    let options = VerifyOptions { key: key.as_ref(), checkpoints: &notes };
    let report = py.detach(|| verify_files(&path, &options));
    report.map(AuditReport::new).map_err(|error| unreadable(&path, &error))
}
