//! What decoding takes: nothing for refused bytes, a fixed multiple of the input for accepted ones. Counted, not timed.
//!
//! Accepted bytes cannot be held to a small multiple, since a null of two bytes becomes a value of three words;
//! these inputs are the ones where a value is largest against its encoding.

use crate::hostile::{corpus, nested_lists};
use allocation_counter::measure;
use theus_value::{Key, List, MAX_DEPTH, Map, Object, Set, Value, ValueRef, decode, encode};

/// What the documentation of `decode` promises.
const PER_BYTE: u64 = 128;

fn list(count: usize, item: &Value) -> Value {
    Value::List(std::iter::repeat_n(item.clone(), count).collect())
}

/// `count` entries under keys as short as there are that many.
fn map(count: usize, item: &Value) -> Value {
    let key = |n: usize| match n {
        0 => String::new(),
        1..=128 => char::from((n - 1) as u8).to_string(),
        _ => {
            let n = n - 129;
            [char::from((n / 128 % 128) as u8), char::from((n % 128) as u8)].iter().collect()
        }
    };
    Value::Map((0..count).map(|n| (Key::from(key(n)), item.clone())).collect())
}

/// `depth` containers inside one another, each with one item.
fn chain(depth: usize, around: impl Fn(Value) -> Value) -> Value {
    (1..depth).fold(around(Value::Null), |inner, _| around(inner))
}

/// Values that are large in memory and short when encoded, named.
fn sparse() -> Vec<(String, Value)> {
    let tuple = |item: Value| Value::Tuple([item].into());
    let empties = [
        ("null", Value::Null),
        ("str", Value::from("")),
        ("short str", Value::from("x")),
        ("bytes", Value::from(vec![0u8; 0])),
        ("list", Value::List(List::new())),
        ("tuple", Value::Tuple([].into())),
        ("map", Value::Map(Map::new())),
        ("set", Value::Set(Set::from_values([]))),
        ("big integer", Value::from(u64::MAX)),
        ("object", Value::from(Object { codec: "".into(), bytes: [].into() })),
        ("list of one", list(1, &Value::Null)),
        ("map of one", map(1, &Value::Null)),
        ("list in lists", chain(100, |inner| list(1, &inner))),
        ("tuple in tuples", chain(100, tuple)),
        ("set in sets", chain(100, |inner| Value::Set(Set::from_values([inner])))),
        ("map in maps", chain(100, |inner| map(1, &inner))),
        ("list of 65", list(65, &Value::Null)),
        ("map of 9", map(9, &Value::Null)),
        ("map of 17", map(17, &Value::Null)),
        ("map of 18", map(18, &Value::Null)),
        ("map of 34", map(34, &Value::Null)),
        ("lists of 65 in lists", chain(3, |inner| list(65, &inner))),
        ("maps of 17 in maps", chain(3, |inner| map(17, &inner))),
    ];
    let mut sparse = vec![];
    for (name, value) in &empties {
        for count in [1, 2, 40, 64, 65, 66, 100, 127, 128, 129, 200, 1000, 30_000] {
            if encode(value).len() * count < 1 << 18 {
                sparse.push((format!("list of {count} times {name}"), list(count, value)));
            }
        }
    }
    for count in [8, 9, 16, 17, 20, 33, 64, 65, 100, 129, 1000, 10_000] {
        sparse.push((format!("map of {count}"), map(count, &Value::Null)));
    }
    sparse
}

/// Bytes that are refused, each for another reason and some of them late.
fn refused() -> Vec<Vec<u8>> {
    let mut refused = vec![nested_lists(MAX_DEPTH + 1), nested_lists(100_000)];
    for whole in corpus() {
        refused.extend((0..whole.len()).map(|end| whole[..end].to_vec()));
        refused.extend((0..whole.len() * 8).map(|bit| {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        }));
        refused.push([&whole[..], &[0]].concat());
    }
    let mut late = vec![Value::from("x".repeat(1 << 20)); 4];
    late.push(Value::from("end"));
    let mut late = encode(&Value::from(late));
    let end = late.windows(3).rposition(|window| window == b"end").unwrap();
    late[end] = 0xFF;
    refused.push(late);
    refused.push([&[1, 0x37, 0, 0, 0], &1_000_000_000u32.to_le_bytes()[..]].concat());
    refused.retain(|bytes| decode(bytes).is_err());
    refused
}

#[test]
fn refused_bytes_take_no_memory() {
    let refused = refused();
    assert!(refused.len() > 2_000, "only {}", refused.len());
    for bytes in refused {
        assert_eq!(measure(|| drop(decode(&bytes))).count_total, 0, "{:?}", decode(&bytes));
    }
}

#[test]
fn accepted_bytes_take_a_fixed_multiple() {
    for (name, value) in sparse() {
        let bytes = encode(&value);
        let took = measure(|| drop(decode(&bytes))).bytes_max;
        assert!(took > 0 || !matches!(value, Value::List(_) | Value::Map(_)), "nothing was counted");
        assert!(took < PER_BYTE * bytes.len() as u64, "{took} bytes for {} of a {name}", bytes.len());
    }
}

#[test]
fn reading_one_field_and_checking_take_no_memory() {
    let many: Map =
        (0..1000).map(|n| (Key::from(format!("key {n}")), list(n % 7, &Value::from("item")))).collect();
    let bytes = encode(&Value::Map(many));
    let took = measure(|| {
        let read = ValueRef::parse(&bytes).unwrap();
        assert_eq!(read.get("key 503").and_then(|list| list.index(5)?.as_str()), Some("item"));
        assert_eq!(
            read.entries().map(|(_, list)| list.items().count()).sum::<usize>(),
            (0..1000).map(|n| n % 7).sum()
        );
        assert_eq!(read.check(), Ok(()));
    });
    assert_eq!(took.count_total, 0);
}
