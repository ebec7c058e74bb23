//! The settings of an audit as a Python object.

use super::level;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use theus_audit::Level;

/// The settings of an audit. Immutable.
#[pyclass(frozen, eq, module = "theus.audit")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct AuditRecipe {
    recipe: theus_audit::AuditRecipe,
}

impl AuditRecipe {
    pub(super) fn of(recipe: theus_audit::AuditRecipe) -> Self {
        AuditRecipe { recipe }
    }

    pub(crate) fn settings(&self) -> theus_audit::AuditRecipe {
        self.recipe
    }
}

/// Reads a whole number from 0.
pub(super) fn whole(name: &str, given: &Bound<'_, PyAny>) -> PyResult<u64> {
    let whole = if given.is_instance_of::<PyBool>() { None } else { given.extract::<u64>().ok() };
    let wrong = || -> PyResult<PyErr> {
        Ok(PyValueError::new_err(format!("{name}={}: give a whole number from 0", given.repr()?)))
    };
    whole.map_or_else(|| Err(wrong()?), Ok)
}

#[pymethods]
impl AuditRecipe {
    #[new]
    #[pyo3(
        signature = (level = None, threshold_max = None, threshold_min = None, reset_on_success = true, *, stop_latch = false),
        text_signature = "(level=AuditLevel.Block, threshold_max=3, threshold_min=0, reset_on_success=True, *, stop_latch=False)"
    )]
    fn new(
        level: Option<&Bound<'_, PyAny>>,
        threshold_max: Option<&Bound<'_, PyAny>>,
        threshold_min: Option<&Bound<'_, PyAny>>,
        reset_on_success: bool,
        stop_latch: bool,
    ) -> PyResult<Self> {
        let default = theus_audit::AuditRecipe::default();
        let threshold = |name, given: Option<&Bound<'_, PyAny>>, default| {
            given.map_or(Ok(default), |given| whole(name, given))
        };
        let recipe = theus_audit::AuditRecipe {
            level: level.map_or(Ok(default.level), level::read)?,
            threshold_max: threshold("threshold_max", threshold_max, default.threshold_max)?,
            threshold_min: threshold("threshold_min", threshold_min, default.threshold_min)?,
            reset_on_success,
            stop_latch,
        };
        Ok(AuditRecipe { recipe })
    }

    /// What a failure leads to where a rule does not say.
    #[getter]
    fn level<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        level::give(py, self.recipe.level)
    }

    /// How many failures of one key the level Block lets pass.
    #[getter]
    fn threshold_max(&self) -> u64 {
        self.recipe.threshold_max
    }

    /// From how many failures on a warning is given; 0 for none.
    #[getter]
    fn threshold_min(&self) -> u64 {
        self.recipe.threshold_min
    }

    /// Whether a success sets the count of its key to 0.
    #[getter]
    fn reset_on_success(&self) -> bool {
        self.recipe.reset_on_success
    }

    /// Whether a refusal of the level Stop stays until it is reset.
    #[getter]
    fn stop_latch(&self) -> bool {
        self.recipe.stop_latch
    }

    fn __hash__(&self) -> u64 {
        let recipe = &self.recipe;
        let mut hasher = DefaultHasher::new();
        (recipe.level, recipe.threshold_max, recipe.threshold_min).hash(&mut hasher);
        (recipe.reset_on_success, recipe.stop_latch).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let theus_audit::AuditRecipe { level, threshold_max, threshold_min, reset_on_success, stop_latch } =
            self.recipe;
        let truth = |value| if value { "True" } else { "False" };
        format!(
            "AuditRecipe(level=AuditLevel.{level}, threshold_max={threshold_max}, threshold_min={threshold_min}, \
             reset_on_success={}, stop_latch={})",
            truth(reset_on_success),
            truth(stop_latch)
        )
    }

    /// For pickle.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Settings, Bound<'py, PyDict>)> {
        let recipe = &self.recipe;
        let named = PyDict::new(py);
        named.set_item("stop_latch", recipe.stop_latch)?;
        let level = Level::number(recipe.level);
        Ok(((level, recipe.threshold_max, recipe.threshold_min, recipe.reset_on_success), named))
    }
}

/// The arguments that may be given by position.
type Settings = (u8, u64, u64, bool);
