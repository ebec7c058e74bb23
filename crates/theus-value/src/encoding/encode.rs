//! Writing values: one pass, each container's table after its items, so nothing is moved.
//!
//! What not: no choice; a value has exactly one encoding.
//! Invariant: the buffer only grows, and with a limit it stops growing within one scalar of it.

use super::layout::{self, FORMAT_VERSION, ORDERED_ABOVE, width_code};
use crate::heavy::Heavy;
use crate::integer::minimal_len;
use crate::map::Map;
use crate::value::Value;

/// The canonical bytes of `value`.
///
/// A value of more than [`MAX_DEPTH`](super::MAX_DEPTH) containers inside one another is written like any other, but
/// nobody reads it back; [`Value::depth`] tells.
///
/// ```
/// use theus_value::{Map, Value, encode};
///
/// let map: Map = [("a".into(), Value::from(1))].into_iter().collect();
/// assert_eq!(encode(&Value::Map(map)), [0x01, 0x19, b'a', 0x03, 1, 1, 1]);
/// ```
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    encode_into(value, &mut out);
    out
}

/// Adds the canonical bytes of `value` at the end of `out`.
pub fn encode_into(value: &Value, out: &mut Vec<u8>) {
    out.push(FORMAT_VERSION);
    // Without a limit nothing stops the writer early.
    let _whole = Writer { out, starts: Vec::new(), limit: usize::MAX }.value(value);
}

/// The canonical bytes of `value` if they are at most `limit` bytes; otherwise stops early and gives nothing.
pub fn encode_within(value: &Value, limit: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(limit.min(64));
    out.push(FORMAT_VERSION);
    Writer { out: &mut out, starts: Vec::new(), limit }.value(value)?;
    (out.len() <= limit).then_some(out)
}

/// The bytes of `value` without the version byte, as they stand inside a container.
pub(crate) fn bare(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    let _whole = Writer { out: &mut out, starts: Vec::new(), limit: usize::MAX }.value(value);
    out
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Starts of the items of all open containers, the innermost last; one buffer for all of them.
    starts: Vec<usize>,
    limit: usize,
}

