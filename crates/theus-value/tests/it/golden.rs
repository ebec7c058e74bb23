//! Two files that a second implementation reads too, in another language: encodings with what they mean, and
//! damaged ones with the verdict. A change of a single byte here is a change of the format.
//!
//! `THEUS_GOLDEN=write cargo test -p theus-value golden` writes them anew. A line of `values.txt` is a name, the bytes
//! and the meaning; one of `damaged.txt` the bytes and, if they are accepted, the meaning. Tabs between them.

use crate::hostile::{REFUSED, nested_lists};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use theus_value::{BlockId, Heavy, Key, List, MAX_DEPTH, Map, Object, Set, Value, decode, encode};

/// Bytes in hexadecimal; sixteen and more equal ones in a row as `xx*count.`.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for run in bytes.chunk_by(|a, b| a == b) {
        let _whole = match run.len() {
            0..=15 => run.iter().try_for_each(|byte| write!(text, "{byte:02x}")),
            count => write!(text, "{:02x}*{count}.", run[0]),
        };
    }
    text
}

/// What a value means, in one line of plain characters.
fn meaning(value: &Value) -> String {
    let all = |items: &mut dyn Iterator<Item = &Value>| items.map(meaning).collect::<Vec<_>>().join(",");
    match value {
        Value::Null => "null".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::BigInt(number) => sign_and_magnitude(number.to_le_bytes(), number.is_negative()),
        Value::Float(number) => format!("f{:016x}", number.to_bits()),
        Value::Str(text) => format!("s{}", hex(text.as_bytes())),
        Value::Bytes(bytes) => format!("b{}", hex(bytes)),
        Value::List(list) => format!("[{}]", all(&mut list.iter())),
        Value::Tuple(items) => format!("({})", all(&mut items.iter())),
        Value::Set(set) => format!("<{}>", all(&mut set.iter())),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, item)| format!("{}={}", hex(key.as_bytes()), meaning(item)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        Value::Heavy(heavy) => {
            let BlockId { segment, offset, length, serial } = heavy.block;
            let shape = heavy.shape.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
            format!("heavy({segment},{offset},{length},{serial};{shape};{})", hex(heavy.dtype.as_bytes()))
        }
        Value::Object(object) => format!("object({};{})", hex(object.codec.as_bytes()), hex(&object.bytes)),
    }
}

