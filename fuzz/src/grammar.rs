//! [`Grammar`]: values, maps and updates out of any bytes.
//!
//! What not: no randomness, and no bytes that are refused; after the last byte come zeros, which give the simplest of
//! everything. Invariant: few names, so that updates meet; sizes on both sides of the borders between representations.

use std::sync::Arc;
use theus_value::{BlockId, Heavy, Key, List, Map, Object, Op, Path, Set, Update, Value};

const NAMES: [&str; 12] = ["a", "b", "c", "d", "0", "1", "2", "01", "", "a.b", "é", "long name of some text"];
/// The most containers inside one another.
const DEPTH: usize = 6;
/// How many values one input may make, since a few bytes can say "wide" and "deep" at once.
const VALUES: usize = 400;

/// Reads an input from its first byte on.
#[derive(Debug)]
pub struct Grammar<'a> {
    rest: &'a [u8],
    values: usize,
}

impl<'a> Grammar<'a> {
    /// A reader of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, values: VALUES }
    }

    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> u64 {
        self.take(8).iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
    }

    fn text(&mut self) -> String {
        let len = usize::from(self.byte() % 24);
        String::from_utf8_lossy(self.take(len)).into_owned()
    }

    fn name(&mut self) -> Key {
        let byte = usize::from(self.byte());
        match NAMES.get(byte % 16) {
            Some(name) => Key::from(*name),
            None if byte % 16 < 15 => Key::from(format!("k{}", byte / 16)),
            None => self.text().into(),
        }
    }

    /// A path, sometimes the root, sometimes too long to be written.
    pub fn path(&mut self) -> Path {
        match self.byte() {
            255 => Path::from_segments((0..66).map(|_| "a")),
            254 => Path::from_segments((0..64).map(|_| "a")),
            byte => Path::from_segments((0..byte % 5).map(|_| self.name()).collect::<Vec<_>>()),
        }
    }

    /// A map of few or of many entries.
    pub fn map(&mut self) -> Map {
        self.map_at(DEPTH)
    }

    fn map_at(&mut self, depth: usize) -> Map {
        let byte = usize::from(self.byte());
        if byte < 240 {
            return (0..byte % 6).map(|_| (self.name(), self.value(depth))).collect();
        }
        // Numbered names, so that a few bytes make a map that is stored another way.
        let many = (byte - 239) * 5;
        (0..many).map(|n| (Key::from(format!("k{n}")), self.value(depth.min(1)))).collect()
    }

    fn items(&mut self, depth: usize) -> Vec<Value> {
        let byte = usize::from(self.byte());
        let many = if byte < 240 { byte % 5 } else { (byte - 239) * 9 };
        (0..many).map(|_| self.value(depth)).collect()
    }

    fn value(&mut self, depth: usize) -> Value {
        self.values = self.values.saturating_sub(1);
        let kind = self.byte() % 16;
        if kind >= 9 && (depth == 0 || self.values == 0) {
            return Value::Null;
        }
        match kind {
            0 => Value::Null,
            1 => Value::from(self.byte() % 2 == 1),
            2 => Value::from(i64::from(self.byte())),
            3 => Value::Int(self.word() as i64),
            4 => {
                let len = usize::from(self.byte() % 24);
                Value::integer_from_le_bytes(self.take(len))
            }
            5 => Value::Float(f64::from_bits(self.word())),
            6 => Value::from(self.text()),
            7 => Value::from(self.text().into_bytes()),
            8 => self.foreign(),
            9 | 10 => Value::List(List::from(self.items(depth - 1))),
            11 => Value::Tuple(self.items(depth - 1).into()),
            12 => Value::Set(Set::from_values(self.items(depth - 1))),
            _ => Value::Map(self.map_at(depth - 1)),
        }
    }

    fn foreign(&mut self) -> Value {
        if self.byte().is_multiple_of(2) {
            let bytes = Arc::from(self.text().into_bytes());
            return Value::from(Object { codec: self.text().into(), bytes });
        }
        let block =
            BlockId { segment: self.word(), offset: self.word(), length: self.word(), serial: self.word() };
        let shape: Vec<u64> = (0..self.byte() % 4).map(|_| u64::from(self.byte())).collect();
        Value::from(Heavy { block, dtype: Arc::from("<f8"), shape: shape.into(), lease: None })
    }

    fn op(&mut self) -> Op {
        match self.byte() % 8 {
            0..=2 => Op::Set { path: self.path(), value: self.value(DEPTH) },
            3 | 4 => Op::Merge { path: self.path(), value: self.map() },
            5 => Op::Append { path: self.path(), values: self.items(2) },
            _ => Op::Delete { path: self.path() },
        }
    }

    /// An update of a few operations.
    pub fn update(&mut self) -> Update {
        let count = self.byte() % 6;
        (0..count).map(|_| self.op()).collect()
    }
}
