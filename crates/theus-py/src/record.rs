//! An audit record as a Python object.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use std::sync::Arc;

/// One attempt, as the audit trail keeps it. Immutable.
#[pyclass(frozen, module = "theus.audit")]
pub(crate) struct Record {
    record: Arc<theus::Record>,
}

impl Record {
    pub(crate) fn new(record: Arc<theus::Record>) -> Self {
        Record { record }
    }
}

#[pymethods]
impl Record {
    /// Its number, from the first record of the trail on.
    #[getter]
    fn number(&self) -> u64 {
        self.record.number
    }

    /// When it was written: seconds since 1970.
    #[getter]
    fn time(&self) -> f64 {
        // Exact to a few hundred nanoseconds, which is all that a float of today's seconds holds.
        self.record.time as f64 / 1e9
    }

    /// The process.
    #[getter]
    fn process(&self) -> &str {
        &self.record.process
    }

    /// The task's id, unique in its engine.
    #[getter]
    fn task(&self) -> u64 {
        self.record.task
    }

    /// Which attempt of the task, from 1.
    #[getter]
    fn attempt(&self) -> u32 {
        self.record.attempt
    }

    /// The version that the attempt read.
    #[getter]
    fn base_version(&self) -> u64 {
        self.record.base_version
    }

    /// The version that it made, or None.
    #[getter]
    fn version(&self) -> Option<u64> {
        self.record.version
    }

    /// How it ended: 'committed', 'conflict', 'contract', 'failed', 'crashed', 'timeout', 'cancelled', ...
    #[getter]
    fn outcome(&self) -> &'static str {
        self.record.outcome.as_str()
    }

    /// What it changed: pairs of a path and the SHA-256 of the new value's bytes.
    #[getter]
    fn paths<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let paths = self.record.paths.iter();
        PyTuple::new(py, paths.map(|changed| (changed.path.as_str(), PyBytes::new(py, &changed.hash))))
    }

    /// What went wrong, or None.
    #[getter]
    fn error(&self) -> Option<&str> {
        self.record.error.as_deref()
    }

    /// The signal that ended its worker, or None.
    #[getter]
    fn signal(&self) -> Option<i32> {
        self.record.signal
    }

    /// The process id of its worker, or None.
    #[getter]
    fn worker(&self) -> Option<u32> {
        self.record.worker
    }

    /// In whose name it was asked for, where that is not the process itself; else None.
    #[getter]
    fn requester(&self) -> Option<&str> {
        self.record.requester.as_deref()
    }

    /// Why maintenance was allowed what a process is not, or why a stop was lifted; else None.
    #[getter]
    fn reason(&self) -> Option<&str> {
        self.record.reason.as_deref()
    }

    /// SHA-256 of the arguments, or None where there were none.
    #[getter]
    fn inputs<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.record.inputs.map(|hash| PyBytes::new(py, &hash))
    }

    /// SHA-256 of the update that was committed or tried, or None where there was none.
    #[getter]
    fn update<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.record.update.map(|hash| PyBytes::new(py, &hash))
    }

    /// How many changed paths are not listed because there were too many.
    #[getter]
    fn more_paths(&self) -> u32 {
        self.record.more_paths
    }

    /// The start of the digest of the record before: 16 bytes.
    #[getter]
    fn link<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.record.link)
    }

    /// How long it took, in seconds.
    #[getter]
    fn duration(&self) -> f64 {
        self.record.duration.as_secs_f64()
    }

    /// SHA-256 of the record (the RFC 6962 leaf hash).
    #[getter]
    fn digest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.record.digest)
    }

    fn __repr__(&self) -> String {
        let entry = &self.record;
        format!(
            "<Record {} {} task={} attempt={} {}>",
            self.record.number,
            entry.process,
            entry.task,
            entry.attempt,
            entry.outcome.as_str()
        )
    }
}
