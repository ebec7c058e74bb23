//! Processes and functions as Python objects.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use theus::{Contract, Declared};

/// A process: its name, its contract, and the keyword arguments that its function names.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Process {
    pub(crate) process: theus::Process,
    /// None: any.
    names: Option<HashSet<String>>,
    /// The names of the arguments that may be given by position, in their order, after the context.
    positions: Vec<String>,
}

impl Process {
    /// Where an argument stands that was given by position.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.positions.iter().position(|known| known == name)
    }
}

#[pymethods]
impl Process {
    #[new]
    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of a contract, given once by the Python package"
    )]
    fn new(
        name: &str,
        inputs: Option<Vec<String>>,
        outputs: Option<Vec<String>>,
        parallel: bool,
        undecorated: bool,
        names: Option<HashSet<String>>,
        positions: Vec<String>,
        timeout: Option<f64>,
        crash_retries: u32,
    ) -> PyResult<Self> {
        let contract = Contract {
            inputs: declared(name, "inputs", inputs)?,
            outputs: declared(name, "outputs", outputs)?,
            parallel,
            undecorated,
            // A time too long to be counted is no limit.
            timeout: timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            crash_retries,
        };
        Ok(Process { process: theus::Process::new(name, contract), names, positions })
    }

    /// The keyword arguments that the function names; the others stay in `ctx.input`.
    pub(crate) fn named<'py>(&self, kwargs: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
        let Some(names) = &self.names else { return Ok(kwargs.clone()) };
        let named = PyDict::new(kwargs.py());
        for (name, value) in kwargs.iter() {
            if names.contains(name.extract::<&str>()?) {
                named.set_item(name, value)?;
            }
        }
        Ok(named)
    }
}

fn declared(process: &str, what: &str, paths: Option<Vec<String>>) -> PyResult<Option<Vec<Declared>>> {
    let Some(paths) = paths else { return Ok(None) };
    let parse = |path: &String| {
        Declared::parse(path).map_err(|error| {
            PyValueError::new_err(format!("Process '{process}': {what}: '{path}' is no path: {error}"))
        })
    };
    paths.iter().map(parse).collect::<PyResult<Vec<_>>>().map(Some)
}

/// A function as workers make it.
#[pyclass(frozen, module = "theus._native")]
pub(crate) struct Function {
    pub(crate) function: Arc<theus::Function>,
}
