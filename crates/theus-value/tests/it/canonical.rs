//! One value, one encoding: also for the values at the edges, and for pairs of values that are nearly the same.

use crate::hostile::read_all_ways;
use proptest::prelude::*;
use theus_testkit::values::value;
use theus_value::{Key, List, Map, Object, Set, Value, ValueRef, decode, encode};

/// Floats whose bits are easily lost: zeros, subnormals, limits, infinities, and NaNs of both signs, quiet and not.
const FLOATS: [u64; 14] = [
    0,
    1 << 63,
    1,
    (1 << 63) | 1,
    0x000F_FFFF_FFFF_FFFF,
    0x0010_0000_0000_0000,
    0x7FEF_FFFF_FFFF_FFFF,
    0x7FF0_0000_0000_0000,
    0xFFF0_0000_0000_0000,
    0x7FF0_0000_0000_0001,
    0x7FF7_FFFF_FFFF_FFFF,
    0x7FF8_0000_0000_0000,
    0x7FF8_0000_DEAD_BEEF,
    0xFFFF_FFFF_FFFF_FFFF,
];

/// Values at the edges of each kind.
fn edge() -> impl Strategy<Value = Value> {
    let empties = || [Value::Null, Value::from(""), Value::from(vec![0u8; 0])];
    let hollow = [Value::List(List::new()), Value::Map(Map::new()), Value::Tuple([].into()), empty_set()];
    prop_oneof![
        prop::sample::select(FLOATS.to_vec()).prop_map(|bits| Value::Float(f64::from_bits(bits))),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(0x7FF0_0000_0000_0000 | bits))),
        prop::collection::vec(any::<u8>(), 0..600).prop_map(|bytes| Value::integer_from_le_bytes(&bytes)),
        (0u32..64, -2i64..3).prop_map(|(shift, near)| Value::from((1i64 << shift).wrapping_add(near))),
        (0usize..300, any::<bool>()).prop_map(|(zeros, minus)| power_of_256(zeros, minus)),
        prop::sample::select([empties().to_vec(), hollow.to_vec()].concat()),
        (value(), prop::collection::vec(0u8..4, 0..64)).prop_map(|(core, around)| wrapped(core, &around)),
        (value(), 0usize..40).prop_map(|(item, count)| list(&item, count)),
    ]
}

fn empty_set() -> Value {
    Value::Set(Set::from_values([]))
}

fn list(item: &Value, count: usize) -> Value {
    Value::List(std::iter::repeat_n(item.clone(), count).collect())
}

/// 256 to the power of `zeros`, or minus that.
fn power_of_256(zeros: usize, minus: bool) -> Value {
    let mut bytes = vec![0; zeros];
    bytes.push(if minus { 0xFF } else { 1 });
    Value::integer_from_le_bytes(&bytes)
}

/// `core` inside one container for each of `around`, which says which kind.
fn wrapped(core: Value, around: &[u8]) -> Value {
    around.iter().fold(core, |inner, kind| match kind {
        0 => Value::from(vec![inner]),
        1 => Value::Tuple([inner].into()),
        2 => Value::Set(Set::from_values([inner])),
        _ => Value::Map([(Key::from("in"), inner)].into_iter().collect()),
    })
}

proptest! {
    #[test]
    fn a_value_at_the_edge_survives(value in edge()) {
        let bytes = encode(&value);
        prop_assert_eq!(decode(&bytes), Ok(value.clone()));
        prop_assert_eq!(ValueRef::parse(&bytes).unwrap().to_value(), Ok(value));
    }

    #[test]
    fn a_value_at_the_edge_survives_being_damaged(value in edge(), at in any::<prop::sample::Index>(), bit in 0u32..8) {
        let mut bytes = encode(&value);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        read_all_ways(&bytes);
    }

    #[test]
    fn values_at_the_edges_are_equal_exactly_if_their_bytes_are(a in edge(), b in edge()) {
        prop_assert_eq!(a == b, encode(&a) == encode(&b));
    }
}

