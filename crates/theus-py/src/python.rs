//! Python objects that the binding uses again and again, looked up once.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// An attribute of a Python module, imported at first use.
pub(crate) struct Imported {
    module: &'static str,
    name: &'static str,
    found: PyOnceLock<Py<PyAny>>,
}

impl Imported {
    pub(crate) const fn new(module: &'static str, name: &'static str) -> Self {
        Imported { module, name, found: PyOnceLock::new() }
    }

    pub(crate) fn get<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        let found = self
            .found
            .get_or_try_init(py, || Ok::<_, PyErr>(py.import(self.module)?.getattr(self.name)?.unbind()))?;
        Ok(found.bind(py))
    }

    /// True when the object's type is this very class.
    pub(crate) fn is_type_of(&self, object: &Bound<'_, PyAny>) -> PyResult<bool> {
        let class = self.get(object.py())?;
        Ok(object.get_type().is(class.cast::<PyType>()?))
    }
}

pub(crate) static FROZEN_DICT: Imported = Imported::new("theus.structures", "FrozenDict");
pub(crate) static FROZEN_LIST: Imported = Imported::new("theus.structures", "FrozenList");
pub(crate) static STATE_UPDATE: Imported = Imported::new("theus.structures", "StateUpdate");
pub(crate) static AS_ARRAY: Imported = Imported::new("theus._heavy", "as_array");
pub(crate) static AS_PLAIN_ARRAY: Imported = Imported::new("theus._heavy", "as_plain_array");
pub(crate) static BLOCK_OF: Imported = Imported::new("theus._heavy", "block_of");
pub(crate) static ATTACHABLE: Imported = Imported::new("theus._attached", "attachable");
pub(crate) static OWN_ARRAY: Imported = Imported::new("theus._attached", "own_array");
pub(crate) static RESULT_GEOMETRY: Imported = Imported::new("theus._attached", "geometry");
pub(crate) static ZEROED_ARRAY: Imported = Imported::new("theus._attached", "zeroed");
pub(crate) static ENCODE_ARRAY: Imported = Imported::new("theus._heavy", "encode_array");
pub(crate) static AUDIT_LEVEL: Imported = Imported::new("theus.audit", "AuditLevel");
pub(crate) static AUDIT_WARNING: Imported = Imported::new("theus.errors", "AuditWarning");
pub(crate) static MAKE_ERROR: Imported = Imported::new("theus.errors", "make");
pub(crate) static REMOTE_ERROR: Imported = Imported::new("theus.errors", "remote");
/// Only for bodies that are coroutines: there asyncio is loaded.
pub(crate) static CANCELLED: Imported = Imported::new("asyncio", "CancelledError");
pub(crate) static CONTRACT_VIOLATION: Imported = Imported::new("theus.errors", "ContractViolationError");
pub(crate) static VERSION_MISMATCH: Imported = Imported::new("theus.errors", "VersionMismatchError");
pub(crate) static PICKLE_DUMPS: Imported = Imported::new("theus._handles", "dumps");
pub(crate) static PICKLE_LOADS: Imported = Imported::new("pickle", "loads");
