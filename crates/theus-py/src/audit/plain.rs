//! [`plain`]: the value of a recipe that a program wrote as dicts and lists.
//!
//! What not: state values; a recipe takes no arrays and no objects, but a mapping of any kind and an AuditLevel.

use super::level;
use crate::errors::{Fields, make};
use crate::python::AUDIT_LEVEL;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyList, PyMapping, PySet, PyString, PyTuple};
use theus_value::{List, Map, Value};

/// Deeper than any recipe; a container that holds itself ends here.
const DEEPEST: usize = 60;

/// The value of `object`, which stands at `path` of a recipe.
pub(super) fn plain(object: &Bound<'_, PyAny>, path: &str) -> PyResult<Value> {
    Walk { depth: 0 }.value(object, path)
}

struct Walk {
    depth: usize,
}

impl Walk {
    fn value(&self, object: &Bound<'_, PyAny>, path: &str) -> PyResult<Value> {
        let py = object.py();
        if object.is_none() {
            return Ok(Value::Null);
        }
        if AUDIT_LEVEL.is_type_of(object)? {
            return Ok(Value::from(level::read(object)?.letter()));
        }
        if object.is_instance_of::<PyBool>() {
            return Ok(Value::Bool(object.is_truthy()?));
        }
        if object.is_instance_of::<PyInt>() {
            return integer(object, path);
        }
        if let Ok(number) = object.cast::<PyFloat>() {
            return Ok(Value::Float(number.value()));
        }
        if let Ok(text) = object.cast::<PyString>() {
            return Ok(Value::from(&*text.to_cow()?));
        }
        if self.depth >= DEEPEST {
            let what = format!("it is nested deeper than {DEEPEST} levels, or holds itself");
            return Err(malformed(py, &format!("{path}: {what}")));
        }
        let below = Walk { depth: self.depth + 1 };
        if let Ok(mapping) = object.cast::<PyMapping>() {
            return below.mapping(mapping, path);
        }
        let is_list = object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>();
        if is_list || object.is_instance_of::<PySet>() {
            let items = object.try_iter()?.enumerate();
            let items = items.map(|(index, item)| below.value(&item?, &format!("{path}[{index}]")));
            return Ok(Value::List(List::from(items.collect::<PyResult<Vec<_>>>()?)));
        }
        Err(malformed(py, &format!("{path}: {}", unfit(object)?)))
    }

    fn mapping(&self, mapping: &Bound<'_, PyMapping>, path: &str) -> PyResult<Value> {
        let mut map = Map::new();
        for entry in mapping.items()?.iter() {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = entry.extract()?;
            let Ok(key) = key.cast::<PyString>() else {
                let what = format!("the key {} must be a text", key.repr()?);
                return Err(malformed(mapping.py(), &format!("{path}: {what}")));
            };
            let key = key.to_cow()?;
            let place = if path == RECIPE { key.to_string() } else { format!("{path}.{key}") };
            let value = self.value(&value, &place)?;
            map.insert((&*key).into(), value);
        }
        Ok(Value::Map(map))
    }
}

/// What a recipe as a whole is called in messages.
pub(super) const RECIPE: &str = "recipe";

fn integer(object: &Bound<'_, PyAny>, path: &str) -> PyResult<Value> {
    match object.extract::<i128>() {
        Ok(number) => Ok(Value::integer_from_le_bytes(&number.to_le_bytes())),
        Err(_) => {
            let what = "the whole number does not fit 128 bits; write it as a float";
            Err(malformed(object.py(), &format!("{path}: {what}")))
        }
    }
}

fn unfit(object: &Bound<'_, PyAny>) -> PyResult<String> {
    let kind = object.get_type().fully_qualified_name()?;
    Ok(format!(
        "a value of type {kind} has no place in a recipe; use None, bools, numbers, texts, lists and dicts"
    ))
}

/// The exception for a recipe that cannot be used.
pub(super) fn malformed(py: Python<'_>, text: &str) -> PyErr {
    make(py, "SchemaViolationError", text, &Fields::default())
}