/// Scalars that some language or format takes for one another.
fn alike() -> Vec<Value> {
    let codec = |codec: &str, bytes: &[u8]| Value::from(Object { codec: codec.into(), bytes: bytes.into() });
    let mut alike: Vec<Value> = [Value::Null, Value::from(false), Value::from(true)].into();
    alike.extend([0, 1, -1, 127, 128, -128, -129, 255, 256].map(|n: i64| Value::from(n)));
    alike.extend(FLOATS.map(|bits| Value::Float(f64::from_bits(bits))));
    alike.extend([1.0, -1.0].map(Value::from));
    alike.extend(["", "0", "1", "a", "null", "\0", "\u{e4}", "a\u{308}"].map(Value::from));
    alike.extend([&b""[..], b"0", b"1", b"a", b"\0"].map(Value::from));
    alike.extend([codec("", b""), codec("a", b""), codec("", b"a")]);
    alike
}

/// All values of at most two of `of` in each kind of container, hollow ones included.
fn containers(of: &[Value]) -> Vec<Value> {
    let mut sequences: Vec<Vec<Value>> = vec![vec![]];
    sequences.extend(of.iter().map(|one| vec![one.clone()]));
    sequences.extend(of.iter().flat_map(|a| of.iter().map(|b| vec![a.clone(), b.clone()])));
    let mut all = vec![];
    for items in sequences {
        for keys in [["a", "b"], ["b", "a"], ["", "a"], ["a", "aa"]] {
            let entries = keys.map(Key::from).into_iter().zip(items.iter().cloned());
            all.push(Value::Map(entries.collect()));
        }
        all.push(Value::Tuple(items.clone().into()));
        all.push(Value::Set(Set::from_values(items.clone())));
        all.push(Value::from(items));
    }
    all
}

#[test]
fn all_small_values_are_equal_exactly_if_their_bytes_are() {
    let few = [Value::Null, Value::from(0), Value::from(0.0), Value::from(-0.0), Value::from("a")];
    let mut all = alike();
    let inner = containers(&few);
    all.extend(containers(&inner[..20]));
    all.extend(inner);
    let bytes: Vec<Vec<u8>> = all.iter().map(encode).collect();
    let mut equal = 0;
    for (a, a_bytes) in all.iter().zip(&bytes) {
        assert_eq!(decode(a_bytes).as_ref(), Ok(a));
        for (b, b_bytes) in all.iter().zip(&bytes) {
            assert_eq!(a == b, a_bytes == b_bytes, "{a:?} and {b:?}");
            equal += usize::from(a == b);
        }
    }
    assert!(all.len() > 1000 && equal > all.len(), "{} values, {equal} equal pairs", all.len());
}

#[test]
fn sixty_four_levels_of_every_kind_survive() {
    for kind in 0..4 {
        let deep = wrapped(Value::from("core"), &[kind; 64]);
        let bytes = encode(&deep);
        assert_eq!(decode(&bytes), Ok(deep));
    }
}

#[test]
fn an_integer_of_thousands_of_bits_survives_at_every_length() {
    for zeros in (0..2000).chain([1 << 16]) {
        for minus in [false, true] {
            let value = power_of_256(zeros, minus);
            let bytes = encode(&value);
            assert_eq!(bytes.len(), 2 + zeros + 1);
            assert_eq!(decode(&bytes), Ok(value));
        }
    }
}

/// Unoptimized trees take some twenty seconds for a million; that size is for `cargo test --release`.
const HUGE: u64 = if cfg!(debug_assertions) { 50_000 } else { 1_000_000 };

#[test]
fn a_huge_map_survives() {
    // A factor prime to the count scatters the keys, so that insertion order and key order differ.
    let key = |n: u64| format!("{:x}", n * 7_368_787 % HUGE);
    let value = Value::Map((0..HUGE).map(|n| (Key::from(key(n)), Value::from(n))).collect());
    let bytes = encode(&value);
    let back = decode(&bytes).unwrap();
    assert!(back == value && encode(&back) == bytes);
    let read = ValueRef::parse(&bytes).unwrap();
    assert_eq!(read.len() as u64, HUGE);
    for n in (0..HUGE).step_by(997) {
        assert_eq!(read.get(&key(n)).and_then(|item| item.as_int()), Some(n as i64));
    }
    assert!(read.get("no such key").is_none());
}
