//! The audit of an engine as a Python object: its records, its trail and its stop.
//!
//! What not: rules and counters (see `audit`).

use crate::audit::{AuditSystem, Rulebook};
use crate::errors::{Fields, make};
use crate::evidence::AuditReport;
use crate::record::Record;
use crate::trail::open;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::sync::Arc;
use std::time::Duration;
use theus::{Builder, Engine, Filter, Missed, TrailError};

/// Adds the rules, the counters and the trail that Python describes.
pub(crate) fn with_audit(mut builder: Builder, audit: &Bound<'_, PyDict>) -> PyResult<Builder> {
    let given = |name| Ok::<_, PyErr>(audit.get_item(name)?.filter(|given| !given.is_none()));
    if let Some(book) = given("book")? {
        let book = book.cast::<Rulebook>()?.get().book();
        builder = builder.rules(book).map_err(|error| {
            make(audit.py(), "SchemaViolationError", &error.to_string(), &Fields::default())
        })?;
    }
    if let Some(system) = given("system")? {
        builder = builder.audit_system(Arc::clone(system.cast::<AuditSystem>()?.get().system()));
    }
    // Last: a trail is not begun for an engine that cannot be made.
    if let Some(trail) = given("trail")? {
        builder = builder.trail(open(trail.cast::<PyDict>()?)?);
    }
    Ok(builder)
}

/// The audit of one engine.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Audit {
    engine: Engine,
}

impl Audit {
    pub(crate) fn new(engine: &Engine) -> Self {
        Audit { engine: engine.clone() }
    }
}

#[pymethods]
impl Audit {
    /// The counters of failures; None without a recipe.
    fn system(&self) -> Option<AuditSystem> {
        self.engine.audit().system().map(|system| AuditSystem::of(Arc::clone(system)))
    }

    /// The kept records.
    #[pyo3(signature = (process = None, since = None))]
    fn records<'py>(
        &self,
        py: Python<'py>,
        process: Option<&str>,
        since: Option<u64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let records = self.engine.trail().records(Filter { process, since });
        PyList::new(py, records.into_iter().map(Record::new))
    }

    /// How many attempts ended in which outcome.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        counts(py, &self.engine)
    }

    /// Where the trail is; None in memory.
    fn path(&self) -> Option<String> {
        self.engine.trail().path().map(|path| path.to_string_lossy().into_owned())
    }

    /// What was there when it was opened.
    fn opened<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(opened) = self.engine.trail().opened() else { return Ok(None) };
        let found = PyDict::new(py);
        found.set_item("records", opened.records)?;
        found.set_item("cut_bytes", opened.cut_bytes)?;
        found.set_item("cut_at", opened.cut_at)?;
        Ok(Some(found))
    }

    /// The root of the tree of all frames.
    fn root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.engine.trail().head().root())
    }

    /// Waits until all is synced.
    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.engine.trail().sync()).map_err(|error| failed(py, &error))
    }

    /// Makes a checkpoint.
    fn checkpoint(&self, py: Python<'_>) -> PyResult<Option<String>> {
        py.detach(|| self.engine.trail().checkpoint()).map_err(|error| failed(py, &error))
    }

    /// Checks the trail.
    fn verify(&self, py: Python<'_>) -> AuditReport {
        AuditReport::new(py.detach(|| self.engine.trail().verify()))
    }

    /// Lifts a stop.
    fn reset(&self, py: Python<'_>, reason: &str) {
        py.detach(|| self.engine.reset_audit(reason));
    }

    /// Follows the records from now on; at most this many wait.
    fn observe(&self, capacity: usize) -> Observer {
        Observer { observer: self.engine.trail().observe(capacity) }
    }
}

/// How many attempts ended in which outcome.
pub(crate) fn counts<'py>(py: Python<'py>, engine: &Engine) -> PyResult<Bound<'py, PyDict>> {
    let counts = PyDict::new(py);
    for (outcome, count) in engine.trail().counts().iter() {
        counts.set_item(outcome.as_str(), count)?;
    }
    Ok(counts)
}

fn failed(py: Python<'_>, error: &TrailError) -> PyErr {
    make(py, "AuditStopError", &error.to_string(), &Fields::default())
}

/// Records as they come.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Observer {
    observer: theus::Observer,
}

#[pymethods]
impl Observer {
    /// The next record, how many were missed as an int, or None when there was none within so many seconds.
    fn recv<'py>(&self, py: Python<'py>, timeout: f64) -> PyResult<Option<Bound<'py, PyAny>>> {
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or_default();
        match py.detach(|| self.observer.recv(timeout)) {
            Ok(None) => Ok(None),
            Ok(Some(record)) => Ok(Some(Bound::new(py, Record::new(record))?.into_any())),
            Err(Missed(missed)) => Ok(Some(missed.into_pyobject(py)?.into_any())),
        }
    }

    /// True when nothing more will come.
    fn ended(&self) -> bool {
        self.observer.is_ended()
    }
}
