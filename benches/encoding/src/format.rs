//! What a format must be able to do here, and our own format doing it.

use crate::values::Step;
use theus_value::{Value, ValueRef};

/// Containers inside one another that any format may read.
pub const MAX_DEPTH: usize = theus_value::MAX_DEPTH;

pub trait Format {
    /// Bytes as this format wants them; rkyv wants them aligned.
    type Buffer: AsRef<[u8]>;
    /// What is encoded: the value itself, or the format's own type made from it beforehand.
    type Source;

    fn name() -> &'static str;
    fn source(value: &Value) -> Self::Source;
    fn encode(source: &Self::Source) -> Self::Buffer;
    fn buffer(bytes: &[u8]) -> Self::Buffer;
    /// With all checks that the format offers for bytes from strangers.
    fn decode(bytes: &Self::Buffer) -> Option<Value>;
    /// Reaches one field with the checks that strangers' bytes need; a number made from the field.
    fn fetch(bytes: &Self::Buffer, field: &[Step]) -> Option<u64>;
}

pub struct Ours;

impl Format for Ours {
    type Buffer = Vec<u8>;
    type Source = Value;

    fn name() -> &'static str {
        "ours"
    }

    fn source(value: &Value) -> Value {
        value.clone()
    }

    fn encode(source: &Value) -> Vec<u8> {
        theus_value::encode(source)
    }

    fn buffer(bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }

    fn decode(bytes: &Vec<u8>) -> Option<Value> {
        theus_value::decode(bytes).ok()
    }

    fn fetch(bytes: &Vec<u8>, field: &[Step]) -> Option<u64> {
        let found = field.iter().try_fold(ValueRef::parse(bytes).ok()?, |read, step| match step {
            Step::Key(key) => read.get(key),
            Step::Index(n) => read.index(*n),
        })?;
        let number = found.as_int().map(|n| n as u64).or_else(|| found.as_float().map(f64::to_bits));
        number.or_else(|| found.as_str().map(|text| text.len() as u64))
    }
}
