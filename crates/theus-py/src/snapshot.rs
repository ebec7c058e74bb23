//! A snapshot as a Python object: the state at one version, outside of any process.

use crate::convert::{Arrays, Style, to_python};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use theus::HEAVY;
use theus_value::{Map, Value};

/// The state at one version.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Snapshot {
    pub(crate) snapshot: theus::Snapshot,
}

#[pymethods]
impl Snapshot {
    #[getter]
    fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// The names of the roots of the data.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.snapshot.root().keys().filter(|key| &***key != HEAVY).map(|key| &**key))
    }

    /// A root, frozen.
    fn item<'py>(&self, py: Python<'py>, key: &str) -> PyResult<Bound<'py, PyAny>> {
        match self.snapshot.root().get(key).filter(|_| key != HEAVY) {
            Some(value) => to_python(py, value, &Style::frozen(Arrays::Brain, key.to_owned(), None)),
            None => Err(PyKeyError::new_err(key.to_owned())),
        }
    }

    /// The heavy zone, frozen.
    fn heavy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let empty = Value::Map(Map::new());
        let heavy = self.snapshot.root().get(HEAVY).unwrap_or(&empty);
        to_python(py, heavy, &Style::frozen(Arrays::Brain, HEAVY.to_owned(), None))
    }
}
