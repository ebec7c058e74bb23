//! [`Looked`]: what a rule can see in a Python object, taken out of Python before any rule looks.
//!
//! What not: what rules make of it.
//! Invariant: what cannot be looked at raises, so that no object passes a rule by failing.

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString};
use theus::{Number, Subject};

/// What a rule can see in an object.
pub(crate) enum Looked {
    Absent,
    Bool(bool),
    Number(Number),
    Text(PyBackedStr),
    /// A text with lone surrogates, each of which looks like a question mark.
    Mended(String),
    Sized(u64),
    Other,
}

impl Looked {
    /// Looks at an object: None is absent; numbers are those of Python, and what can be made into one without having a
    /// length, such as those of NumPy; texts are texts; the rest may have a length.
    pub(crate) fn at(object: &Bound<'_, PyAny>) -> PyResult<Looked> {
        if object.is_none() {
            return Ok(Looked::Absent);
        }
        if object.is_instance_of::<PyBool>() {
            return Ok(Looked::Bool(object.is_truthy()?));
        }
        if object.is_instance_of::<PyInt>() {
            return integer(object);
        }
        if let Ok(number) = object.cast::<PyFloat>() {
            return Ok(Looked::Number(Number::Float(number.value())));
        }
        if let Ok(text) = object.cast::<PyString>() {
            return texts(text);
        }
        other(object)
    }

    /// As the rules take it.
    pub(crate) fn subject(&self) -> Subject<'_> {
        match self {
            Looked::Absent => Subject::Absent,
            Looked::Bool(value) => Subject::Bool(*value),
            Looked::Number(number) => Subject::Number(*number),
            Looked::Text(text) => Subject::Text(text),
            Looked::Mended(text) => Subject::Text(text),
            Looked::Sized(length) => Subject::Sized(*length),
            Looked::Other => Subject::Other,
        }
    }
}

/// An int of Python. One outside 128 bits counts as a float near it.
fn integer(object: &Bound<'_, PyAny>) -> PyResult<Looked> {
    let number = match object.extract::<i64>() {
        Ok(small) => Number::Int(i128::from(small)),
        Err(_) => match object.extract::<i128>() {
            Ok(large) => Number::Int(large),
            Err(_) => Number::Float(huge(object)?),
        },
    };
    Ok(Looked::Number(number))
}

fn huge(object: &Bound<'_, PyAny>) -> PyResult<f64> {
    let float = object.call_method0(intern!(object.py(), "__float__")).and_then(|float| float.extract());
    // Too large even for a float.
    float.or_else(|_| Ok(if object.lt(0)? { f64::NEG_INFINITY } else { f64::INFINITY }))
}

fn texts(text: &Bound<'_, PyString>) -> PyResult<Looked> {
    if let Ok(backed) = PyBackedStr::try_from(text.clone()) {
        return Ok(Looked::Text(backed));
    }
    let mended = text.call_method1(intern!(text.py(), "encode"), ("utf-8", "replace"))?;
    Ok(Looked::Mended(String::from_utf8_lossy(mended.extract::<&[u8]>()?).into_owned()))
}

fn other(object: &Bound<'_, PyAny>) -> PyResult<Looked> {
    let py = object.py();
    let class = object.get_type();
    if class.hasattr(intern!(py, "__len__"))? {
        match object.len() {
            Ok(length) => return Ok(Looked::Sized(length as u64)),
            // An array without dimensions: it has the method and no length.
            Err(error) if error.is_instance_of::<PyTypeError>(py) => {}
            Err(error) => return Err(error),
        }
    }
    // NumPy's truth is no bool and no number.
    if let Ok(truth) = object.extract::<bool>() {
        return Ok(Looked::Bool(truth));
    }
    if class.hasattr(intern!(py, "__index__"))?
        && let Some(index) = made(object.call_method0(intern!(py, "__index__")), py)?
    {
        return integer(&index);
    }
    if class.hasattr(intern!(py, "__float__"))?
        && let Some(float) = made(object.call_method0(intern!(py, "__float__")), py)?
    {
        return Ok(Looked::Number(Number::Float(float.extract()?)));
    }
    Ok(Looked::Other)
}

/// None where the object has the method and cannot be made into a number.
fn made<'py>(result: PyResult<Bound<'py, PyAny>>, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
    match result {
        Ok(number) => Ok(Some(number)),
        Err(error) if error.is_instance_of::<PyTypeError>(py) => Ok(None),
        Err(error) => Err(error),
    }
}