/// A big integer in hexadecimal as people write it.
fn sign_and_magnitude(bytes: &[u8], negative: bool) -> String {
    let mut magnitude = bytes.to_vec();
    if negative {
        let mut carry = true;
        for byte in &mut magnitude {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let digits: String = magnitude.iter().rev().map(|byte| format!("{byte:02x}")).collect();
    format!("{}0x{}", if negative { "-" } else { "" }, digits.trim_start_matches('0'))
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn map(keys: impl IntoIterator<Item = String>) -> Value {
    Value::Map(keys.into_iter().zip(0i64..).map(|(key, n)| (Key::from(key), Value::from(n))).collect())
}

fn wrapped(depth: usize) -> Value {
    (0..depth).fold(text("core"), |inner, level| match level % 4 {
        0 => Value::from(vec![inner]),
        1 => Value::Tuple([Value::Null, inner].into()),
        2 => Value::Set(Set::from_values([inner, Value::from(true)])),
        _ => Value::Map([(Key::from("in"), inner)].into_iter().collect()),
    })
}

fn scalars() -> Vec<(String, Value)> {
    let mut all = vec![("null".into(), Value::Null)];
    all.extend([false, true].map(|truth| (truth.to_string(), Value::from(truth))));
    for shift in [0u32, 7, 8, 15, 16, 31, 32, 47, 55, 62] {
        for number in [(1i64 << shift) - 1, 1 << shift, -(1 << shift), -(1 << shift) - 1] {
            all.push((format!("int {number}"), Value::from(number)));
        }
    }
    all.extend([i64::MIN, i64::MAX].map(|number| (format!("int {number}"), Value::from(number))));
    for bits in [63usize, 64, 71, 72, 127, 128, 4000] {
        for (name, fill, top) in
            [("2 to the", 0, 1u8 << (bits % 8)), ("one below 2 to the", 0xFF, (1 << (bits % 8)) - 1)]
        {
            let plus = [&vec![fill; bits / 8][..], &[top, 0]].concat();
            let minus = [&vec![!fill; bits / 8][..], &[!top, 0xFF]].concat();
            all.push((format!("{name} {bits}"), Value::integer_from_le_bytes(&plus)));
            all.push((format!("minus {name} {bits}, minus 1"), Value::integer_from_le_bytes(&minus)));
        }
    }
    let floats = [
        ("zero", 0u64),
        ("minus zero", 1 << 63),
        ("one", 0x3FF0 << 48),
        ("pi", 0x4009_21FB_5444_2D18),
        ("least subnormal", 1),
        ("greatest subnormal", (1 << 52) - 1),
        ("least normal", 1 << 52),
        ("greatest", 0x7FEF_FFFF_FFFF_FFFF),
        ("infinity", 0x7FF0 << 48),
        ("minus infinity", 0xFFF0 << 48),
        ("quiet NaN", 0x7FF8 << 48),
        ("signalling NaN", (0x7FF0 << 48) | 1),
        ("NaN with a payload", 0xFFF8_0000_DEAD_BEEF),
        ("NaN of all ones", u64::MAX),
    ];
    all.extend(floats.map(|(name, bits)| (format!("float {name}"), Value::Float(f64::from_bits(bits)))));
    for sample in
        ["", "a", "\0", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}"]
    {
        all.push((format!("str {}", sample.escape_unicode()), text(sample)));
    }
    all.extend(
        [&b""[..], b"\0", b"\xFF\xFE"].map(|bytes| (format!("bytes {}", hex(bytes)), Value::from(bytes))),
    );
    all
}

fn whole() -> Vec<(String, Value)> {
    let mut all = scalars();
    let mut add = |name: &str, value: Value| all.push((name.to_owned(), value));
    let one_of_each = || {
        vec![Value::Null, true.into(), 1.into(), 1.0.into(), text("1"), b"1"[..].into(), List::new().into()]
    };
    add("list empty", Value::List(List::new()));
    add("tuple empty", Value::Tuple([].into()));
    add("map empty", Value::Map(Map::new()));
    add("set empty", Value::Set(Set::from_values([])));
    add("list of each", Value::from(one_of_each()));
    add("tuple of each", Value::Tuple(one_of_each().into()));
    add("set of each", Value::Set(Set::from_values(one_of_each())));
    for count in [1, 2, 8, 9, 10, 16, 17, 90] {
        let scattered = (0..count).map(|n| format!("key {}", n * 37 % 91));
        add(&format!("map of {count}"), map(scattered));
        add(&format!("list of {count}"), Value::from((0..count).map(Value::from).collect::<Vec<_>>()));
        add(
            &format!("set of {count}"),
            Value::Set(Set::from_values((0..count).map(|n| Value::from(n * 100)))),
        );
    }
    for count in [2, 3, 8, 9, 10] {
        let letters = "dbxacfgwik".chars().take(count);
        add(&format!("map of {count} letters"), map(letters.clone().map(String::from)));
        let letters = letters.map(|letter| Value::from(letter.to_string()));
        add(&format!("set of {count} letters"), Value::Set(Set::from_values(letters)));
    }
    let odd =
        ["", "\0", "a.b", "z", "\u{e4}", "a\u{308}", "\u{FF5E}", "\u{1F600}", "A", "key"].map(String::from);
    add("map of odd keys", map(odd.clone()));
    add("map of odd keys, backwards", map(odd.into_iter().rev()));
    for length in [252, 253, 254, 255, 65_533, 65_534, 65_535] {
        add(
            &format!("list of a text of {length}"),
            Value::from(vec![text(&"x".repeat(length)), Value::Null]),
        );
    }
    for depth in [2, 63, 64, 127, 128] {
        add(&format!("{depth} levels"), wrapped(depth));
    }
    let heavy = |shape: &[u64], dtype: &str| {
        let block = BlockId { segment: 1, offset: 4096, length: 1 << 40, serial: u64::MAX };
        Value::from(Heavy { block, dtype: dtype.into(), shape: shape.into(), lease: None })
    };
    add("heavy scalar", heavy(&[], "<f8"));
    add("heavy of two dimensions", heavy(&[3, u64::MAX], ">i4"));
    let object = |codec: &str, bytes: &[u8]| Value::from(Object { codec: codec.into(), bytes: bytes.into() });
    add("object empty", object("", b""));
    add("object", object("pickle", b"\x80\x05N."));
    add("all together", Value::Tuple([heavy(&[0], "|O"), object("json", b"{}"), wrapped(5)].into()));
    all
}

/// What is damaged is at most this long, so that the file stays small.
const SHORT: usize = 64;

/// The same numbers on every machine (Marsaglia, Xorshift RNGs, 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// Bytes that are refused for a known reason, and encodings of the values above with a few bytes changed, dropped, put in, exchanged, doubled or taken from another.
fn damaged() -> Vec<Vec<u8>> {
    let short = |values: Vec<(String, Value)>| -> Vec<Vec<u8>> {
        values.iter().map(|(_, value)| encode(value)).filter(|bytes| bytes.len() <= SHORT).collect()
    };
    let whole = short(whole());
    let containers = &whole[short(scalars()).len()..];
    let mut numbers = Numbers(0x7468_6575_7300_0001);
    let mut all: Vec<Vec<u8>> = REFUSED.iter().map(|(_, bytes)| bytes.to_vec()).collect();
    all.extend([MAX_DEPTH, MAX_DEPTH + 1].map(nested_lists));
    while all.len() < 3500 {
        let from = if numbers.below(4) == 0 { &whole } else { containers };
        let mut bytes = from[numbers.below(from.len())].clone();
        for _ in 0..=numbers.below(3) {
            let (at, other) = (numbers.below(bytes.len()), numbers.below(bytes.len()));
            match numbers.below(10) {
                0 => bytes[at] ^= 1 << numbers.below(8),
                1 => bytes[at] = numbers.below(20) as u8,
                2 => bytes[at] = bytes[at].wrapping_add(1),
                3 => bytes.truncate(at.max(1)),
                4 => bytes.insert(at, numbers.below(14) as u8),
                5 => bytes.extend_from_slice(&whole[numbers.below(whole.len())][1..]),
                6 | 7 => bytes[at] = bytes[other],
                8 => bytes.swap(at, other),
                _ => drop(bytes.remove(at)),
            }
            if bytes.is_empty() {
                bytes.push(1);
            }
        }
        if bytes.len() <= SHORT && !whole.contains(&bytes) && !all.contains(&bytes) {
            all.push(bytes);
        }
    }
    all
}

/// Compares with the committed file, or writes it when asked to.
fn compare(name: &str, lines: &[String]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = lines.join("\n") + "\n";
    if std::env::var("THEUS_GOLDEN").is_ok_and(|wish| wish == "write") {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    for (number, (ours, theirs)) in text.lines().zip(committed.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {} of {name}", number + 1);
    }
    assert_eq!(text.len(), committed.len());
    assert!(text.len() < 200_000, "{} bytes are too many for a committed file", text.len());
}

#[test]
fn golden_values_are_written_and_read_as_ever() {
    let mut lines = vec![];
    for (name, value) in whole() {
        let bytes = encode(&value);
        assert_eq!(decode(&bytes).as_ref(), Ok(&value), "{name}");
        lines.push(format!("{name}\t{}\t{}", hex(&bytes), meaning(&value)));
    }
    compare("values.txt", &lines);
}

#[test]
fn golden_damaged_bytes_get_the_same_verdict_as_ever() {
    let mut accepted = 0;
    let mut refusals = BTreeSet::new();
    let lines: Vec<String> = damaged()
        .iter()
        .map(|bytes| match decode(bytes) {
            Ok(value) => {
                accepted += 1;
                format!("{}\t{}", hex(bytes), meaning(&value))
            }
            Err(error) => {
                let text = error.to_string();
                refusals.insert(text.split(|c: char| c.is_ascii_digit()).collect::<String>());
                hex(bytes)
            }
        })
        .collect();
    assert!((500..3000).contains(&accepted), "{accepted} of {}", lines.len());
    assert!(refusals.len() >= 15, "few kinds of refusal: {refusals:#?}");
    compare("damaged.txt", &lines);
}
