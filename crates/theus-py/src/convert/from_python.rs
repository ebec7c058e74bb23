//! From a Python object to a value: plain kinds become kinds of their own, everything else that pickles is stored whole.
//!
//! What goes in comes out equal and of the same type (S6), so subclasses are not taken for their bases: an IntEnum or an
//! OrderedDict is stored as an object.

use super::to_python::PICKLE_CODEC;
use crate::block::Block;
use crate::errors::{Fields, make};
use crate::offer::Offer;
use crate::python::{BLOCK_OF, ENCODE_ARRAY, FROZEN_DICT, FROZEN_LIST, PICKLE_DUMPS};
use crate::view::View;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PySet, PyString, PyTuple};
use std::sync::Arc;
use theus::EncodedArray;
use theus_value::{List, Map, Object, Set, Value};

/// Containers deeper than this are refused; a container that holds itself is one of them.
const DEEPEST: usize = 100;

/// How arrays travel.
#[derive(Clone, Copy)]
pub(crate) enum Handles<'a> {
    /// Those in shared memory as handles, others as copies.
    Allowed,
    /// All as copies.
    Copied,
    /// From a worker, large ones beside the result.
    Attached(&'a Offer),
}

/// A Python object that cannot be stored and given back equal.
pub(crate) struct Unstorable {
    /// Where it lies in what was to be stored, innermost first.
    path: Vec<String>,
    kind: String,
    reason: String,
}

impl Unstorable {
    fn new(object: &Bound<'_, PyAny>, reason: impl Into<String>) -> Self {
        let kind = object.get_type().fully_qualified_name();
        let kind = kind.map_or_else(|_| "an unknown type".into(), |name| name.to_string());
        Unstorable { path: Vec::new(), kind, reason: reason.into() }
    }

    fn under(mut self, segment: impl ToString) -> Self {
        self.path.push(segment.to_string());
        self
    }

    fn place(&self, root: &str) -> String {
        let mut parts = vec![root];
        parts.extend(self.path.iter().rev().map(String::as_str));
        parts.retain(|part| !part.is_empty());
        parts.join(".")
    }

    /// The exception for something that cannot be stored at a path of the state.
    pub(crate) fn storing(&self, py: Python<'_>, process: &str, root: &str) -> PyErr {
        let path = self.place(root);
        let message = format!(
            "Process '{process}': a value of type {} at '{path}' cannot be stored: {}; store plain data, or objects that \
             can be pickled",
            self.kind, self.reason
        );
        make(
            py,
            "UnsupportedValueError",
            &message,
            &Fields { process: Some(process), path: Some(&path), ..Fields::default() },
        )
    }

    /// The exception for something that cannot travel between processes.
    pub(crate) fn travelling(&self, py: Python<'_>, process: &str, what: &str) -> PyErr {
        let path = self.place(what);
        let message = format!(
            "Process '{process}': {path} (of type {}) cannot travel between processes: {}; pass plain data or objects that \
             can be pickled, and put big arrays into engine.heavy",
            self.kind, self.reason
        );
        make(
            py,
            "TransferError",
            &message,
            &Fields { process: Some(process), path: Some(&path), ..Fields::default() },
        )
    }
}

/// The value of a Python object.
pub(crate) fn from_python(object: &Bound<'_, PyAny>, handles: Handles<'_>) -> Result<Value, Unstorable> {
    Reading { handles }.value(object, 0)
}

struct Reading<'a> {
    handles: Handles<'a>,
}

