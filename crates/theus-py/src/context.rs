//! The context of a running body: the places it may read, its arguments, and a scratch pad.

use crate::errors::guard;
use crate::python::{AS_ARRAY, RESULT_GEOMETRY, ZEROED_ARRAY};
use crate::reader::Reader;
use crate::view::View;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use std::sync::Arc;
use theus::{Access, DOMAIN, GLOBAL, HEAVY, Path, root_name};

/// What a body gets as its first argument.
#[pyclass(frozen, module = "theus.context")]
pub(crate) struct Context {
    reader: Arc<Reader>,
    arguments: Py<PyDict>,
    version: u64,
    attempt: u32,
    domain: PyOnceLock<Py<View>>,
    heavy: PyOnceLock<Py<View>>,
    listed: Option<Py<PyDict>>,
}

impl Context {
    /// A context over a reader. `listed` are the heavy arrays that a worker was given with its task.
    pub(crate) fn new(
        reader: &Arc<Reader>,
        arguments: Py<PyDict>,
        version: u64,
        attempt: u32,
        listed: Option<Py<PyDict>>,
    ) -> Self {
        Context {
            reader: Arc::clone(reader),
            arguments,
            version,
            attempt,
            domain: PyOnceLock::new(),
            heavy: PyOnceLock::new(),
            listed,
        }
    }

    fn root(&self, name: &str) -> View {
        View::new(&self.reader, Path::from_segments([name]), None)
    }

    fn refuse(&self, py: Python<'_>, name: &str) -> PyErr {
        let hint = "contexts are read-only: return the new value or a StateUpdate";
        guard(py, &self.reader.process.name, name, "Illegal Write", hint)
    }
}

#[pymethods]
impl Context {
    /// The domain; on a worker the call's arguments lie over it.
    #[getter]
    fn domain<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, View>> {
        let make = || {
            let overlay = self.reader.is_remote().then(|| self.arguments.clone_ref(py));
            Py::new(py, View::new(&self.reader, Path::from_segments([DOMAIN]), overlay))
        };
        Ok(self.domain.get_or_try_init(py, make)?.bind(py))
    }

    /// Another name of `domain`.
    #[getter]
    fn domain_ctx<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, View>> {
        self.domain(py)
    }

    /// The call's arguments, over the readable domain.
    #[getter]
    fn input(&self, py: Python<'_>) -> View {
        View::new(&self.reader, Path::from_segments([DOMAIN]), Some(self.arguments.clone_ref(py)))
    }

    /// The heavy zone: names to read-only arrays.
    #[getter]
    fn heavy<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, View>> {
        let make = || {
            let listed = self.listed.as_ref().map(|listed| listed.clone_ref(py));
            Py::new(py, View::new(&self.reader, Path::from_segments([HEAVY]), listed))
        };
        Ok(self.heavy.get_or_try_init(py, make)?.bind(py))
    }

    /// The global data.
    #[getter]
    fn global_(&self) -> View {
        self.root(GLOBAL)
    }

    /// Another name of `global_`.
    #[getter]
    fn global_ctx(&self) -> View {
        self.root(GLOBAL)
    }

    /// All roots that the contract leads to.
    #[getter]
    fn data(&self) -> View {
        View::new(&self.reader, Path::root(), None)
    }

    /// A dict that lives as long as the call.
    #[getter]
    fn local<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.reader.local(py)
    }

    /// The version that the body reads.
    #[getter]
    fn version(&self) -> u64 {
        self.version
    }

    /// Which attempt of the task this is, from 1.
    #[getter]
    fn attempt(&self) -> u32 {
        self.attempt
    }

    /// A zeroed, writable array to fill and return: it reaches the heavy zone without being copied where that is cheaper.
    #[pyo3(signature = (shape, dtype = None))]
    fn alloc<'py>(
        &self,
        py: Python<'py>,
        shape: &Bound<'py, PyAny>,
        dtype: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (shape, text): (Vec<u64>, String) = RESULT_GEOMETRY.get(py)?.call1((shape, dtype))?.extract()?;
        if self.reader.ordinary_will_do(&text, &shape) {
            let array = ZEROED_ARRAY.get(py)?.call1((&text, &shape))?;
            if !array.is_none() {
                return Ok(array);
            }
        }
        AS_ARRAY.get(py)?.call1((self.reader.alloc(py, &text, &shape)?,))
    }

    /// Writes a line to the error output.
    fn log(&self, py: Python<'_>, message: &Bound<'_, PyAny>) -> PyResult<()> {
        let line = format!("[{}] {}\n", self.reader.process.name, message.str()?);
        py.import("sys")?.getattr("stderr")?.call_method1("write", (line,))?;
        Ok(())
    }

    fn __getattr__(&self, py: Python<'_>, name: &str) -> PyResult<View> {
        let root = root_name(name);
        if name.starts_with("__") {
            return Err(PyAttributeError::new_err(name.to_owned()));
        }
        if self.reader.process.contract.access(&Path::from_segments([root])) == Access::Refused {
            return Err(guard(py, &self.reader.process.name, name, "Illegal Read", "declare it in inputs"));
        }
        Ok(self.root(root))
    }

    fn __setattr__(&self, py: Python<'_>, name: &str, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(self.refuse(py, name))
    }

    fn __delattr__(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        Err(self.refuse(py, name))
    }

    fn __repr__(&self) -> String {
        let process = &self.reader.process.name;
        format!("<context of process '{process}' at version {}, attempt {}>", self.version, self.attempt)
    }
}
