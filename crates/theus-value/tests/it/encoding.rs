//! What goes in comes out, and equal values have equal bytes.

use proptest::prelude::*;
use theus_testkit::values::{map, value};
use theus_value::{
    Key, Kind, List, Map, Object, Set, Value, ValueRef, decode, encode, encode_into, encode_within,
};

fn small_map(entries: &[(&str, Value)]) -> Map {
    entries.iter().map(|(key, value)| (Key::from(*key), value.clone())).collect()
}

proptest! {
    #[test]
    fn a_value_survives(value in value()) {
        let bytes = encode(&value);
        prop_assert_eq!(decode(&bytes), Ok(value));
    }

    #[test]
    fn equal_bytes_exactly_for_equal_values(a in value(), b in value()) {
        prop_assert_eq!(a == b, encode(&a) == encode(&b));
    }

    #[test]
    fn how_a_map_came_about_does_not_show(map in map(), extra in proptest::collection::vec("[x-z]{3}", 0..40)) {
        let mut other = Map::new();
        for key in &extra {
            other.insert(Key::from(key.as_str()), Value::Null);
        }
        for (key, _) in &map {
            other.remove(key);
        }
        for (key, value) in &map {
            other.insert(key.clone(), Value::from("to be replaced"));
            other.insert(key.clone(), value.clone());
        }
        for key in extra.iter().filter(|key| !map.contains_key(key)) {
            other.remove(key);
        }
        prop_assert_eq!(&map, &other);
        prop_assert_eq!(encode(&Value::Map(map)), encode(&Value::Map(other)));
    }

    #[test]
    fn a_set_forgets_its_order(values in proptest::collection::vec(value(), 0..8)) {
        let forward = Set::from_values(values.iter().cloned());
        let backward = Set::from_values(values.iter().rev().cloned());
        prop_assert!(values.iter().all(|value| forward.contains(value)));
        prop_assert_eq!(encode(&Value::Set(forward)), encode(&Value::Set(backward)));
    }

    #[test]
    fn a_limit_is_kept_exactly(value in value()) {
        let whole = encode(&value);
        prop_assert_eq!(encode_within(&value, whole.len()), Some(whole.clone()));
        prop_assert_eq!(encode_within(&value, whole.len() - 1), None);
    }

    #[test]
    fn encoding_adds_at_the_end(value in value()) {
        let mut out = b"before".to_vec();
        encode_into(&value, &mut out);
        prop_assert_eq!(&out[..6], b"before");
        prop_assert_eq!(&out[6..], &encode(&value)[..]);
    }
}

#[test]
fn the_bytes_are_these() {
    let table: &[(Value, &[u8])] = &[
        (Value::Null, &[1, 0]),
        (Value::from(false), &[1, 1]),
        (Value::from(true), &[1, 2]),
        (Value::from(0), &[1, 3, 0]),
        (Value::from(-1), &[1, 3, 0xFF]),
        (Value::from(128), &[1, 3, 0x80, 0]),
        (Value::from(-128), &[1, 3, 0x80]),
        (Value::from(u64::MAX), &[1, 3, 255, 255, 255, 255, 255, 255, 255, 255, 0]),
        (Value::from(-0.0), &[1, 4, 0, 0, 0, 0, 0, 0, 0, 0x80]),
        (Value::from("é"), &[1, 5, 0xC3, 0xA9]),
        (Value::from(vec![7u8]), &[1, 6, 7]),
        (Value::List(List::new()), &[1, 7]),
        (Value::from(vec![Value::Null, Value::from(5)]), &[1, 0x17, 0, 3, 5, 1, 2]),
        (Value::Tuple([Value::Null].into()), &[1, 0x18, 0, 1]),
        (Value::Map(small_map(&[("a", Value::from(1))])), &[1, 0x19, b'a', 3, 1, 1, 1]),
        (Value::Set(Set::from_values([Value::from(2), Value::from(1)])), &[1, 0x1A, 3, 1, 3, 2, 2, 2]),
        (
            Value::from(Object { codec: "p".into(), bytes: [9].into() }),
            &[1, 12, 1, 0, 0, 0, 0, 0, 0, 0, b'p', 9],
        ),
    ];
    for (value, bytes) in table {
        assert_eq!(encode(value), *bytes, "{value:?}");
        assert_eq!(decode(bytes).as_ref(), Ok(value));
    }
}