impl Reading<'_> {
    fn value(&self, object: &Bound<'_, PyAny>, depth: usize) -> Result<Value, Unstorable> {
        if object.is_none() {
            return Ok(Value::Null);
        }
        if let Ok(text) = object.cast_exact::<PyString>() {
            return text.to_str().map(|text| Value::Str(text.into())).or_else(|_| pickled(object));
        }
        if object.is_exact_instance_of::<PyBool>() {
            return Ok(Value::Bool(object.is_truthy().unwrap_or_default()));
        }
        if object.is_exact_instance_of::<PyInt>() {
            return integer(object);
        }
        if let Ok(number) = object.cast_exact::<PyFloat>() {
            return Ok(Value::Float(number.value()));
        }
        if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            return Ok(Value::Bytes(bytes.as_bytes().into()));
        }
        self.container(object, depth)
    }

    fn container(&self, object: &Bound<'_, PyAny>, depth: usize) -> Result<Value, Unstorable> {
        if depth > DEEPEST {
            return Err(Unstorable::new(
                object,
                format!("it is nested deeper than {DEEPEST} levels, or holds itself"),
            ));
        }
        if let Ok(dict) = object.cast_exact::<PyDict>() {
            return self.map(dict, depth);
        }
        if let Ok(list) = object.cast_exact::<PyList>() {
            return self.items(list.iter(), depth).map(|items| Value::List(List::from(items)));
        }
        if let Ok(tuple) = object.cast_exact::<PyTuple>() {
            return self.items(tuple.iter(), depth).map(|items| Value::Tuple(items.into()));
        }
        if let Ok(set) = object.cast_exact::<PySet>() {
            return self.set(set, depth);
        }
        let failed = |error: PyErr| Unstorable::new(object, error.to_string());
        if FROZEN_DICT.is_type_of(object).map_err(failed)? {
            return self.map(object.cast::<PyDict>().map_err(|error| failed(error.into()))?, depth);
        }
        if FROZEN_LIST.is_type_of(object).map_err(failed)? {
            let list = object.cast::<PyList>().map_err(|error| failed(error.into()))?;
            return self.items(list.iter(), depth).map(|items| Value::List(List::from(items)));
        }
        if let Ok(view) = object.cast_exact::<View>() {
            let dict = view.get().to_dict(object.py()).map_err(failed)?;
            return self.map(&dict, depth);
        }
        self.array(object).map_err(failed)?.map_or_else(|| pickled(object), Ok)
    }

    fn set(&self, set: &Bound<'_, PySet>, depth: usize) -> Result<Value, Unstorable> {
        let failed = |error: PyErr| Unstorable::new(set, error.to_string());
        // A private list: storing an item may run Python code, which may change the set.
        let items = PyList::empty(set.py());
        items.call_method1("extend", (set,)).map_err(failed)?;
        let items = self.items(items.iter(), depth)?;
        let (count, objects) = (items.len(), items.iter().any(|item| matches!(item, Value::Object(_))));
        let canonical = Set::from_values(items);
        // Objects are equal to Python by their own rule and to us by their bytes, so such a set is stored whole.
        if objects || canonical.len() != count { pickled(set) } else { Ok(Value::Set(canonical)) }
    }

    fn map(&self, dict: &Bound<'_, PyDict>, depth: usize) -> Result<Value, Unstorable> {
        let mut map = Map::new();
        // A private copy: storing a value may run Python code or let another thread run, which may change the dict.
        let copy = dict.copy().map_err(|error| Unstorable::new(dict, error.to_string()))?;
        // Before any value is attached to a result: pickled, the dict has all of them in itself.
        let is_text =
            |key: Bound<'_, PyAny>| key.cast_exact::<PyString>().is_ok_and(|name| name.to_str().is_ok());
        if matches!(self.handles, Handles::Attached(_)) && !copy.keys().iter().all(is_text) {
            return pickled(dict.as_any());
        }
        for (key, value) in copy.iter() {
            let Ok(name) = key.cast_exact::<PyString>() else { return pickled(dict.as_any()) };
            let Ok(name) = name.to_str() else { return pickled(dict.as_any()) };
            let value = self.value(&value, depth + 1).map_err(|error| error.under(name))?;
            map.insert(name.into(), value);
        }
        Ok(Value::Map(map))
    }

    fn items<'py>(
        &self,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
        depth: usize,
    ) -> Result<Vec<Value>, Unstorable> {
        (items.enumerate())
            .map(|(index, item)| self.value(&item, depth + 1).map_err(|error| error.under(index)))
            .collect()
    }

    fn array(&self, object: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
        let py = object.py();
        match self.handles {
            Handles::Copied => {}
            Handles::Allowed => {
                let block = BLOCK_OF.get(py)?.call1((object,))?;
                if let Ok(block) = block.cast::<Block>()
                    && let Some(heavy) = block.get().heavy()
                {
                    return Ok(Some(Value::Heavy(Arc::new(heavy))));
                }
            }
            Handles::Attached(offer) => {
                if let Some(value) = offer.attach(object)? {
                    return Ok(Some(value));
                }
            }
        }
        let encoded = ENCODE_ARRAY.get(py)?.call1((object,))?;
        if encoded.is_none() {
            return Ok(None);
        }
        let (dtype, shape, data): (String, Vec<u64>, Bound<'_, PyBytes>) = encoded.extract()?;
        Ok(Some(EncodedArray::encode(&dtype, &shape, data.as_bytes())))
    }
}

fn integer(object: &Bound<'_, PyAny>) -> Result<Value, Unstorable> {
    if let Ok(number) = object.extract::<i64>() {
        return Ok(Value::Int(number));
    }
    let failed = |error: PyErr| Unstorable::new(object, error.to_string());
    let bits: usize = object.call_method0("bit_length").and_then(|bits| bits.extract()).map_err(failed)?;
    let signed = PyDict::new(object.py());
    signed.set_item("signed", true).map_err(failed)?;
    let bytes = object.call_method("to_bytes", (bits / 8 + 1, "little"), Some(&signed)).map_err(failed)?;
    let bytes = bytes.cast::<PyBytes>().map_err(|error| failed(error.into()))?;
    Ok(Value::integer_from_le_bytes(bytes.as_bytes()))
}

/// An object as a whole, in pickle's protocol 5.
fn pickled(object: &Bound<'_, PyAny>) -> Result<Value, Unstorable> {
    let py = object.py();
    let dumped = PICKLE_DUMPS.get(py).and_then(|dumps| dumps.call1((object, 5)));
    let bytes = dumped.map_err(|error| Unstorable::new(object, error.to_string()))?;
    match bytes.cast::<PyBytes>() {
        Ok(bytes) => {
            Ok(Value::Object(Arc::new(Object { codec: PICKLE_CODEC.into(), bytes: bytes.as_bytes().into() })))
        }
        Err(error) => Err(Unstorable::new(object, error.to_string())),
    }
}
