//! Generators of values: every kind, nested, and of sizes on both sides of the borders between representations.
//!
//! What it is not: values of a running engine; a generated heavy handle names no memory.

use proptest::prelude::*;
use std::sync::Arc;
use theus_value::{BlockId, Heavy, Key, List, Map, Object, Set, Value};

/// Any value, a few levels deep.
pub fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 48, 12, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..12).prop_map(|items| Value::List(List::from(items))),
            proptest::collection::vec(inner.clone(), 0..6).prop_map(|items| Value::Tuple(items.into())),
            proptest::collection::vec(inner.clone(), 0..6)
                .prop_map(|items| Value::Set(Set::from_values(items))),
            entries(inner).prop_map(|entries| Value::Map(entries.into_iter().collect())),
        ]
    })
}

/// A map of any values, sometimes large enough for a tree and for an order table.
pub fn map() -> impl Strategy<Value = Map> {
    entries(value()).prop_map(|entries| entries.into_iter().collect())
}

fn entries(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Vec<(Key, Value)>> {
    proptest::collection::vec((key(), inner), 0..24)
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![3 => "[a-f]{0,2}", 1 => ".{0,6}"].prop_map(Key::from)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-300i64..300).prop_map(Value::from),
        proptest::collection::vec(any::<u8>(), 0..24).prop_map(|b| Value::integer_from_le_bytes(&b)),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(f64::INFINITY)].prop_map(Value::Float),
        ".{0,12}".prop_map(Value::from),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::from),
        heavy(),
        (".{0,8}", proptest::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(codec, bytes)| Value::from(Object { codec: codec.into(), bytes: bytes.into() })),
    ]
}

fn heavy() -> impl Strategy<Value = Value> {
    let block = any::<[u64; 4]>().prop_map(|[segment, offset, length, serial]| BlockId {
        segment,
        offset,
        length,
        serial,
    });
    (block, "[<>|=]?[a-z][0-9]{0,2}", proptest::collection::vec(any::<u64>(), 0..4)).prop_map(
        |(block, dtype, shape)| {
            Value::from(Heavy { block, dtype: Arc::from(dtype), shape: Arc::from(shape), lease: None })
        },
    )
}
