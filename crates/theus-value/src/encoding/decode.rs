//! Building whole values from encoded bytes, after they were [checked](super::check).
//!
//! What not: no check of form; whatever passed the check has exactly one meaning, and this is it.
//! Invariants: total on any bytes even so, and depth limited; nothing is allocated before everything was checked.

use super::check::check;
use super::layout::{FORMAT_VERSION, MAX_DEPTH};
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
    /// A number of items, or a length, beyond what the bytes can hold.
    #[error(
        "byte {at}: a value claims {claimed} items or bytes in {room} bytes; \
         the bytes are damaged, cut short or were not written by the encoder"
    )]
    TooLong {
        /// Where the value in question begins.
        at: usize,
        /// The number of items or bytes that it claims to have.
        claimed: u64,
        /// The bytes there are for them.
        room: u64,
    },
    /// An offset that leads backwards or out of its container.
    #[error(
        "byte {at}: item {item} of a container begins or ends outside of it; \
         the bytes are damaged or were not written by the encoder"
    )]
    Astray {
        /// Where the container begins.
        at: usize,
        /// Which of its items, or of a map's entries, from 0.
        item: usize,
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
/// Everything is checked before anything is built, so bytes that are refused take no memory. Accepted ones take less
/// than 128 times their length at any moment, so whoever takes bytes from strangers bounds the memory by the length that
/// he accepts. (A map of small records takes 11 times. The worst that was found is a map of 17 short entries that are
/// empty lists: 71 times, and up to 99 in 100,000 tries, as the shape of its index follows hashes with a random seed.)
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
    checked(ValueRef::parse(bytes)?, depth.min(MAX_DEPTH))
}

/// Checks `from` and builds it.
pub(super) fn checked(from: ValueRef<'_>, limit: usize) -> Result<Value, DecodeError> {
    check(from, limit, limit)?;
    // Nothing that passed the check fails here.
    build(from, limit)
        .ok_or(DecodeError::Malformed { at: from.position(), what: "a value that changed meanwhile" })
}

/// The value of `from`, if it has one at most `left` containers deep.
fn build(from: ValueRef<'_>, left: usize) -> Option<Value> {
    let rest = from.rest();
    Some(match from.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => Value::Bool(from.as_bool()?),
        Kind::Int => Value::Int(integer::small(rest)),
        Kind::BigInt => Value::integer_from_le_bytes(rest),
        Kind::Float => Value::Float(from.as_float()?),
        Kind::Str => Value::Str(text(rest)?),
        Kind::Bytes => Value::Bytes(Arc::from(rest)),
        Kind::List => Value::List(List::from(items(from, left)?)),
        Kind::Tuple => Value::Tuple(Arc::from(items(from, left)?)),
        Kind::Set => Value::Set(Set::from_ascending(items(from, left)?)),
        Kind::Map => Value::Map(map(from, left)?),
        Kind::Heavy => Value::Heavy(Arc::new(from.heavy()?)),
        Kind::Object => Value::Object(Arc::new(from.object()?)),
    })
}

fn items(from: ValueRef<'_>, left: usize) -> Option<Vec<Value>> {
    let below = left.checked_sub(1)?;
    let mut items = Vec::with_capacity(from.len());
    let mut spans = from.spans();
    for _ in 0..from.len() {
        items.push(build(from.inside(spans.step()?).ok()?, below)?);
    }
    Some(items)
}

fn map(from: ValueRef<'_>, left: usize) -> Option<Map> {
    let below = left.checked_sub(1)?;
    let mut entries: Vec<(Key, Value)> = Vec::with_capacity(from.len());
    let mut spans = from.spans();
    for _ in 0..from.len() {
        let key = text(&from.rest()[spans.step()?])?;
        entries.push((key, build(from.inside(spans.step()?).ok()?, below)?));
    }
    Some(Map::from_distinct(entries))
}

fn text(bytes: &[u8]) -> Option<Arc<str>> {
    utf8(bytes).map(Arc::from)
}

/// Block, shape and dtype, as they lie after a heavy value's tag; the shape still as bytes. `at` is for the error.
pub(super) fn heavy_parts(rest: &[u8], at: usize) -> Result<(BlockId, &[u8], &str), DecodeError> {
    let bad = |what| DecodeError::Malformed { at, what };
    let (words, rest) = rest.split_at_checked(40).ok_or_else(|| bad("a heavy value cut short"))?;
    let word = |n: usize| word(&words[8 * n..]);
    let block = BlockId { segment: word(0), offset: word(1), length: word(2), serial: word(3) };
    let (shape, dtype) = split(rest, word(4), 8, at)?;
    Ok((block, shape, utf8(dtype).ok_or_else(|| bad("a dtype that is not UTF-8"))?))
}

/// Codec and bytes, as they lie after an object's tag. `at` is for the error.
pub(super) fn object_parts(rest: &[u8], at: usize) -> Result<(&str, &[u8]), DecodeError> {
    let bad = |what| DecodeError::Malformed { at, what };
    let (length, rest) = rest.split_at_checked(8).ok_or_else(|| bad("an object cut short"))?;
    let (codec, bytes) = split(rest, word(length), 1, at)?;
    Ok((utf8(codec).ok_or_else(|| bad("a codec that is not UTF-8"))?, bytes))
}

/// Splits after `claimed` things of `size` bytes each.
fn split(bytes: &[u8], claimed: u64, size: u64, at: usize) -> Result<(&[u8], &[u8]), DecodeError> {
    let room = bytes.len() as u64;
    let end = claimed.checked_mul(size).and_then(|end| usize::try_from(end).ok());
    end.and_then(|end| bytes.split_at_checked(end)).ok_or(DecodeError::TooLong { at, claimed, room })
}

/// The heavy value after a tag. It has no lease.
pub(super) fn heavy(rest: &[u8]) -> Option<Heavy> {
    let (block, shape, dtype) = heavy_parts(rest, 0).ok()?;
    let shape = shape.chunks_exact(8).map(word).collect();
    Some(Heavy { block, dtype: Arc::from(dtype), shape, lease: None })
}

/// The object after a tag.
pub(super) fn object(rest: &[u8]) -> Option<Object> {
    let (codec, bytes) = object_parts(rest, 0).ok()?;
    Some(Object { codec: Arc::from(codec), bytes: Arc::from(bytes) })
}

/// The number in the first eight bytes, of which there are as many.
fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
