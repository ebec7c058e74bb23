//! What a call passes before its body runs: the input rules of its process, and the warnings that the audit makes.
//!
//! What not: the rules themselves. Invariant: rules look at arguments by the names that the function gives them, whether
//! they were given by name or by position.

use crate::audit::Looked;
use crate::errors::{closed, refusal};
use crate::process::Process;
use crate::python::AUDIT_WARNING;
use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::ffi::CString;
use theus::{Engine, Subject};

/// Holds the arguments of a call to the input rules; raises when one refuses.
pub(crate) fn admit(
    engine: &Engine,
    process: &Process,
    inputs: Option<[u8; 32]>,
    args: &Bound<'_, PyTuple>,
    kwargs: &Bound<'_, PyDict>,
) -> PyResult<()> {
    let py = kwargs.py();
    let mut fields = engine.audit().input_fields(&process.process.name).peekable();
    if fields.peek().is_none() {
        return Ok(());
    }
    engine.check_open().map_err(|error| closed(py, &error))?;
    // What the rules look at is taken from Python first: the audit must not run a stranger's code.
    let mut looked: Vec<(&str, Looked)> = Vec::new();
    for field in fields {
        let argument = match kwargs.get_item(field)? {
            Some(argument) => Some(argument),
            None => process.position(field).and_then(|position| args.get_item(position).ok()),
        };
        if let Some(argument) = argument {
            looked.push((field, Looked::at(&argument)?));
        }
    }
    let look = |field: &str| {
        let found = looked.iter().find(|(name, _)| *name == field);
        found.map_or(Subject::Absent, |(_, looked)| looked.subject())
    };
    match engine.admit(&process.process, inputs, look) {
        Ok(warnings) => warn(py, warnings),
        Err(refused) => Err(refusal(py, &refused)),
    }
}

/// Warns as Python does; raises where warnings are errors.
pub(crate) fn warn(py: Python<'_>, warnings: Vec<String>) -> PyResult<()> {
    for text in warnings {
        let text = CString::new(text).unwrap_or_else(|_| c_str!("a warning of the audit").into());
        PyErr::warn(py, AUDIT_WARNING.get(py)?, &text, 1)?;
    }
    Ok(())
}
