//! Arrays: which can be, how they travel as bytes, and how they come into the heavy zone.

use crate::stage::{engine, int, maintain, map, mapping, path, process, tuple};
use proptest::prelude::*;
use theus::{
    ARRAY_CODEC, ArrayError, EncodedArray, Engine, Refusal, Returned, Update, Value, adopt, allocate,
    array_bytes, block_of, item_size,
};
use theus_value::{Heavy, Object};

fn array(shape: &[u64], data: &[u8]) -> Value {
    EncodedArray::encode("<u1", shape, data)
}

fn bytes_of(value: &Value) -> Vec<u8> {
    let Value::Heavy(heavy) = value else { panic!("a {} instead of an array", value.kind()) };
    let mut bytes = vec![0; heavy.block.length as usize];
    block_of(heavy).unwrap().read_at(0, &mut bytes).unwrap();
    bytes
}

fn at(engine: &Engine, text: &str) -> Value {
    engine.snapshot().get(&path(text)).cloned().unwrap()
}

#[test]
fn only_plain_numbers_can_live_in_shared_memory() {
    for (dtype, size) in [("|b1", 1), ("<i8", 8), ("<f2", 2), ("<c16", 16), ("<f16", 16), ("|u1", 1)] {
        assert_eq!(item_size(dtype), Some(size), "{dtype}");
    }
    for dtype in [
        "", "<", "<f", "<f3", "<f+4", "<f04", "|O", "<U4", ">f4", "=f4", "<f4 ", "<b2", "<M8[ns]", "<é4", "é",
    ] {
        assert_eq!(item_size(dtype), None, "{dtype:?}");
    }
}

#[test]
fn shapes_must_be_addressable() {
    assert_eq!(array_bytes("m", "<f4", &[]).unwrap(), 4);
    assert_eq!(array_bytes("m", "<f4", &[0, 1000]).unwrap(), 0);
    assert_eq!(array_bytes("m", "|u1", &[1; 64]).unwrap(), 1);
    let huge: [&[u64]; 5] =
        [&[u64::MAX], &[u64::MAX, 0], &[0, 1 << 62, 1 << 62], &[1 << 32, 1 << 32], &[1; 65]];
    for shape in huge {
        let error = array_bytes("m", "<f4", shape).unwrap_err();
        assert!(matches!(error, ArrayError::Shape { .. }), "{error}");
        assert_eq!(error.name(), "m");
    }
    let engine = engine();
    let empty = allocate(engine.arena(), "m", "<f4", &[0], true).unwrap();
    assert!(!empty.is_empty(), "an empty array still has a place");
    let error = allocate(engine.arena(), "m", "<f4", &[1 << 30], true).unwrap_err();
    assert!(matches!(error, ArrayError::Memory { .. }), "{error}");
}

#[test]
fn an_array_on_a_heavy_path_comes_into_a_block() {
    let engine = engine();
    let mut update = Update::new();
    update
        .set(path("heavy.m"), array(&[2], &[1, 2]))
        .set(path("domain.heavy_m"), array(&[], &[3]))
        .set(path("domain.plain"), array(&[1], &[4]))
        .set(path("domain.group"), mapping([("heavy_x", array(&[1], &[5])), ("n", int(1))]))
        .merge(path("data"), map([("heavy", mapping([("deep", tuple([int(0), array(&[1], &[6])]))]))]))
        .append(path("heavy.stack"), vec![array(&[1], &[7])]);
    // A process may not append there; maintenance may.
    maintain(&engine, update);
    for (text, expected) in [
        ("heavy.m", [1, 2].as_slice()),
        ("domain.heavy_m", &[3]),
        ("domain.group.heavy_x", &[5]),
        ("heavy.deep.1", &[6]),
        ("heavy.stack.0", &[7]),
    ] {
        assert_eq!(bytes_of(&at(&engine, text)), expected, "{text}");
    }
    assert_eq!(at(&engine, "domain.group.n"), int(1));
    assert!(
        matches!(at(&engine, "domain.plain"), Value::Object(_)),
        "elsewhere it is a value like any other"
    );
}

#[test]
fn a_returned_array_comes_into_a_block_and_a_handle_stays_one() {
    let engine = engine();
    let mut attempt = engine.begin(&process("make", &["heavy"])).unwrap();
    attempt.settle(Returned::Value(mapping([("m", array(&[1], &[8]))])), Vec::new()).unwrap();
    let first = at(&engine, "heavy.m");
    assert_eq!(bytes_of(&first), [8]);
    let mut attempt = engine.begin(&process("copy", &["heavy.other"])).unwrap();
    attempt.settle(Returned::Value(first.clone()), Vec::new()).unwrap();
    assert_eq!(at(&engine, "heavy.other"), first, "the same block, not copied");
    let used = engine.arena().stats().used;
    drop((attempt, first));
    let mut update = Update::new();
    update.delete(path("heavy.m")).delete(path("heavy.other"));
    maintain(&engine, update);
    assert!(engine.arena().stats().used < used, "nobody refers to it any more");
}

#[test]
fn a_broken_array_is_refused_by_name() {
    let engine = engine();
    for bytes in
        [&[][..], &[3, b'<'], &[1, 0xFF, 0], &[3, b'<', b'u', b'1', 1, 0], &[3, b'<', b'u', b'1', 0, 1, 1]]
    {
        let object = Object { codec: ARRAY_CODEC.into(), bytes: bytes.into() };
        let error = adopt(engine.arena(), "heavy.m", &object).unwrap_err();
        assert!(error.to_string().contains("'heavy.m'"), "{error}");
        let mut attempt = engine.begin(&process("make", &["heavy.m"])).unwrap();
        let refused = attempt.settle(Returned::Value(Value::from(object)), Vec::new()).unwrap_err();
        assert!(matches!(&refused, Refusal::Array(_)), "{refused}");
        assert_eq!(refused.path().as_deref(), Some("heavy.m"));
    }
    assert_eq!((engine.snapshot().version(), engine.arena().stats().used), (1, 0));
}

#[test]
fn what_cannot_be_an_array_is_not_mistaken_for_one() {
    for value in [EncodedArray::encode(&"<u1".repeat(200), &[1], &[1]), array(&[1; 300], &[1])] {
        let Value::Object(object) = value else { panic!() };
        assert!(EncodedArray::parse("m", &object.bytes).is_err());
    }
    let foreign = Heavy {
        lease: None,
        ..theus::heavy_value(&std::sync::Arc::new(engine().arena().alloc(1, true).unwrap()), "|u1", &[1])
    };
    assert!(block_of(&foreign).is_none());
}

proptest! {
    #[test]
    fn parsing_is_total_and_what_parses_fills_its_shape(
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
        dtype in proptest::sample::select(&["<u1", "<f4", "|O", ""][..]),
        shape in proptest::collection::vec(prop_oneof![0u64..4, any::<u64>()], 0..4),
        data in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        if let Ok(array) = EncodedArray::parse("m", &bytes) {
            prop_assert_eq!(array_bytes("m", array.dtype, &array.shape).unwrap(), array.data.len() as u64);
        }
        let Value::Object(object) = EncodedArray::encode(dtype, &shape, &data) else { panic!() };
        let fits = array_bytes("m", dtype, &shape).is_ok_and(|bytes| bytes == data.len() as u64);
        match EncodedArray::parse("m", &object.bytes) {
            Ok(array) => prop_assert_eq!((array.dtype, &array.shape, array.data), (dtype, &shape, &*data)),
            Err(_) => prop_assert!(!fits),
        }
        prop_assert_eq!(EncodedArray::parse("m", &object.bytes).is_ok(), fits);
    }
}
