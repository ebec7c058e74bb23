//! A snapshot as a Python object: the state at one version, outside of any process.

use crate::convert::{Arrays, Style, to_python};
use crate::errors::closed;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use theus::{Closed, HEAVY};
use theus_value::{Map, Value};

/// The state at one version.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Snapshot {
    pub(crate) snapshot: theus::Snapshot,
    /// The process that has the memory of its arrays.
    pub(crate) owner: u32,
    /// True of one that was taken after the engine was shut down.
    pub(crate) closed: bool,
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

    /// The heavy zone, frozen. Refused after the engine's shutdown, unless the snapshot was taken before; and in a forked
    /// child, which does not have the memory.
    fn heavy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if std::process::id() != self.owner {
            return Err(closed(py, &Closed::Forked { owner: self.owner }));
        }
        if self.closed {
            return Err(closed(py, &Closed::ShutDown));
        }
        let empty = Value::Map(Map::new());
        let heavy = self.snapshot.root().get(HEAVY).unwrap_or(&empty);
        to_python(py, heavy, &Style::frozen(Arrays::Brain, HEAVY.to_owned(), None))
    }
}
