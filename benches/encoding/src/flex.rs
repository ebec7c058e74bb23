//! FlexBuffers doing the same. Its maps are sorted by key, so the order of insertion is lost; big integers, tuples,
//! sets, handles and objects would need a convention on top. Both are left out here, in its favour.

use crate::format::{Format, MAX_DEPTH};
use crate::values::Step;
use flexbuffers::{Builder, BuilderOptions, FlexBufferType, MapBuilder, Reader, VectorBuilder};
use std::cell::Cell;
use theus_value::{Key, Value};

pub struct Flex;

thread_local! {
    /// Values made so far in one decoding: a vector may be named twice, so the length of the input is no bound.
    pub static MADE: Cell<u64> = const { Cell::new(0) };
}

/// Decoding gives up after this many values, or some inputs would keep it busy for years.
pub const ENOUGH: u64 = 10_000_000;

fn into_map(to: &mut MapBuilder<'_>, key: &str, value: &Value) {
    match value {
        Value::Bool(value) => to.push(key, *value),
        Value::Int(value) => to.push(key, *value),
        Value::Float(value) => to.push(key, *value),
        Value::Str(value) => to.push(key, &**value),
        Value::List(list) => {
            let mut inner = to.start_vector(key);
            list.iter().for_each(|item| into_vector(&mut inner, item));
        }
        Value::Map(map) => {
            let mut inner = to.start_map(key);
            map.iter().for_each(|(key, item)| into_map(&mut inner, key, item));
        }
        _ => to.push(key, ()),
    }
}

fn into_vector(to: &mut VectorBuilder<'_>, value: &Value) {
    match value {
        Value::Bool(value) => to.push(*value),
        Value::Int(value) => to.push(*value),
        Value::Float(value) => to.push(*value),
        Value::Str(value) => to.push(&**value),
        Value::List(list) => {
            let mut inner = to.start_vector();
            list.iter().for_each(|item| into_vector(&mut inner, item));
        }
        Value::Map(map) => {
            let mut inner = to.start_map();
            map.iter().for_each(|(key, item)| into_map(&mut inner, key, item));
        }
        _ => to.push(()),
    }
}

fn value(from: Reader<&[u8]>, depth: usize) -> Option<Value> {
    use FlexBufferType as Type;
    let made = MADE.get() + 1;
    MADE.set(made);
    if depth == 0 || made > ENOUGH {
        return None;
    }
    Some(match from.flexbuffer_type() {
        Type::Null => Value::Null,
        Type::Bool => Value::from(from.get_bool().ok()?),
        Type::Int | Type::IndirectInt => Value::from(from.get_i64().ok()?),
        Type::UInt | Type::IndirectUInt => Value::from(from.get_u64().ok()?),
        Type::Float | Type::IndirectFloat => Value::from(from.get_f64().ok()?),
        Type::String => Value::from(from.get_str().ok()?),
        Type::Map => {
            let map = from.get_map().ok()?;
            let keys = map.keys_vector();
            let entry = |n| {
                Some((Key::from(keys.index(n).ok()?.get_key().ok()?), value(map.index(n).ok()?, depth - 1)?))
            };
            Value::Map((0..map.len()).map(entry).collect::<Option<_>>()?)
        }
        kind if kind.is_vector() => {
            let list = from.get_vector().ok()?;
            let items = (0..list.len()).map(|n| value(list.index(n).ok()?, depth - 1));
            Value::from(items.collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}

impl Format for Flex {
    type Buffer = Vec<u8>;
    type Source = Value;

    fn name() -> &'static str {
        "FlexBuffers"
    }

    fn source(value: &Value) -> Value {
        value.clone()
    }

    fn encode(source: &Value) -> Vec<u8> {
        let mut builder = Builder::new(BuilderOptions::SHARE_KEYS);
        match source {
            Value::Map(map) => {
                let mut root = builder.start_map();
                map.iter().for_each(|(key, item)| into_map(&mut root, key, item));
            }
            Value::List(list) => {
                let mut root = builder.start_vector();
                list.iter().for_each(|item| into_vector(&mut root, item));
            }
            _ => builder.build_singleton(()),
        }
        builder.take_buffer()
    }

    fn buffer(bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }

    fn decode(bytes: &Vec<u8>) -> Option<Value> {
        MADE.set(0);
        value(Reader::get_root(&bytes[..]).ok()?, MAX_DEPTH + 1)
    }

    fn fetch(bytes: &Vec<u8>, field: &[Step]) -> Option<u64> {
        let root = Reader::get_root(&bytes[..]).ok()?;
        let found = field.iter().try_fold(root, |read, step| match step {
            Step::Key(key) => read.get_map().ok()?.index(*key).ok(),
            Step::Index(n) => read.get_vector().ok()?.index(*n).ok(),
        })?;
        let number = found.get_i64().map(|n| n as u64).or_else(|_| found.get_f64().map(f64::to_bits));
        number.or_else(|_| found.get_str().map(|text| text.len() as u64)).ok()
    }
}

/// A vector of twice the same vector of twice the same ... `levels` deep: five bytes a level, 2^levels values.
pub fn bomb(levels: usize) -> Vec<u8> {
    // Each vector of one-byte numbers: length, two offsets backwards, two types. 40 is "vector, one byte wide".
    let mut bytes = vec![0u8];
    let mut target = 1;
    for _ in 0..levels {
        bytes.push(2);
        let start = bytes.len();
        bytes.extend([(start - target) as u8, (start + 1 - target) as u8, 40, 40]);
        target = start;
    }
    bytes.push((bytes.len() - target) as u8);
    bytes.extend([40, 1]);
    bytes
}
