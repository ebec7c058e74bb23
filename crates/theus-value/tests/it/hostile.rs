//! Reading is total: whatever the bytes, there is a value or an error, and what is accepted is canonical.

use proptest::prelude::*;
use std::collections::VecDeque;
use theus_testkit::values::value;
use theus_value::{
    BlockId, DecodeError, Heavy, Key, List, MAX_DEPTH, Map, Object, Set, Value, ValueRef, decode,
    decode_at_most, encode,
};

/// Reads `bytes` in every way there is; panics only if a reader does, or if two readers disagree.
pub(crate) fn read_all_ways(bytes: &[u8]) {
    let decoded = decode(bytes);
    if let Ok(value) = &decoded {
        assert_eq!(&encode(value), bytes, "accepted, but not canonical");
    }
    match ValueRef::parse(bytes) {
        Ok(read) => {
            walk(read, 0);
            assert_eq!(read.check().is_ok(), decoded.is_ok());
        }
        Err(error) => assert_eq!(decoded, Err(error)),
    }
}

fn walk(read: ValueRef<'_>, depth: usize) {
    let _ = (read.as_bool(), read.as_int(), read.as_float(), read.as_str(), read.as_bytes());
    let _ = (read.heavy(), read.object(), read.get("a"), read.index(0), read.index(usize::MAX), read.len());
    if depth < MAX_DEPTH {
        read.items().for_each(|item| walk(item, depth + 1));
        read.entries().for_each(|(key, item)| {
            let _ = read.get(key);
            walk(item, depth + 1);
        });
    }
}

/// Valid encodings that between them have every tag, every kind of table, and nesting.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let wide: Map = (0..20).map(|n| (Key::from(format!("k{n}")), Value::from(n))).collect();
    let block = BlockId { segment: 3, offset: 4096, length: 24, serial: 9 };
    let heavy = Heavy { block, dtype: "<f4".into(), shape: [2, 3].into(), lease: None };
    let nested: Map = [
        (Key::from("list"), Value::from(vec![Value::Null, Value::from(300), Value::from("x")])),
        (Key::from("map"), Value::Map(wide)),
        (
            Key::from("set"),
            Value::Set(Set::from_values([Value::from(1), Value::from("1"), Value::from(true)])),
        ),
        (Key::from("tuple"), Value::Tuple([Value::List(List::new()), Value::from(0.5)].into())),
        (Key::from("big"), Value::from(u64::MAX)),
        (Key::from("bytes"), Value::from(vec![0u8; 300])),
        (Key::from("object"), Value::from(Object { codec: "pickle".into(), bytes: [128, 5].into() })),
        (Key::from("heavy"), Value::from(heavy)),
    ]
    .into_iter()
    .collect();
    vec![encode(&Value::Map(nested)), encode(&Value::from("text")), encode(&Value::from(-1))]
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all_ways(&bytes);
    }

    #[test]
    fn any_bytes_after_a_likely_start(
        tag in prop_oneof![(7u8..=10).prop_map(|kind| kind | 0x10), (7u8..=10).prop_map(|kind| kind | 0x20), 0u8..13],
        bytes in proptest::collection::vec(prop_oneof![0u8..16, any::<u8>()], 0..60),
    ) {
        read_all_ways(&[&[1, tag], &bytes[..]].concat());
    }

    #[test]
    fn any_value_with_any_byte_changed(value in value(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = encode(&value);
        let at = at.index(bytes.len());
        bytes[at] = to;
        read_all_ways(&bytes);
    }

    #[test]
    fn any_two_values_in_a_row_are_read_as_one_or_refused(a in value(), b in value()) {
        read_all_ways(&[encode(&a), encode(&b)].concat());
    }
}

#[test]
fn every_prefix() {
    for bytes in corpus() {
        (0..bytes.len()).for_each(|end| read_all_ways(&bytes[..end]));
    }
}

#[test]
fn every_bit_flip() {
    for bytes in corpus() {
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            read_all_ways(&bytes);
        }
    }
}

/// `depth` lists inside one another, built from the inside out.
pub(crate) fn nested_lists(depth: usize) -> Vec<u8> {
    let mut bytes = VecDeque::from([7u8]);
    for _ in 1..depth {
        let (width, nibble) = match bytes.len() {
            0..=0xFF => (1, 0x10),
            0x100..=0xFFFF => (2, 0x20),
            _ => (4, 0x30),
        };
        bytes.push_front(7 | nibble);
        bytes.extend(&1u32.to_le_bytes()[..width]);
    }
    bytes.push_front(1);
    bytes.into()
}

