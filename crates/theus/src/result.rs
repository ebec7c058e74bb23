//! The result of a task as a worker encodes it: read, and refused where it says more than a worker may.
//!
//! What it is not: what is done with it (see `remote`). The layout is drawn there.
//! Invariant: nothing that passed here refers to shared memory, but by what was attached to the result.

use crate::attached::ATTACHED_CODEC;
use crate::contract::parse_path;
use crate::returned::{Returned, StateUpdate};
use theus_value::{Update, Value};

/// Why a worker's word about memory is not taken.
pub(crate) const FOREIGN_MEMORY: &str = "it refers to shared memory that is not the worker's";

/// What the body returned.
pub(crate) fn read_result(value: Value) -> Result<Returned, String> {
    let Value::Tuple(parts) = value else { return Err("it is not a tuple".into()) };
    if parts.iter().any(holds_array) {
        return Err(FOREIGN_MEMORY.into());
    }
    match &*parts {
        [Value::Int(0), value] => Ok(Returned::Value(value.clone())),
        [Value::Int(1), Value::Tuple(ops)] => read_update(ops).map(Returned::Update),
        _ => Err("it is neither a value nor an update".into()),
    }
}

/// Whether a value refers to shared memory that its sender cannot name.
pub(crate) fn holds_array(value: &Value) -> bool {
    value.any(&mut |found| match found {
        Value::Heavy(_) => true,
        // What is attached is looked for everywhere but in sets, which cannot hold arrays.
        Value::Set(_) => found.any(&mut is_attached),
        _ => false,
    })
}

fn is_attached(value: &Value) -> bool {
    matches!(value, Value::Object(object) if &*object.codec == ATTACHED_CODEC)
}

fn read_update(ops: &[Value]) -> Result<StateUpdate, String> {
    let mut result = StateUpdate::default();
    let mut update = Update::new();
    for op in ops {
        let Value::Tuple(parts) = op else { return Err("an operation is not a tuple".into()) };
        let [Value::Int(kind), Value::Str(path), value] = &**parts else {
            return Err("an operation has not the form (kind, path, value)".into());
        };
        let parsed = || parse_path(path).map_err(|error| error.to_string());
        match (kind, value) {
            (0, value) => update.set(parsed()?, value.clone()),
            (1, Value::Map(map)) => update.merge(parsed()?, map.clone()),
            (2, Value::Null) => update.delete(parsed()?),
            (3, Value::List(values)) => update.append(parsed()?, values.iter().cloned().collect()),
            (4, Value::Int(version)) => {
                result.assert_version = Some(u64::try_from(*version).map_err(|_| "a negative version")?);
                &mut update
            }
            _ => return Err("an operation of an unknown kind".into()),
        };
    }
    result.update = update;
    Ok(result)
}
