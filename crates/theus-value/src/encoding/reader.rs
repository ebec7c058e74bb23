//! [`ValueRef`]: reads encoded values where they lie, one field at a time.
//!
//! What not: it does not check what it does not touch. [`ValueRef::check`] or [`decode`](super::decode()) do.
//! Invariants: making one costs O(1), reaching a field costs its container's table only (O(log n) in a large
//! map); on damaged bytes an accessor answers `None` or ends early, it never panics and never reads elsewhere.
//! What [`ValueRef::items`] or [`ValueRef::entries`] give never overlaps. What [`ValueRef::index`] and [`ValueRef::get`]
//! give may, if the table lies, and then visiting all below all of them doubles with each level: check first.

use super::check::check;
use super::decode::{self, DecodeError};
use super::layout::{self, FORMAT_VERSION, MAX_DEPTH, Spans, Table};
use crate::heavy::Heavy;
use crate::integer;
use crate::kind::Kind;
use crate::object::Object;
use crate::value::Value;
use std::cmp::Ordering;
use std::ops::Range;

/// An encoded value, read in place.
///
/// ```
/// use theus_value::{Map, Value, ValueRef, encode};
///
/// let map: Map = [("a".into(), Value::from(1)), ("b".into(), Value::from("text"))].into_iter().collect();
/// let bytes = encode(&Value::Map(map));
/// let read = ValueRef::parse(&bytes)?;
/// assert_eq!(read.get("b").and_then(|b| b.as_str()), Some("text"));
/// # Ok::<(), theus_value::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ValueRef<'a> {
    /// The tag and everything that belongs to the value.
    bytes: &'a [u8],
    /// Where that lies in the whole input, for errors.
    at: usize,
    /// Where the items lie; there are none unless it is a container.
    table: Table,
    kind: Kind,
}

