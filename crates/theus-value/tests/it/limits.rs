//! Each way in which bytes can claim too much or say a thing twice, one test for each: a typed error, or a value
//! whose encoding these bytes are.

use crate::hostile::{corpus, read_all_ways};
use theus_value::{BlockId, DecodeError, Heavy, Key, MAX_DEPTH, Map, Set, Value, ValueRef, decode, encode};

/// A value with `numbers` of `width` bytes after its body, whatever they say.
fn container(kind: u8, width: usize, body: &[u8], numbers: &[u64]) -> Vec<u8> {
    let nibble = [0x10, 0x20, 0x30, 0x40][width.trailing_zeros() as usize];
    let mut bytes = [&[1, kind | nibble], body].concat();
    numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()[..width]));
    bytes
}

/// Lengths that a reader may stumble over when `room` bytes are left.
fn lengths(room: u64) -> [u64; 11] {
    let [u32_max, u64_max] = [u64::from(u32::MAX), u64::MAX];
    [0, 1, room - 1, room, room + 1, u32_max - 1, u32_max, u32_max + 1, 1 << 61, u64_max - 1, u64_max]
}

#[test]
fn every_length_field() {
    let mut too_long = 0;
    for kind in 7..=10u8 {
        for (width, filler) in [(1usize, 5usize), (2, 300), (4, 70_000), (8, 40)] {
            // One text fills the body, so that the width is right (but for 8 bytes, which needs over 4 GiB).
            let body = [&[5][..], &vec![b'x'; filler]].concat();
            let room = (body.len() + width) as u64;
            for claim in lengths(room).into_iter().filter(|claim| width == 8 || claim >> (8 * width) == 0) {
                let bytes = container(kind, width, &body, &[claim]);
                read_all_ways(&bytes);
                let answer = decode(&bytes);
                assert!(answer.is_err() || claim == 1, "kind {kind}, {claim} items in {room} bytes");
                if claim.saturating_mul(width as u64) > room {
                    assert_eq!(answer, Err(DecodeError::TooLong { at: 1, claimed: claim, room }));
                    too_long += 1;
                }
            }
        }
    }
    for claim in lengths(20) {
        let object = [&[1, 12], &claim.to_le_bytes()[..], &[b'x'; 20]].concat();
        let heavy = [&[1, 11], &[0; 32][..], &claim.to_le_bytes(), &[b'x'; 20]].concat();
        read_all_ways(&object);
        read_all_ways(&heavy);
        assert_eq!(decode(&object).is_ok(), claim <= 20, "codec of {claim}");
        assert_eq!(decode(&heavy).is_ok(), claim <= 2, "{claim} dimensions");
        too_long += usize::from(matches!(decode(&object), Err(DecodeError::TooLong { .. })));
        too_long += usize::from(matches!(decode(&heavy), Err(DecodeError::TooLong { .. })));
    }
    assert!(too_long > 60, "only {too_long}");
}

#[test]
fn a_billion_items_claimed_in_twenty_bytes() {
    for kind in 7..=10 {
        let bytes = container(kind, 4, &[0; 14], &[1_000_000_000]);
        assert_eq!(bytes.len(), 20);
        assert_eq!(decode(&bytes), Err(DecodeError::TooLong { at: 1, claimed: 1_000_000_000, room: 18 }));
        read_all_ways(&bytes);
    }
}

/// `depth` containers of one kind inside one another, as bytes. Built outwards in one buffer, tags reversed in front.
fn nested(kind: u8, depth: usize) -> Vec<u8> {
    let key: &[u8] = if kind == 9 { b"k" } else { b"" };
    let (mut front, mut back) = (vec![kind], vec![]);
    for _ in 1..depth {
        front.extend_from_slice(key);
        let body = front.len() + back.len();
        let (width, nibble) = match body {
            0..=0xFF => (1, 0x10),
            0x100..=0xFFFF => (2, 0x20),
            _ => (4, 0x30),
        };
        if !key.is_empty() {
            back.extend_from_slice(&(key.len() as u32).to_le_bytes()[..width]);
        }
        back.extend_from_slice(&1u32.to_le_bytes()[..width]);
        front.push(kind | nibble);
    }
    front.push(1);
    front.reverse();
    front.append(&mut back);
    front
}

#[test]
fn nesting_from_one_to_a_million() {
    for kind in 7..=10 {
        for depth in (1..300).chain([1_000, 10_000, 100_000, 1_000_000]) {
            let bytes = nested(kind, depth);
            match decode(&bytes) {
                Ok(value) => assert!(depth <= MAX_DEPTH && value.depth(depth + 1) == depth, "{depth}"),
                Err(error) => {
                    let beyond = 1 + MAX_DEPTH * if kind == 9 { 2 } else { 1 };
                    assert_eq!(error, DecodeError::TooDeep { at: beyond, limit: MAX_DEPTH });
                    assert!(depth > MAX_DEPTH, "{depth}");
                }
            }
            assert_eq!(ValueRef::parse(&bytes).unwrap().check().is_ok(), depth <= MAX_DEPTH);
        }
    }
}

#[test]
fn offsets_that_overlap_go_backwards_or_past_the_end() {
    let whole = encode(&Value::from(vec![Value::from(1), Value::from(2), Value::from(3)]));
    let body = &whole[2..8];
    let (mut accepted, mut astray) = (0, 0);
    for first in 0..=255u64 {
        for second in 0..=255u64 {
            let bytes = container(7, 1, body, &[first, second, 3]);
            let answer = decode(&bytes);
            if first <= 6 && first <= second && second <= 6 {
                // An item of no bytes or an integer without any is refused as such.
                accepted += usize::from(answer.is_ok());
                assert!(!matches!(answer, Err(DecodeError::Astray { .. })), "{first} {second}");
            } else {
                assert!(answer.is_err(), "{first} {second}");
                astray += usize::from(matches!(answer, Err(DecodeError::Astray { at: 1, .. })));
            }
            if let Ok(value) = answer {
                assert_eq!(encode(&value), bytes);
            }
        }
    }
    // Two ways to cut the body into three values: the one above, and 0x103, true, 3 (its bytes are "true" twice over).
    assert_eq!(accepted, 2);
    assert!(astray > 60_000, "only {astray}");
}

