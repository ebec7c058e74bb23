//! What a body returned, or a caller wrote, as an update of the state.

use crate::convert::{Handles, Style, from_python, to_python as plain};
use crate::errors::{Fields, make};
use crate::python::STATE_UPDATE;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use theus::{Path, Returned, StateUpdate, Update, parse_path};
use theus_value::{Op, Value};

/// The kinds of operations of `StateUpdate._ops`.
pub(crate) const SET: i64 = 0;
pub(crate) const MERGE: i64 = 1;
pub(crate) const ASSERT_VERSION: i64 = 4;

/// What a body returned. A plain value is only converted when the contract can commit it.
pub(crate) fn returned(process: &theus::Process, result: &Bound<'_, PyAny>) -> PyResult<Returned> {
    if result.is_instance(STATE_UPDATE.get(result.py())?)? {
        let ops = result.call_method0("_ops")?;
        return update(&process.name, ops.cast::<PyList>()?).map(Returned::Update);
    }
    let outputs = process.contract.outputs.as_deref().unwrap_or_default();
    if outputs.is_empty() {
        return Ok(Returned::Value(Value::Null));
    }
    let place = if let [only] = outputs { only.text() } else { "" };
    from_python(result, Handles::Allowed)
        .map(Returned::Value)
        .map_err(|error| error.storing(result.py(), &process.name, place))
}

/// The update of a list of operations (kind, path, value).
pub(crate) fn update(process: &str, ops: &Bound<'_, PyList>) -> PyResult<StateUpdate> {
    let py = ops.py();
    let mut wanted = StateUpdate::default();
    let mut update = Update::new();
    for op in ops.iter() {
        let (kind, text, value) = parts(&op)?;
        if kind == ASSERT_VERSION {
            wanted.assert_version = Some(value.extract()?);
            continue;
        }
        let path = path(py, process, &text)?;
        let value =
            from_python(&value, Handles::Allowed).map_err(|error| error.storing(py, process, &text))?;
        match (kind, value) {
            (MERGE, Value::Map(map)) => update.merge(path, map),
            (SET, value) => update.set(path, value),
            _ => return Err(PyRuntimeError::new_err(format!("an operation of the unknown kind {kind}"))),
        };
    }
    wanted.update = update;
    Ok(wanted)
}

/// One operation, taken apart.
pub(crate) fn parts<'py>(op: &Bound<'py, PyAny>) -> PyResult<(i64, String, Bound<'py, PyAny>)> {
    let op = op.cast::<PyTuple>()?;
    Ok((op.get_item(0)?.extract()?, op.get_item(1)?.extract()?, op.get_item(2)?))
}

fn path(py: Python<'_>, process: &str, text: &str) -> PyResult<Path> {
    parse_path(text).map_err(|error| {
        let message = format!("Process '{process}': '{text}' is no path: {error}");
        let fields = Fields { process: Some(process), path: Some(text), ..Fields::default() };
        make(py, "ContractViolationError", &message, &fields)
    })
}

/// The StateUpdate that a worker's task returned, for its caller.
pub(crate) fn to_python<'py>(
    py: Python<'py>,
    returned: &StateUpdate,
    style: &Style<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    let named = PyDict::new(py);
    let (data, heavy) = (PyDict::new(py), PyDict::new(py));
    for op in returned.update.ops() {
        let (path, value) = match op {
            Op::Set { path, value } => (path, value.clone()),
            Op::Merge { path, value } => (path, Value::Map(value.clone())),
            Op::Append { path, .. } | Op::Delete { path } => (path, Value::Null),
        };
        let value = plain(py, &value, style)?;
        match path.segments() {
            [root, name] if **root == *theus::HEAVY => heavy.set_item(&**name, value)?,
            _ => data.set_item(path.to_string(), value)?,
        }
    }
    if let (true, [Op::Set { path, value }]) = (heavy.is_empty(), returned.update.ops()) {
        named.set_item("key", path.to_string())?;
        named.set_item("val", plain(py, value, style)?)?;
    } else {
        named.set_item("data", (!data.is_empty()).then_some(data))?;
        named.set_item("heavy", (!heavy.is_empty()).then_some(heavy))?;
    }
    named.set_item("assert_version", returned.assert_version)?;
    STATE_UPDATE.get(py)?.call((), Some(&named))
}
