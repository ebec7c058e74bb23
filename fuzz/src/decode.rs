//! [`decode`]: the encoding of values, whole and in place, on bytes that nobody vouches for.
//!
//! What not: no values that the encoder made; the corpus has those.
//! Invariants checked: reading is total; accepted bytes are the only encoding of their value; the reader in place
//! agrees with the decoded value about everything; no memory is taken that the input does not pay for.

use crate::Meter;
use theus_value::{Kind, MAX_DEPTH, Set, Value, ValueRef, decode_at_most, encode};

/// The most memory that decoding may take for each byte of input. Half of what the format promises, whose worst is a
/// single small map with unlucky hashes; of such maps many take at most 61 times their length.
const MEMORY_PER_BYTE: usize = 64;
/// What it may take besides, for that one small map.
const MEMORY_BESIDES: usize = 4096;
/// How much of a damaged encoding is looked at: its tables may let it seem larger than it is.
const LOOKS: usize = 10_000;

/// Judges the decoder and the reader in place on these bytes.
///
/// # Panics
/// Where they break a promise.
pub fn decode(bytes: &[u8], meter: &Meter) {
    let (decoded, memory) = meter.peak(|| theus_value::decode(bytes));
    let paid = MEMORY_PER_BYTE * bytes.len() + MEMORY_BESIDES;
    assert!(memory <= paid, "decoding {} bytes took {memory} bytes of memory", bytes.len());
    let read = ValueRef::parse(bytes);
    if let Ok(read) = read {
        look(read, &mut LOOKS.clone(), MAX_DEPTH + 2);
    }
    match decoded {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(read.and_then(|read| read.check()).is_err(), "refused whole, accepted in place");
        }
        Ok(value) => {
            assert_eq!(encode(&value), bytes, "a second encoding of {value:?}");
            let read = read.expect("what was decoded can be read in place");
            assert_eq!(read.check(), Ok(()));
            agree(read, &value);
            let depth = value.depth(MAX_DEPTH + 1);
            assert_eq!(decode_at_most(bytes, depth).as_ref(), Ok(&value));
            assert!(depth == 0 || decode_at_most(bytes, depth - 1).is_err(), "deeper than was allowed");
        }
    }
}

/// Asks everything of a reader that may lie on damaged bytes. Any answer is right, as long as one comes.
fn look(read: ValueRef<'_>, left: &mut usize, depth: usize) {
    if *left == 0 || depth == 0 {
        return;
    }
    *left -= 1;
    let _ = (read.as_bool(), read.as_int(), read.as_integer_le_bytes(), read.as_float(), read.as_str());
    let _ = (read.as_bytes(), read.len(), read.is_empty(), read.heavy(), read.object(), read.get("a"));
    let _ = (read.index(0), read.index(read.len()), read.index(usize::MAX));
    for item in read.items() {
        look(item, left, depth - 1);
    }
    for (key, item) in read.entries() {
        let _ = read.get(key);
        look(item, left, depth - 1);
        if *left == 0 {
            return;
        }
    }
}

/// Compares every answer of the reader with the decoded value.
fn agree(read: ValueRef<'_>, value: &Value) {
    assert_eq!(read.kind(), value.kind());
    assert_eq!(read.to_value().as_ref(), Ok(value));
    assert_eq!(read.as_bool(), if let Value::Bool(v) = value { Some(*v) } else { None });
    assert_eq!(read.as_int(), if let Value::Int(v) = value { Some(*v) } else { None });
    let float = if let Value::Float(v) = value { Some(v.to_bits()) } else { None };
    assert_eq!(read.as_float().map(f64::to_bits), float);
    assert_eq!(read.as_str(), if let Value::Str(v) = value { Some(&**v) } else { None });
    assert_eq!(read.as_bytes(), if let Value::Bytes(v) = value { Some(&**v) } else { None });
    assert_eq!(read.heavy().as_ref(), if let Value::Heavy(v) = value { Some(&**v) } else { None });
    assert_eq!(read.object().as_ref(), if let Value::Object(v) = value { Some(&**v) } else { None });
    match value {
        Value::Map(map) => {
            assert_eq!(read.len(), map.len());
            assert_eq!(read.entries().count(), map.len());
            for ((key, item), (own_key, own)) in read.entries().zip(map) {
                assert_eq!(key, &**own_key);
                assert_eq!(read.get(key).map(|found| found.to_value()), Some(item.to_value()), "{key:?}");
                assert_eq!(map.get(key), Some(own));
                agree(item, own);
            }
            assert!(read.get("\u{10FFFF} no key of a corpus").is_none());
        }
        Value::List(list) => items(read, list.iter()),
        Value::Tuple(tuple) => items(read, tuple.iter()),
        Value::Set(set) => {
            // An encoding with an item twice would be written back as it came.
            assert_eq!(&Set::from_values(set.iter().cloned()), set);
            items(read, set.iter());
        }
        _ => {
            assert_eq!((read.len(), read.items().count(), read.entries().count()), (0, 0, 0));
            assert!(read.get("").is_none() && read.index(0).is_none());
        }
    }
    let integer = matches!(read.kind(), Kind::Int | Kind::BigInt);
    assert_eq!(read.as_integer_le_bytes().map(Value::integer_from_le_bytes), integer.then(|| value.clone()));
}

fn items<'a>(read: ValueRef<'_>, own: impl ExactSizeIterator<Item = &'a Value>) {
    assert_eq!((read.len(), read.items().count()), (own.len(), own.len()));
    assert!(read.index(own.len()).is_none());
    for (at, (item, own)) in read.items().zip(own).enumerate() {
        agree(item, own);
        // Not by `agree` again, or the work doubles with each level.
        assert_eq!(read.index(at).map(|item| item.to_value()), Some(Ok(own.clone())));
    }
}
