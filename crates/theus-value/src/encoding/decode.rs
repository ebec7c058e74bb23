//! Reading whole values, strictly: only what [`encode`](super::encode()) can have written is accepted.
//!
//! What not: no leniency; bytes that mean a value in a second way are refused, or hashes of equal values could differ.
//! Invariants: total on any bytes; depth limited; each value that is made is paid for by at least one byte of input.

use super::layout::{FORMAT_VERSION, MAX_DEPTH, Table};
use super::reader::{ValueRef, utf8};
use crate::heavy::{BlockId, Heavy};
use crate::integer;
use crate::kind::Kind;
use crate::list::List;
use crate::map::Map;
use crate::object::Object;
use crate::set::Set;
use crate::value::{Key, Value};
use std::sync::Arc;

/// Why bytes are not the encoding of a value. Positions count bytes of the input from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There is nothing at all.
    #[error("no bytes where a value was expected")]
    Empty,
    /// Written in another format.
    #[error("the bytes are in format version {found}, this library reads version {FORMAT_VERSION}")]
    Version {
        /// The version byte.
        found: u8,
    },
    /// Not a shape that the encoder writes.
    #[error("byte {at}: {what}; the bytes are damaged or were not written by the encoder")]
    Malformed {
        /// Where the value in question begins.
        at: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Containers inside containers beyond the limit.
    #[error("byte {at}: more than {limit} containers inside one another")]
    TooDeep {
        /// Where the first container beyond the limit begins.
        at: usize,
        /// The limit.
        limit: usize,
    },
}

/// The value that `bytes` encode.
///
/// # Errors
/// [`DecodeError`] unless `bytes` are exactly what [`encode`](super::encode()) gives for some value
/// that is at most [`MAX_DEPTH`] containers deep.
pub fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    decode_at_most(bytes, MAX_DEPTH)
}

/// As [`decode`], for at most `depth` containers inside one another (and never more than [`MAX_DEPTH`]).
///
/// For values that will become part of a state, which must itself stay below [`MAX_DEPTH`].
///
/// # Errors
/// As [`decode`].
pub fn decode_at_most(bytes: &[u8], depth: usize) -> Result<Value, DecodeError> {
    let limit = depth.min(MAX_DEPTH);
    value(ValueRef::parse(bytes)?, limit, limit)
}

/// Decodes `from`, with room for `left` more levels out of `limit`.
pub(super) fn value(from: ValueRef<'_>, left: usize, limit: usize) -> Result<Value, DecodeError> {
    let bad = |what| DecodeError::Malformed { at: from.position(), what };
    let rest = from.rest();
    Ok(match from.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Bool(from.as_bool() == Some(true)),
        Kind::Int | Kind::BigInt => {
            if matches!(rest, [.., below, top] if integer::is_redundant(*top, *below)) {
                return Err(bad("an integer with bytes to spare"));
            }
            if rest.len() <= 8 {
                Value::Int(integer::small(rest))
            } else {
                Value::integer_from_le_bytes(rest)
            }
        }
        Kind::Float => Value::Float(from.as_float().ok_or_else(|| bad("a float without 8 bytes"))?),
        Kind::Str => Value::Str(Arc::from(utf8(rest).ok_or_else(|| bad("text that is not UTF-8"))?)),
        Kind::Bytes => Value::Bytes(Arc::from(rest)),
        Kind::List => Value::List(List::from(items(from, left, limit)?)),
        Kind::Tuple => Value::Tuple(Arc::from(items(from, left, limit)?)),
        Kind::Set => set(from, left, limit)?,
        Kind::Map => Value::Map(map(from, left, limit)?),
        Kind::Heavy => Value::Heavy(Arc::new(from.heavy().ok_or_else(|| bad("a heavy value cut short"))?)),
        Kind::Object => Value::Object(Arc::new(from.object().ok_or_else(|| bad("an object cut short"))?)),
    })
}

/// The container's table, if there is room for one more level.
fn table<'a>(from: ValueRef<'a>, left: usize, limit: usize) -> Result<Table<'a>, DecodeError> {
    if left == 0 {
        return Err(DecodeError::TooDeep { at: from.position(), limit });
    }
    from.table().ok_or(DecodeError::Malformed { at: from.position(), what: "a container without a table" })
}

fn items(from: ValueRef<'_>, left: usize, limit: usize) -> Result<Vec<Value>, DecodeError> {
    let table = table(from, left, limit)?;
    let mut items = Vec::with_capacity(table.count);
    for n in 0..table.count {
        items.push(value(from.item(&table, n)?, left - 1, limit)?);
    }
    Ok(items)
}

fn set(from: ValueRef<'_>, left: usize, limit: usize) -> Result<Value, DecodeError> {
    let table = table(from, left, limit)?;
    let mut items = Vec::with_capacity(table.count);
    let mut last: Option<&[u8]> = None;
    for n in 0..table.count {
        let item = from.item(&table, n)?;
        if last.is_some_and(|last| last >= item.bytes()) {
            return Err(DecodeError::Malformed { at: item.position(), what: "a set out of order" });
        }
        last = Some(item.bytes());
        items.push(value(item, left - 1, limit)?);
    }
    Ok(Value::Set(Set::from_ascending(items)))
}

fn map(from: ValueRef<'_>, left: usize, limit: usize) -> Result<Map, DecodeError> {
    let table = table(from, left, limit)?;
    let bad = |what| DecodeError::Malformed { at: from.position(), what };
    let mut entries: Vec<(Key, Value)> = Vec::with_capacity(table.count);
    for n in 0..table.count {
        let key = from.key(&table, n).ok_or_else(|| bad("a map key that is not there or not UTF-8"))?;
        if !table.is_ordered() && entries.iter().any(|(earlier, _)| **earlier == *key) {
            return Err(bad("a map with a key twice"));
        }
        let item = from.item(&table, 2 * n + 1)?;
        entries.push((Arc::from(key), value(item, left - 1, limit)?));
    }
    if table.is_ordered() {
        let mut last: Option<&str> = None;
        for rank in 0..table.count {
            let entry = table.ranked(rank).ok_or_else(|| bad("a map whose order names no entry"))?;
            let key = &*entries[entry].0;
            if last.is_some_and(|last| last >= key) {
                return Err(bad("a map whose order is not ascending by key"));
            }
            last = Some(key);
        }
    }
    Ok(Map::from_distinct(entries))
}

/// The block, shape and dtype after a heavy value's tag.
pub(super) fn heavy(rest: &[u8]) -> Option<Heavy> {
    let (words, rest) = rest.split_at_checked(40)?;
    let mut words = words.chunks_exact(8).map(word);
    let mut next = || words.next().flatten();
    let block = BlockId { segment: next()?, offset: next()?, length: next()?, serial: next()? };
    let dimensions = usize::try_from(next()?).ok()?;
    let (shape, dtype) = rest.split_at_checked(dimensions.checked_mul(8)?)?;
    let shape = shape.chunks_exact(8).map(word).collect::<Option<Arc<[u64]>>>()?;
    Some(Heavy { block, dtype: Arc::from(utf8(dtype)?), shape, lease: None })
}

/// The codec and bytes after an object's tag.
pub(super) fn object(rest: &[u8]) -> Option<Object> {
    let (length, rest) = rest.split_at_checked(8)?;
    let (codec, bytes) = rest.split_at_checked(usize::try_from(word(length)?).ok()?)?;
    Some(Object { codec: Arc::from(utf8(codec)?), bytes: Arc::from(bytes) })
}

fn word(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_le_bytes)
}
