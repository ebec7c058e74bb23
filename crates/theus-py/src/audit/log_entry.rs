//! An entry of an audit system's log as a Python object.

use pyo3::prelude::*;
use std::sync::Arc;
use theus_audit::LogEntry;

/// An entry of the log. Immutable.
#[pyclass(frozen, eq, module = "theus.audit")]
#[derive(PartialEq)]
pub(crate) struct AuditLogEntry {
    entry: Arc<LogEntry>,
}

impl AuditLogEntry {
    pub(super) fn of(entry: Arc<LogEntry>) -> Self {
        AuditLogEntry { entry }
    }
}

#[pymethods]
impl AuditLogEntry {
    #[new]
    fn new(timestamp: f64, key: String, message: String) -> Self {
        AuditLogEntry { entry: Arc::new(LogEntry { timestamp, key, message }) }
    }

    /// When it was added: seconds since 1970.
    #[getter]
    fn timestamp(&self) -> f64 {
        self.entry.timestamp
    }

    /// What it is about.
    #[getter]
    fn key(&self) -> &str {
        &self.entry.key
    }

    /// What there is to say.
    #[getter]
    fn message(&self) -> &str {
        &self.entry.message
    }

    fn __repr__(&self) -> String {
        let LogEntry { timestamp, key, message } = &*self.entry;
        format!("AuditLogEntry(timestamp={timestamp}, key={key:?}, message={message:?})")
    }

    /// For pickle.
    fn __getnewargs__(&self) -> (f64, &str, &str) {
        (self.entry.timestamp, &self.entry.key, &self.entry.message)
    }
}