impl<'a> ValueRef<'a> {
    /// A reader of the value that the whole of `bytes` encodes. O(1): looks at the first bytes and the last.
    ///
    /// # Errors
    /// [`DecodeError`] if the outermost value cannot be read; what lies inside is checked when it is reached.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match bytes.split_first() {
            None => Err(DecodeError::Empty),
            Some((&FORMAT_VERSION, value)) => Self::read(value, 1),
            Some((&found, _)) => Err(DecodeError::Version { found }),
        }
    }

    /// Reads the value that all of `bytes` are. `at` is where they lie in the input.
    #[inline(always)]
    fn read(bytes: &'a [u8], at: usize) -> Result<Self, DecodeError> {
        let bad = |what| DecodeError::Malformed { at, what };
        let (&tag, rest) = bytes.split_first().ok_or_else(|| bad("a value without a tag"))?;
        let (low, nibble) = (tag & 0x0F, tag >> 4);
        let kind = match low {
            layout::NULL => Kind::Null,
            layout::FALSE | layout::TRUE => Kind::Bool,
            layout::INTEGER if rest.len() > 8 => Kind::BigInt,
            layout::INTEGER => Kind::Int,
            layout::FLOAT => Kind::Float,
            layout::STR => Kind::Str,
            layout::BYTES => Kind::Bytes,
            layout::LIST => Kind::List,
            layout::TUPLE => Kind::Tuple,
            layout::MAP => Kind::Map,
            layout::SET => Kind::Set,
            layout::HEAVY => Kind::Heavy,
            layout::OBJECT => Kind::Object,
            _ => return Err(bad("an unknown tag")),
        };
        let table = match kind {
            Kind::List | Kind::Tuple | Kind::Set | Kind::Map => {
                Table::read(nibble, rest, kind == Kind::Map, at)?
            }
            _ if nibble != 0 => return Err(bad("an unknown tag")),
            Kind::Null | Kind::Bool if !rest.is_empty() => {
                return Err(bad("bytes after a value that has none"));
            }
            Kind::Int if rest.is_empty() => return Err(bad("an integer without bytes")),
            _ => Table::default(),
        };
        Ok(Self { bytes, at, table, kind })
    }

    /// Which kind of value this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The truth value, if it is a bool.
    pub fn as_bool(&self) -> Option<bool> {
        (self.kind == Kind::Bool).then(|| self.bytes[0] == layout::TRUE)
    }

    /// The integer, if it is one that fits `i64`.
    pub fn as_int(&self) -> Option<i64> {
        (self.kind == Kind::Int).then(|| integer::small(self.rest()))
    }

    /// The signed two's complement bytes, least significant first, of an integer of any size.
    pub fn as_integer_le_bytes(&self) -> Option<&'a [u8]> {
        matches!(self.kind, Kind::Int | Kind::BigInt).then(|| self.rest())
    }

    /// The number, if it is a float.
    pub fn as_float(&self) -> Option<f64> {
        let bits = self.rest().try_into().ok().map(u64::from_le_bytes);
        if self.kind == Kind::Float { bits.map(f64::from_bits) } else { None }
    }

    /// The text, if it is a str and UTF-8.
    pub fn as_str(&self) -> Option<&'a str> {
        if self.kind == Kind::Str { utf8(self.rest()) } else { None }
    }

    /// The bytes, if it is a bytes value.
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        (self.kind == Kind::Bytes).then(|| self.rest())
    }

    /// The number of items of a list, tuple or set, or of entries of a map; 0 for anything else.
    pub fn len(&self) -> usize {
        self.table.count
    }

    /// True if there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at `key` of a map. O(log n).
    pub fn get(&self, key: &str) -> Option<ValueRef<'a>> {
        if self.kind != Kind::Map {
            return None;
        }
        let range = if self.table.is_ordered() {
            self.table.range(self.rest(), 2 * self.search(key.as_bytes())? + 1)?
        } else {
            self.scan(key.as_bytes())?
        };
        self.inside(range).ok()
    }

    /// Binary search through the map's order (Knuth, TAOCP vol. 3, 6.2.1).
    fn search(&self, key: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.table.count);
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = self.table.ranked(self.rest(), middle)?;
            match self.key_bytes(entry)?.cmp(key) {
                Ordering::Equal => return Some(entry),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Where the value of `key` lies in a map without an order.
    fn scan(&self, key: &[u8]) -> Option<Range<usize>> {
        let mut spans = self.spans();
        loop {
            let (found, value) = (spans.step()?, spans.step()?);
            if self.rest()[found] == *key {
                return Some(value);
            }
        }
    }

    /// Item `n` of a list, tuple or set, counted from 0.
    pub fn index(&self, n: usize) -> Option<ValueRef<'a>> {
        if self.kind == Kind::Map {
            return None;
        }
        self.inside(self.table.range(self.rest(), n)?).ok()
    }

    /// The items of a list, tuple or set in order; nothing for other kinds. Ends at the first damaged item.
    pub fn items(&self) -> Items<'a> {
        Items { of: *self, spans: self.spans() }
    }

    /// The entries of a map in insertion order; nothing for other kinds. Ends at the first damaged entry.
    pub fn entries(&self) -> Entries<'a> {
        Entries { of: *self, spans: self.spans() }
    }

    /// The handle, if it is a heavy value. It has no lease.
    pub fn heavy(&self) -> Option<Heavy> {
        if self.kind == Kind::Heavy { decode::heavy(self.rest()) } else { None }
    }

    /// The object, if it is one. Copies its bytes.
    pub fn object(&self) -> Option<Object> {
        if self.kind == Kind::Object { decode::object(self.rest()) } else { None }
    }

    /// Decodes this value and all below it.
    ///
    /// # Errors
    /// [`DecodeError`] as [`decode`](super::decode()).
    pub fn to_value(&self) -> Result<Value, DecodeError> {
        decode::checked(*self, MAX_DEPTH)
    }

    /// Checks this value and all below it as strictly as [`decode`](super::decode()) does, without allocating.
    ///
    /// # Errors
    /// [`DecodeError`] of the first thing that is wrong.
    pub fn check(&self) -> Result<(), DecodeError> {
        check(*self, MAX_DEPTH, MAX_DEPTH)
    }

    /// The encoded bytes of this value without a version byte.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes after the tag.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[1..]
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn table(&self) -> Table {
        self.table
    }

    pub(super) fn spans(&self) -> Spans<'a> {
        self.table.spans(self.rest())
    }

    /// The value that lies at `range` after the tag. The range is one that the table gave.
    #[inline(always)]
    pub(super) fn inside(&self, range: Range<usize>) -> Result<ValueRef<'a>, DecodeError> {
        let at = self.at + 1 + range.start;
        Self::read(self.rest().get(range).unwrap_or_default(), at)
    }

    /// The key of entry `n` of a map.
    pub(super) fn key_bytes(&self, n: usize) -> Option<&'a [u8]> {
        self.rest().get(self.table.range(self.rest(), 2 * n)?)
    }
}

pub(super) fn utf8(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The items of an encoded sequence. Made by [`ValueRef::items`].
#[derive(Clone, Debug)]
pub struct Items<'a> {
    of: ValueRef<'a>,
    spans: Spans<'a>,
}

impl<'a> Iterator for Items<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        if self.of.kind == Kind::Map {
            return None;
        }
        let before = self.spans;
        let item = self.spans.step().and_then(|range| self.of.inside(range).ok());
        if item.is_none() {
            self.spans = before;
        }
        item
    }
}

/// The entries of an encoded map. Made by [`ValueRef::entries`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    of: ValueRef<'a>,
    spans: Spans<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.of.kind != Kind::Map {
            return None;
        }
        let before = self.spans;
        let entry = self.entry();
        if entry.is_none() {
            self.spans = before;
        }
        entry
    }
}

impl<'a> Entries<'a> {
    fn entry(&mut self) -> Option<(&'a str, ValueRef<'a>)> {
        let (key, item) = (self.spans.step()?, self.spans.step()?);
        Some((utf8(self.of.rest().get(key)?)?, self.of.inside(item).ok()?))
    }
}