impl Writer<'_> {
    /// Writes `value`; `None` once the limit is passed.
    fn value(&mut self, value: &Value) -> Option<()> {
        match value {
            Value::Null => self.out.push(layout::NULL),
            Value::Bool(false) => self.out.push(layout::FALSE),
            Value::Bool(true) => self.out.push(layout::TRUE),
            Value::Int(value) => self.tagged(layout::INTEGER, &value.to_le_bytes()[..minimal_len(*value)])?,
            Value::BigInt(value) => self.tagged(layout::INTEGER, value.to_le_bytes())?,
            Value::Float(value) => self.tagged(layout::FLOAT, &value.to_bits().to_le_bytes())?,
            Value::Str(text) => self.tagged(layout::STR, text.as_bytes())?,
            Value::Bytes(bytes) => self.tagged(layout::BYTES, bytes)?,
            Value::List(list) => self.sequence(layout::LIST, list.iter())?,
            Value::Tuple(items) => self.sequence(layout::TUPLE, items.iter())?,
            Value::Map(map) => self.map(map)?,
            Value::Set(set) => self.sequence(layout::SET, set.iter())?,
            Value::Heavy(heavy) => self.heavy(heavy)?,
            Value::Object(object) => {
                self.room(object.codec.len() + object.bytes.len())?;
                self.out.push(layout::OBJECT);
                self.out.extend_from_slice(&(object.codec.len() as u64).to_le_bytes());
                self.out.extend_from_slice(object.codec.as_bytes());
                self.out.extend_from_slice(&object.bytes);
            }
        }
        self.room(0)
    }

    fn room(&self, more: usize) -> Option<()> {
        (self.out.len().saturating_add(more) <= self.limit).then_some(())
    }

    fn tagged(&mut self, tag: u8, rest: &[u8]) -> Option<()> {
        self.room(rest.len())?;
        self.out.push(tag);
        self.out.extend_from_slice(rest);
        Some(())
    }

    fn heavy(&mut self, heavy: &Heavy) -> Option<()> {
        let block = &heavy.block;
        self.room(heavy.shape.len().saturating_mul(8) + heavy.dtype.len())?;
        self.out.push(layout::HEAVY);
        let numbers = [block.segment, block.offset, block.length, block.serial, heavy.shape.len() as u64];
        for number in numbers.iter().chain(heavy.shape.iter()) {
            self.out.extend_from_slice(&number.to_le_bytes());
        }
        self.out.extend_from_slice(heavy.dtype.as_bytes());
        Some(())
    }

    fn sequence<'v>(&mut self, tag: u8, items: impl Iterator<Item = &'v Value>) -> Option<()> {
        let tag_at = self.open(tag);
        let first = self.starts.len();
        let mut count = 0;
        for item in items {
            self.starts.push(self.out.len());
            self.value(item)?;
            count += 1;
        }
        self.close(tag_at, first, count, &[])
    }

    fn map(&mut self, map: &Map) -> Option<()> {
        let tag_at = self.open(layout::MAP);
        let first = self.starts.len();
        for (key, item) in map {
            self.starts.push(self.out.len());
            self.room(key.len())?;
            self.out.extend_from_slice(key.as_bytes());
            self.starts.push(self.out.len());
            self.value(item)?;
        }
        if map.len() <= ORDERED_ABOVE {
            return self.close(tag_at, first, map.len(), &[]);
        }
        let order = self.order(first);
        self.close(tag_at, first, map.len(), &order)
    }

    /// The numbers of the entries whose keys and values start at `self.starts[first..]`, ascending by key.
    ///
    /// Keys of one map are often alike at their beginning, so what follows that is compared first, eight bytes at
    /// once; only where those are equal do the keys themselves have to be looked at.
    fn order(&self, first: usize) -> Vec<usize> {
        let key = |pair: &[usize]| self.out.get(pair[0]..pair[1]).unwrap_or_default();
        let keys = || self.starts[first..].chunks_exact(2).map(key);
        // For few keys that look costs more than it saves.
        let shared = if keys().len() < 64 { None } else { keys().reduce(common) };
        let shared = shared.map_or(0, <[u8]>::len);
        let mut by_key: Vec<(u64, &[u8], usize)> = keys()
            .map(|key| &key[shared..])
            .enumerate()
            .map(|(entry, rest)| {
                let mut head = [0; 8];
                let length = rest.len().min(8);
                head[..length].copy_from_slice(&rest[..length]);
                (u64::from_be_bytes(head), rest, entry)
            })
            .collect();
        by_key.sort_unstable();
        by_key.into_iter().map(|(_, _, entry)| entry).collect()
    }

    fn open(&mut self, tag: u8) -> usize {
        self.out.push(tag);
        self.out.len() - 1
    }

    /// Writes the table of the items that start at `self.starts[first..]`, and the width into the tag.
    fn close(&mut self, tag_at: usize, first: usize, count: usize, order: &[usize]) -> Option<()> {
        if count == 0 {
            return Some(());
        }
        let base = tag_at + 1;
        let code = width_code(self.out.len() - base);
        let width = 1usize << code;
        let starts = &self.starts[first + 1..];
        self.room((starts.len() + order.len() + 1).saturating_mul(width))?;
        self.out[tag_at] |= (code + 1) << 4;
        let numbers = starts.iter().map(|start| start - base).chain(order.iter().copied()).chain([count]);
        // The body's length needs this width, so no number in it loses anything.
        match code {
            0 => self.out.extend(numbers.map(|number| number as u8)),
            1 => numbers.for_each(|number| self.out.extend_from_slice(&(number as u16).to_le_bytes())),
            2 => numbers.for_each(|number| self.out.extend_from_slice(&(number as u32).to_le_bytes())),
            _ => numbers.for_each(|number| self.out.extend_from_slice(&(number as u64).to_le_bytes())),
        }
        self.starts.truncate(first);
        Some(())
    }
}

/// What both begin with.
fn common<'a>(a: &'a [u8], b: &'a [u8]) -> &'a [u8] {
    let length = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    &a[..length]
}