#[test]
fn depth_has_a_limit() {
    assert_eq!(decode(&nested_lists(MAX_DEPTH)).unwrap().depth(MAX_DEPTH + 1), MAX_DEPTH);
    let limit = |depth| decode(&nested_lists(depth));
    assert!(matches!(limit(MAX_DEPTH + 1), Err(DecodeError::TooDeep { limit: MAX_DEPTH, .. })));
    assert!(matches!(limit(1_000_000), Err(DecodeError::TooDeep { .. })));
    assert!(decode_at_most(&nested_lists(3), 3).is_ok());
    assert!(matches!(decode_at_most(&nested_lists(4), 3), Err(DecodeError::TooDeep { limit: 3, at: 4 })));
    assert_eq!(decode_at_most(&[1, 0], 0), Ok(Value::Null));
    let beyond = decode_at_most(&nested_lists(MAX_DEPTH + 1), usize::MAX);
    assert!(matches!(beyond, Err(DecodeError::TooDeep { limit: MAX_DEPTH, .. })));
}

#[test]
fn claims_beyond_the_input_are_refused() {
    let billion = 1_000_000_000u32.to_le_bytes();
    for tag in [0x37u8, 0x38, 0x39, 0x3A] {
        let bytes = [&[1, tag, 0, 0, 0], &billion[..]].concat();
        let refused = Err(DecodeError::TooLong { at: 1, claimed: 1_000_000_000, room: 7 });
        assert_eq!(decode(&bytes), refused, "tag {tag:#x}");
    }
    for claim in [u64::MAX, 1 << 61, 6, 7] {
        let heavy = [&[1, 11], &[0; 32][..], &claim.to_le_bytes()[..], &[0; 40][..]].concat();
        assert_eq!(decode(&heavy), Err(DecodeError::TooLong { at: 1, claimed: claim, room: 40 }));
        let object = [&[1, 12], &claim.to_le_bytes()[..], b"abcde"].concat();
        assert_eq!(decode(&object), Err(DecodeError::TooLong { at: 1, claimed: claim, room: 5 }));
    }
}

/// Bytes that no encoder writes, and why not.
pub(crate) const REFUSED: &[(&str, &[u8])] = &[
    ("nothing", &[]),
    ("only a version", &[1]),
    ("a future version", &[2, 0]),
    ("an unknown kind", &[1, 13]),
    ("a width on a scalar", &[1, 0x10]),
    ("null with contents", &[1, 0, 0]),
    ("an integer without bytes", &[1, 3]),
    ("zero in two bytes", &[1, 3, 0, 0]),
    ("minus one in two bytes", &[1, 3, 255, 255]),
    ("a small integer in nine bytes", &[1, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ("a float of four bytes", &[1, 4, 0, 0, 0, 0]),
    ("text that is not UTF-8", &[1, 5, 0xFF]),
    ("an empty list with a table", &[1, 0x17, 0]),
    ("an empty list with contents", &[1, 7, 0]),
    ("a wide table for a short list", &[1, 0x27, 0, 1, 0]),
    ("a table that goes backwards", &[1, 0x17, 0, 0, 0, 2, 1, 3]),
    ("a table past the end", &[1, 0x17, 0, 0, 9, 2]),
    ("an item of no bytes", &[1, 0x17, 0, 0, 2]),
    ("a set out of order", &[1, 0x1A, 3, 2, 3, 1, 2, 2]),
    ("a set with an item twice", &[1, 0x1A, 3, 1, 3, 1, 2, 2]),
    ("a map with a key twice", &[1, 0x19, b'a', 0, b'a', 0, 1, 2, 3, 2]),
    ("a key that is not UTF-8", &[1, 0x19, 0xFF, 0, 1, 1]),
];

#[test]
fn second_ways_to_write_a_value_are_refused() {
    for (name, bytes) in REFUSED {
        assert!(decode(bytes).is_err(), "{name} was read as {:?}", decode(bytes));
    }
}

#[test]
fn a_map_whose_order_lies_is_refused() {
    let map: Map = (0..9).map(|n| (Key::from(format!("k{n}")), Value::Null)).collect();
    let bytes = encode(&Value::Map(map));
    let order = bytes.len() - 1 - 9..bytes.len() - 1;
    assert_eq!(bytes[order.clone()], [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    for wrong in [[1, 0, 2, 3, 4, 5, 6, 7, 8], [0, 0, 2, 3, 4, 5, 6, 7, 8], [0, 1, 2, 3, 4, 5, 6, 7, 9]] {
        let mut bytes = bytes.clone();
        bytes[order.clone()].copy_from_slice(&wrong);
        assert!(matches!(decode(&bytes), Err(DecodeError::Malformed { at: 1, .. })), "{wrong:?}");
        read_all_ways(&bytes);
    }
}

#[test]
fn errors_say_where() {
    let error = decode(&[1, 0x17, 0, 5, 0xFF, 1, 2]).unwrap_err();
    assert_eq!(error, DecodeError::Malformed { at: 3, what: "text that is not UTF-8" });
    assert!(error.to_string().starts_with("byte 3: text that is not UTF-8"), "{error}");
    assert!(decode(&[9]).unwrap_err().to_string().contains("version 9"));
}
