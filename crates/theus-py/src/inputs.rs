//! What a call is given, before its body runs: the hash of its arguments for the audit trail.
//!
//! What not: the input rules themselves (see `admission`).
//!
//! The hash is over the arguments as values: None, bools, numbers, texts, bytes, lists, tuples, sets and dicts with text
//! keys. Any other object counts by the name of its type, and so does what lies deeper than [`DEEPEST`] or comes after
//! [`MOST`] bytes: a call must not pay for pickling its arguments, nor for hashing a large one.

use crate::convert::{Handles, from_python};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use theus_value::{Map, Object, Value};

/// How many containers inside one another are looked into.
const DEEPEST: usize = 16;
/// How many bytes are looked at; an object counts as eight besides.
const MOST: usize = 64 << 10;
/// The codec of an argument that counts by its type only.
const UNHASHED: &str = "unhashed";

/// The hash of the arguments of a call; None where there are none.
pub(crate) fn digest(args: &Bound<'_, PyTuple>, kwargs: &Bound<'_, PyDict>) -> Option<[u8; 32]> {
    if args.is_empty() && kwargs.is_empty() {
        return None;
    }
    let mut room = MOST;
    let positional = value(args.as_any(), &mut room, 0);
    let named = value(kwargs.as_any(), &mut room, 0);
    theus::digest_of_inputs(&positional, &named)
}

fn value(object: &Bound<'_, PyAny>, room: &mut usize, depth: usize) -> Value {
    let size = if let Ok(text) = object.cast_exact::<PyString>() {
        text.len().unwrap_or(usize::MAX)
    } else if let Ok(bytes) = object.cast_exact::<PyBytes>() {
        bytes.as_bytes().len()
    } else {
        0
    };
    let Some(left) = room.checked_sub(size.saturating_add(8)) else {
        return unhashed(object);
    };
    *room = left;
    if depth > DEEPEST {
        return unhashed(object);
    }
    if let Ok(list) = object.cast_exact::<PyList>() {
        return Value::List(list.iter().map(|item| value(&item, room, depth + 1)).collect::<Vec<_>>().into());
    }
    if let Ok(tuple) = object.cast_exact::<PyTuple>() {
        return Value::Tuple(
            tuple.iter().map(|item| value(&item, room, depth + 1)).collect::<Vec<_>>().into(),
        );
    }
    if let Ok(dict) = object.cast_exact::<PyDict>() {
        let entry = |(key, item): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
            Some((key.cast_exact::<PyString>().ok()?.to_str().ok()?.into(), value(&item, room, depth + 1)))
        };
        let map: Option<Map> = dict.iter().map(entry).collect();
        return map.map_or_else(|| unhashed(object), Value::Map);
    }
    let plain = object.is_none()
        || object.is_exact_instance_of::<PyBool>()
        || object.is_exact_instance_of::<PyInt>()
        || object.is_exact_instance_of::<PyFloat>()
        || size > 0
        || object.is_exact_instance_of::<PyString>()
        || object.is_exact_instance_of::<PyBytes>();
    if plain {
        from_python(object, Handles::Copied).unwrap_or_else(|_| unhashed(object))
    } else {
        unhashed(object)
    }
}

fn unhashed(object: &Bound<'_, PyAny>) -> Value {
    let kind = object.get_type().fully_qualified_name();
    let kind = kind.map_or_else(|_| String::new(), |name| name.to_string());
    Value::Object(Object { codec: UNHASHED.into(), bytes: kind.into_bytes().into() }.into())
}
