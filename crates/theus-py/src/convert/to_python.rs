//! From a value to a Python object: frozen where it is read from the state, plain where it is handed over.

use crate::block::Block;
use crate::python::{AS_ARRAY, AS_PLAIN_ARRAY, FROZEN_DICT, FROZEN_LIST, OWN_ARRAY, PICKLE_LOADS};
use crate::worker::Worker;
use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PySet, PyString, PyTuple};
use std::sync::Arc;
use theus::{ARRAY_CODEC, ATTACHED_CODEC, AttachedArray, EncodedArray};
use theus_value::{Heavy, Object, Value};

/// The codec of what Python alone can read.
pub(super) const PICKLE_CODEC: &str = "pickle";

/// An array of a result of at least this many bytes is a view of its block; mapping costs more than copying less.
const SHARED_FROM: usize = 256 << 10;

/// Where the arrays of a value lie.
#[derive(Clone, Copy)]
pub(crate) enum Arrays<'a> {
    /// In this process.
    Brain,
    /// In the Brain's segments, mapped by this worker.
    Worker(&'a Worker),
    /// Beside the result of a worker.
    Result(&'a [Arc<theus::Block>]),
}

/// How a value is made into Python objects.
#[derive(Clone)]
pub(crate) struct Style<'a> {
    pub(crate) arrays: Arrays<'a>,
    /// Containers are frozen and know this path.
    frozen: Option<String>,
    /// The running process that they belong to, named where they are written to.
    process: Option<Arc<str>>,
    /// What an array that is the value itself is called.
    name: Option<String>,
    /// The body may write into the elements of arrays.
    writable: bool,
}

impl<'a> Style<'a> {
    /// Plain dicts and lists that the receiver owns.
    pub(crate) fn plain(arrays: Arrays<'a>) -> Self {
        Style { arrays, frozen: None, process: None, name: None, writable: false }
    }

    /// Frozen containers; those that a running process reads name it when they are written to.
    pub(crate) fn frozen(arrays: Arrays<'a>, path: String, process: Option<Arc<str>>) -> Self {
        Style { arrays, frozen: Some(path), process, name: None, writable: false }
    }

    /// An array that is the value itself is called so; its elements, and those of arrays in it, may be written or not.
    pub(crate) fn arrays(self, name: &str, writable: bool) -> Self {
        Style { name: Some(name.to_owned()), writable, ..self }
    }

    fn child(&self, segment: &str) -> Self {
        let frozen = self.frozen.as_ref().map(|path| format!("{path}.{segment}"));
        Style { frozen, name: None, ..self.clone() }
    }
}

/// The Python object of a value.
pub(crate) fn to_python<'py>(
    py: Python<'py>,
    value: &Value,
    style: &Style<'_>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(truth) => truth.into_pyobject(py)?.to_owned().into_any(),
        Value::Int(number) => number.into_pyobject(py)?.into_any(),
        Value::BigInt(number) => {
            let bytes = PyBytes::new(py, number.to_le_bytes());
            let signed = PyDict::new(py);
            signed.set_item("signed", true)?;
            py.get_type::<pyo3::types::PyInt>().call_method("from_bytes", (bytes, "little"), Some(&signed))?
        }
        Value::Float(number) => number.into_pyobject(py)?.into_any(),
        Value::Str(text) => PyString::new(py, text).into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::Tuple(items) => {
            let items: PyResult<Vec<_>> = items.iter().map(|item| to_python(py, item, style)).collect();
            PyTuple::new(py, items?)?.into_any()
        }
        Value::Set(set) => {
            let items: PyResult<Vec<_>> = set.iter().map(|item| to_python(py, item, style)).collect();
            PySet::new(py, items?)?.into_any()
        }
        Value::List(list) => {
            let items = PyList::empty(py);
            for item in list.iter() {
                items.append(to_python(py, item, style)?)?;
            }
            freeze(items.into_any(), style, &FROZEN_LIST)?
        }
        Value::Map(map) => {
            let dict = PyDict::new(py);
            for (key, item) in map.iter() {
                let item = match item {
                    Value::Map(_) | Value::List(_) => to_python(py, item, &style.child(key))?,
                    Value::Heavy(heavy) => array(py, heavy, style, Some(key))?,
                    plain => to_python(py, plain, style)?,
                };
                dict.set_item(&**key, item)?;
            }
            freeze(dict.into_any(), style, &FROZEN_DICT)?
        }
        Value::Heavy(heavy) => array(py, heavy, style, None)?,
        Value::Object(stored) => object(py, stored, style.arrays)?,
    })
}

fn freeze<'py>(
    container: Bound<'py, PyAny>,
    style: &Style<'_>,
    class: &crate::python::Imported,
) -> PyResult<Bound<'py, PyAny>> {
    match &style.frozen {
        None => Ok(container),
        Some(path) => class.get(container.py())?.call1((container.clone(), path, style.process.as_deref())),
    }
}

fn array<'py>(
    py: Python<'py>,
    heavy: &Heavy,
    style: &Style<'_>,
    name: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    let name = name.or(style.name.as_deref());
    match style.arrays {
        Arrays::Worker(worker) => worker.array(py, heavy, name),
        Arrays::Brain | Arrays::Result(_) => {
            let block = theus::block_of(heavy).ok_or_else(|| {
                PyRuntimeError::new_err("an array of shared memory of another process cannot be read here")
            })?;
            let readonly = !style.writable || block.is_final();
            AS_ARRAY.get(py)?.call1((Block::of_brain(&block, &heavy.dtype, &heavy.shape, readonly), name))
        }
    }
}

fn object<'py>(py: Python<'py>, stored: &Object, arrays: Arrays<'_>) -> PyResult<Bound<'py, PyAny>> {
    let refused = |error| crate::errors::array(py, &error);
    match (&*stored.codec, arrays) {
        (ARRAY_CODEC, _) => {
            let array = EncodedArray::parse("", &stored.bytes).map_err(refused)?;
            let shape = PyTuple::new(py, &array.shape)?;
            AS_PLAIN_ARRAY.get(py)?.call1((array.dtype, shape, PyBytes::new(py, array.data)))
        }
        (ATTACHED_CODEC, Arrays::Result(blocks)) => {
            let array = AttachedArray::parse("result", &stored.bytes, blocks).map_err(refused)?;
            let bytes = array.block.len();
            if bytes < SHARED_FROM {
                let shape = PyTuple::new(py, &array.shape)?;
                let copy = PyBytes::new(py, &array.to_vec());
                return AS_PLAIN_ARRAY.get(py)?.call1((array.dtype, shape, copy));
            }
            let block = Block::of_result(&array).map_err(|error| {
                PyMemoryError::new_err(format!("an array of {bytes} bytes in the result: {error}"))
            })?;
            OWN_ARRAY.get(py)?.call1((block,))
        }
        (PICKLE_CODEC, _) => PICKLE_LOADS.get(py)?.call1((PyBytes::new(py, &stored.bytes),)),
        (codec, _) => {
            Err(PyRuntimeError::new_err(format!("an object of codec {codec:?} cannot be read here")))
        }
    }
}