#[test]
fn floats_keep_every_bit() {
    let nan_with_payload = f64::from_bits(0x7FF8_0000_0000_1234);
    for float in [0.0, -0.0, f64::NAN, -f64::NAN, nan_with_payload, f64::MIN_POSITIVE / 2.0, f64::INFINITY] {
        match decode(&encode(&Value::Float(float))) {
            Ok(Value::Float(back)) => assert_eq!(back.to_bits(), float.to_bits()),
            other => panic!("{float} came back as {other:?}"),
        }
    }
    assert_ne!(Value::from(0.0), Value::from(-0.0));
    assert_eq!(Value::from(f64::NAN), Value::from(f64::NAN));
}

#[test]
fn integers_cross_the_border_of_64_bits() {
    for wide in
        [i128::from(i64::MAX), i128::from(i64::MAX) + 1, i128::from(i64::MIN), i128::from(i64::MIN) - 1]
    {
        let value = Value::integer_from_le_bytes(&wide.to_le_bytes());
        let fits = i64::try_from(wide).is_ok();
        assert_eq!(value.kind(), if fits { Kind::Int } else { Kind::BigInt }, "{wide}");
        assert_eq!(decode(&encode(&value)), Ok(value.clone()));
        if let Value::BigInt(big) = value {
            assert_eq!(big.to_le_bytes(), &wide.to_le_bytes()[..9]);
            assert_eq!(big.is_negative(), wide < 0);
        }
    }
    assert_eq!(Value::integer_from_le_bytes(&[]), Value::Int(0));
    assert_eq!(Value::integer_from_le_bytes(&[0xFF; 40]), Value::Int(-1));
}

#[test]
fn tables_widen_where_their_items_need_it() {
    for size in [200usize, 250, 251, 252, 253, 254, 255, 256, 257, 65_530, 65_534, 65_535, 65_536, 70_000] {
        let items = vec![Value::from(vec![0u8; size]), Value::Null, Value::from("end")];
        let value = Value::from(items);
        let bytes = encode(&value);
        let width = match size + 1 + 1 + 4 {
            0..=0xFF => 1,
            0x100..=0xFFFF => 2,
            _ => 4,
        };
        assert_eq!(bytes.len(), 1 + 1 + (size + 1 + 1 + 4) + 3 * width, "{size}");
        assert_eq!(decode(&bytes), Ok(value));
        let end = ValueRef::parse(&bytes).unwrap().index(2).unwrap();
        assert_eq!(end.as_str(), Some("end"));
    }
}

#[test]
fn large_containers_survive() {
    let list: List = (0..100_000i64).map(Value::from).collect();
    let map: Map =
        (0..20_000i64).map(|n| (Key::from(format!("key {}", n * 7919 % 20_000)), Value::from(n))).collect();
    for value in [Value::List(list), Value::Map(map)] {
        assert_eq!(decode(&encode(&value)), Ok(value));
    }
}

#[test]
fn keys_are_ordered_by_all_their_bytes() {
    // Alike at their beginning, alike for eight bytes after that, one the beginning of another, zeros at the end.
    let after = [
        "",
        "\0",
        "\0\0",
        "a",
        "a\0",
        "12345678",
        "123456781",
        "12345678\0",
        "\u{e4}",
        "\u{FFFF}",
        "\u{10000}",
        "z",
    ];
    for beginning in ["", "common ", "\0"] {
        let keys: Vec<String> = after.iter().map(|after| format!("{beginning}{after}")).collect();
        for turn in 0..keys.len() {
            let turned = keys[turn..].iter().chain(&keys[..turn]);
            let map: Map =
                turned.zip(0i64..).map(|(key, n)| (Key::from(key.as_str()), Value::from(n))).collect();
            let bytes = encode(&Value::Map(map.clone()));
            let mut sorted: Vec<&Key> = map.keys().collect();
            sorted.sort();
            let order = bytes.len() - 1 - map.len()..bytes.len() - 1;
            let ranked: Vec<&Key> = bytes[order].iter().filter_map(|&n| map.keys().nth(n.into())).collect();
            assert_eq!(ranked, sorted);
            assert_eq!(decode(&bytes), Ok(Value::Map(map)));
        }
    }
}
