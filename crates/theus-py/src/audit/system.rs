//! The counters of an audit and its log as a Python object.
//!
//! What not: counting and deciding, which are `theus-audit`'s. The lock there is held for less than a microsecond and
//! never while Python runs, so these methods keep the GIL.

use super::level;
use super::log_entry::AuditLogEntry;
use super::recipe::{AuditRecipe, whole};
use crate::admission::warn;
use crate::errors::audit;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;
use std::sync::Arc;
use theus_audit::Verdict;

/// Counts failures by key, keeps the newest log entries, and decides what a failure leads to.
#[pyclass(frozen, module = "theus.audit")]
pub(crate) struct AuditSystem {
    system: Arc<theus_audit::AuditSystem>,
}

impl AuditSystem {
    /// The face of a system that others use too.
    pub(crate) fn of(system: Arc<theus_audit::AuditSystem>) -> Self {
        AuditSystem { system }
    }

    /// The system itself.
    pub(crate) fn system(&self) -> &Arc<theus_audit::AuditSystem> {
        &self.system
    }
}

/// Reads an AuditRecipe, or what has one.
fn settings(given: &Bound<'_, PyAny>) -> PyResult<theus_audit::AuditRecipe> {
    if let Ok(recipe) = given.cast::<AuditRecipe>() {
        return Ok(recipe.get().settings());
    }
    // An AuditRecipeBook.
    let held = given.getattr_opt(intern!(given.py(), "rust_recipe"))?;
    match held.as_ref().map(|held| held.cast::<AuditRecipe>()) {
        Some(Ok(recipe)) => Ok(recipe.get().settings()),
        _ => {
            let kind = given.get_type().name()?;
            Err(PyTypeError::new_err(format!("AuditSystem takes an AuditRecipe, not {kind}")))
        }
    }
}

#[pymethods]
impl AuditSystem {
    #[new]
    #[pyo3(signature = (recipe = None, capacity = theus_audit::AuditSystem::DEFAULT_CAPACITY), text_signature = "(recipe=None, capacity=1000)")]
    fn new(recipe: Option<&Bound<'_, PyAny>>, capacity: usize) -> PyResult<Self> {
        let recipe = recipe.map_or_else(|| Ok(theus_audit::AuditRecipe::default()), settings)?;
        Ok(Self::of(Arc::new(theus_audit::AuditSystem::new(recipe, capacity))))
    }

    /// The one system that the whole process shares, with the default recipe.
    #[staticmethod]
    fn shared() -> Self {
        Self::of(Arc::clone(theus_audit::AuditSystem::shared()))
    }

    /// Counts a failure. Raises AuditStopError, AuditAbortError or AuditBlockError where the level says so, and warns
    /// with AuditWarning.
    #[pyo3(signature = (key, level = None, threshold_max = None))]
    fn log_fail(
        &self,
        py: Python<'_>,
        key: &str,
        level: Option<&Bound<'_, PyAny>>,
        threshold_max: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let level = level.map(level::read).transpose()?;
        let threshold = threshold_max.map(|given| whole("threshold_max", given)).transpose()?;
        match self.system.log_fail(key, level, threshold) {
            Verdict::Pass => Ok(()),
            Verdict::Warn(text) => warn(py, vec![text]),
            Verdict::Refuse(refusal) => Err(audit(py, refusal.level, &refusal.message, None)),
        }
    }

    /// Sets the count of the key to 0, if the recipe has reset_on_success.
    fn log_success(&self, key: &str) {
        self.system.log_success(key);
    }

    /// How many failures of the key are counted.
    fn get_count(&self, key: &str) -> u64 {
        self.system.get_count(key)
    }

    /// How many log entries there ever were.
    fn get_count_all(&self) -> u64 {
        self.system.get_count_all()
    }

    /// Adds a log entry.
    fn log(&self, key: &str, message: &str) {
        self.system.log(key, message);
    }

    /// The kept log entries, oldest first.
    fn get_logs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.system.get_logs().into_iter().map(AuditLogEntry::of))
    }

    /// How many log entries are kept now.
    #[getter]
    fn ring_buffer_len(&self) -> usize {
        self.system.ring_buffer_len()
    }

    /// How many log entries are kept at most.
    #[getter]
    fn capacity(&self) -> usize {
        self.system.capacity()
    }

    /// The settings.
    #[getter]
    fn recipe(&self) -> AuditRecipe {
        AuditRecipe::of(*self.system.recipe())
    }

    /// Why nothing may run any more, where the recipe has stop_latch and something failed at the level Stop; else None.
    #[getter]
    fn stopped(&self) -> Option<String> {
        self.system.stopped().map(|refusal| refusal.message)
    }

    /// Lifts the stop and sets all counts to 0. Log entries stay.
    fn reset(&self) {
        self.system.reset();
    }

    fn __repr__(&self) -> String {
        let entries = self.system.ring_buffer_len();
        format!("<AuditSystem level={} entries={entries}>", self.system.recipe().level)
    }
}
