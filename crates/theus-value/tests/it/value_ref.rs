//! The in-place reader agrees with the decoded value and touches only what it is asked for.

use proptest::prelude::*;
use theus_testkit::values::value;
use theus_value::{Key, Kind, Map, Value, ValueRef, decode, encode};

fn agrees(read: ValueRef<'_>, value: &Value) -> Result<(), TestCaseError> {
    prop_assert_eq!(read.kind(), value.kind());
    let as_decoded = read.to_value();
    prop_assert_eq!(as_decoded.as_ref(), Ok(value));
    match value {
        Value::Bool(v) => prop_assert_eq!(read.as_bool(), Some(*v)),
        Value::Int(v) => prop_assert_eq!(read.as_int(), Some(*v)),
        Value::BigInt(v) => prop_assert_eq!(read.as_integer_le_bytes(), Some(v.to_le_bytes())),
        Value::Float(v) => prop_assert_eq!(read.as_float().map(f64::to_bits), Some(v.to_bits())),
        Value::Str(v) => prop_assert_eq!(read.as_str(), Some(&**v)),
        Value::Bytes(v) => prop_assert_eq!(read.as_bytes(), Some(&**v)),
        Value::List(v) => sequence(read, &mut v.iter())?,
        Value::Tuple(v) => sequence(read, &mut v.iter())?,
        Value::Set(v) => sequence(read, &mut v.iter())?,
        Value::Map(v) => {
            prop_assert_eq!(read.len(), v.len());
            prop_assert!(read.entries().map(|(key, _)| key).eq(v.keys().map(|key| &**key)));
            for (key, item) in v {
                agrees(read.get(key).unwrap(), item)?;
            }
            prop_assert!(read.get("no such key").is_none());
        }
        Value::Heavy(v) => prop_assert!(read.heavy().as_ref() == Some(&**v)),
        Value::Object(v) => prop_assert!(read.object().as_ref() == Some(&**v)),
        Value::Null => prop_assert!(read.as_int().is_none() && read.is_empty()),
    }
    Ok(())
}

fn sequence(read: ValueRef<'_>, items: &mut dyn Iterator<Item = &Value>) -> Result<(), TestCaseError> {
    let mut count = 0;
    for item in items {
        agrees(read.index(count).unwrap(), item)?;
        count += 1;
    }
    prop_assert_eq!(read.len(), count);
    prop_assert_eq!(read.items().count(), count);
    prop_assert!(read.index(count).is_none());
    prop_assert!(read.entries().next().is_none());
    Ok(())
}

proptest! {
    #[test]
    fn reads_what_was_written(value in value()) {
        agrees(ValueRef::parse(&encode(&value)).unwrap(), &value)?;
    }
}

/// A map of 1000 texts, and where the text of each key lies in its encoding.
fn texts() -> (Vec<u8>, impl Fn(usize) -> String) {
    let text = |n: usize| format!("text number {n:04}");
    let map: Map = (0..1000).map(|n| (Key::from(format!("key {n:04}")), Value::from(text(n)))).collect();
    (encode(&Value::Map(map)), text)
}

#[test]
fn one_field_is_read_though_the_others_are_damaged() {
    let (mut bytes, text) = texts();
    for n in (0..1000).filter(|&n| n != 500) {
        let wanted = text(n).into_bytes();
        let at = bytes.windows(wanted.len()).position(|window| window == wanted).unwrap();
        bytes[at..at + wanted.len()].fill(0xFF);
    }
    assert!(decode(&bytes).is_err());
    let read = ValueRef::parse(&bytes).unwrap();
    assert_eq!(read.get("key 0500").unwrap().as_str(), Some("text number 0500"));
    let damaged = read.get("key 0499").unwrap();
    assert_eq!((damaged.kind(), damaged.as_str()), (Kind::Str, None));
}

#[test]
fn a_key_is_found_by_looking_at_few_others() {
    let (bytes, _) = texts();
    // Damaging all keys but those on the way of the binary search leaves the wanted one readable.
    let mut on_the_way = vec![];
    let (mut low, mut high) = (0, 1000);
    while low < high {
        let middle = low + (high - low) / 2;
        on_the_way.push(middle);
        match middle.cmp(&123) {
            std::cmp::Ordering::Equal => break,
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    assert!(on_the_way.len() <= 10);
    let mut damaged = bytes.clone();
    for n in (0..1000).filter(|n| !on_the_way.contains(n)) {
        let key = format!("key {n:04}").into_bytes();
        let at = damaged.windows(key.len()).position(|window| window == key).unwrap();
        damaged[at..at + key.len()].fill(b'?');
    }
    let read = ValueRef::parse(&damaged).unwrap();
    assert_eq!(read.get("key 0123").unwrap().as_str(), Some("text number 0123"));
}

#[test]
fn an_item_never_reaches_into_the_table() {
    // Two items in a body of two bytes; the second claims to begin inside the table.
    let bytes = [1, 0x17, 6, 0, 3, 2];
    let read = ValueRef::parse(&bytes).unwrap();
    assert_eq!(read.len(), 2);
    assert!(read.index(0).is_none() && read.index(1).is_none() && read.items().next().is_none());
}

#[test]
fn what_is_iterated_never_overlaps_so_no_table_makes_endless_work() {
    // Lists of three; the first and the last claim to be the whole body, which is the next list.
    let bytes = (0..40).fold(vec![0], |inner: Vec<u8>, _| {
        let length = inner.len() as u8;
        [&[0x17], &inner[..], &[length, 0, 3]].concat()
    });
    let bytes = [&[1], &bytes[..]].concat();
    fn looks(read: ValueRef<'_>) -> u64 {
        1 + read.items().map(looks).sum::<u64>()
    }
    let read = ValueRef::parse(&bytes).unwrap();
    assert_eq!(looks(read), 41);
    assert!(read.check().is_err());
}

#[test]
fn items_and_entries_end_at_the_first_that_is_damaged_and_stay_there() {
    let mut list = encode(&Value::from(vec![Value::from(1), Value::Null, Value::from(3)]));
    let mut map =
        encode(&Value::Map(["a", "b", "c"].map(|key| (Key::from(key), Value::Null)).into_iter().collect()));
    // The second item becomes a tag that does not exist; the second key no UTF-8.
    list[4] = 0x0F;
    map[4] = 0xFF;
    let mut items = ValueRef::parse(&list).unwrap().items();
    let mut entries = ValueRef::parse(&map).unwrap().entries();
    assert_eq!(items.next().and_then(|item| item.as_int()), Some(1));
    assert_eq!(entries.next().map(|(key, _)| key), Some("a"));
    for _ in 0..3 {
        assert!(items.next().is_none() && entries.next().is_none());
    }
}