#[test]
fn integers_that_are_not_minimal() {
    for low in 0..=255u8 {
        for high in 0..=255u8 {
            let number = i16::from_le_bytes([low, high]);
            let minimal = i8::try_from(number).is_err();
            let expected = if minimal { Some(Value::from(i64::from(number))) } else { None };
            assert_eq!(decode(&[1, 3, low, high]).ok(), expected, "{number}");
            for zeros in [1, 6, 7, 100] {
                let bytes = [&[1, 3], &vec![0; zeros][..], &[low, high]].concat();
                read_all_ways(&bytes);
                assert_eq!(
                    decode(&bytes).is_ok(),
                    !matches!((high, low >> 7), (0, 0) | (0xFF, 1)),
                    "{bytes:?}"
                );
            }
        }
    }
}

#[test]
fn duplicate_keys() {
    for count in 2..=20usize {
        let keys: Vec<String> = (0..count).map(|n| format!("{n:02}")).collect();
        let map: Map = keys.iter().map(|key| (Key::from(key.as_str()), Value::Null)).collect();
        let whole = encode(&Value::Map(map));
        for (a, b) in (0..count).flat_map(|a| (0..count).map(move |b| (a, b))).filter(|(a, b)| a != b) {
            let mut twice = whole.clone();
            let at = |n: usize| 2 + 3 * n..2 + 3 * n + 2;
            twice.copy_within(at(a), at(b).start);
            assert!(
                matches!(decode(&twice), Err(DecodeError::Malformed { at: 1, .. })),
                "{a} as {b} of {count}"
            );
            read_all_ways(&twice);
        }
    }
}

#[test]
fn unsorted_keys_and_sets() {
    let map: Map = (0..9).map(|n| (Key::from(format!("k{n}")), Value::Null)).collect();
    let whole = encode(&Value::Map(map));
    let order = whole.len() - 10;
    for (a, b) in (0..9).flat_map(|a| (0..9).map(move |b| (a, b))).filter(|(a, b)| a != b) {
        let mut wrong = whole.clone();
        wrong.swap(order + a, order + b);
        assert!(matches!(decode(&wrong), Err(DecodeError::Malformed { at: 1, .. })), "{a} {b}");
    }
    let whole = encode(&Value::Set(Set::from_values((0..9).map(Value::from))));
    for (a, b) in (0..9).flat_map(|a| (0..9).map(move |b| (a, b))).filter(|(a, b)| a != b) {
        let mut wrong = whole.clone();
        wrong.swap(3 + 2 * a, 3 + 2 * b);
        assert!(matches!(decode(&wrong), Err(DecodeError::Malformed { what: "a set out of order", .. })));
    }
}

#[test]
fn trailing_garbage() {
    for whole in [
        &[1u8, 0][..],
        &[1, 1],
        &[1, 2],
        &[1, 4, 0, 0, 0, 0, 0, 0, 0, 0],
        &[1, 7],
        &[1, 8],
        &[1, 9],
        &[1, 10],
    ] {
        assert!(decode(whole).is_ok());
        for garbage in 0..=255 {
            assert!(decode(&[whole, &[garbage]].concat()).is_err(), "{whole:?} and {garbage}");
        }
    }
    for whole in corpus() {
        for garbage in 0..=255 {
            let longer = [&whole[..], &[garbage]].concat();
            read_all_ways(&longer);
            assert_ne!(decode(&longer), decode(&whole));
        }
    }
}

#[test]
fn concatenation() {
    for (a, b) in corpus().iter().flat_map(|a| corpus().into_iter().map(move |b| (a.clone(), b))) {
        let both = [&a[..], &b].concat();
        read_all_ways(&both);
        assert!(decode(&both) != decode(&a) && decode(&both) != decode(&b));
    }
}

#[test]
fn other_versions() {
    for found in (0..=255u8).filter(|&version| version != 1) {
        for rest in [&b""[..], &[0], &[0x17, 0, 1]] {
            let bytes = [&[found], rest].concat();
            assert_eq!(decode(&bytes), Err(DecodeError::Version { found }));
            assert!(ValueRef::parse(&bytes).is_err());
        }
    }
}

#[test]
fn heavy_values_of_impossible_shape_are_data_like_others() {
    // The block behind the handle decides what is possible; the encoding keeps what it was given.
    let shapes: [(&[u64], Option<u64>); 6] = [
        (&[], Some(1)),
        (&[0], Some(0)),
        (&[u64::MAX, 0], Some(0)),
        (&[u64::MAX, 2], None),
        (&[1 << 32, 1 << 32], None),
        (&[u64::MAX], Some(u64::MAX)),
    ];
    for (shape, elements) in shapes {
        for dtype in ["", "<f4", ">f4", "|O", "O", "\u{e4}"] {
            let block = BlockId { segment: u64::MAX, offset: u64::MAX, length: u64::MAX, serial: 0 };
            let heavy = Heavy { block, dtype: dtype.into(), shape: shape.into(), lease: None };
            assert_eq!(heavy.elements(), elements);
            let bytes = encode(&Value::from(heavy.clone()));
            assert_eq!(decode(&bytes), Ok(Value::from(heavy)));
        }
    }
}
