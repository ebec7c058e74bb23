//! Checking encoded values, strictly: only what [`encode`](super::encode()) can have written passes.
//!
//! What not: nothing is built and nothing allocated, so refused bytes cost no memory, whatever they claim. No leniency:
//! bytes that mean a value in a second way are refused, or hashes of equal values could differ.
//! Invariants: total on any bytes; depth limited; the whole of a container is checked, its table included;
//! time is linear in the length of the input (a set's items are compared whole, so times the sets around a byte).

use super::decode::{DecodeError, heavy_parts, object_parts};
use super::layout::{ORDERED_ABOVE, Table};
use super::reader::{ValueRef, utf8};
use crate::integer;
use crate::kind::Kind;

/// Checks `from` with room for `left` more levels out of `limit`.
pub(super) fn check(from: ValueRef<'_>, left: usize, limit: usize) -> Result<(), DecodeError> {
    let at = from.position();
    let bad = |what| Err(DecodeError::Malformed { at, what });
    let rest = from.rest();
    match from.kind() {
        // Their tags say it all, and the reader has looked that nothing follows.
        Kind::Null | Kind::Bool | Kind::Bytes => Ok(()),
        Kind::Int | Kind::BigInt => match rest {
            [.., below, top] if integer::is_redundant(*top, *below) => bad("an integer with bytes to spare"),
            _ => Ok(()),
        },
        Kind::Float if rest.len() != 8 => bad("a float without 8 bytes"),
        Kind::Float => Ok(()),
        Kind::Str if utf8(rest).is_none() => bad("text that is not UTF-8"),
        Kind::Str => Ok(()),
        Kind::Heavy => heavy_parts(rest, at).map(drop),
        Kind::Object => object_parts(rest, at).map(drop),
        Kind::List | Kind::Tuple | Kind::Set | Kind::Map if left == 0 => {
            Err(DecodeError::TooDeep { at, limit })
        }
        Kind::Map => map(from, left, limit),
        kind => items(from, kind == Kind::Set, left, limit),
    }
}

fn items(from: ValueRef<'_>, is_set: bool, left: usize, limit: usize) -> Result<(), DecodeError> {
    let mut spans = from.spans();
    let mut last: Option<&[u8]> = None;
    for n in 0..from.len() {
        let item = from.inside(spans.step().ok_or_else(|| astray(from, n))?)?;
        if is_set {
            if last.is_some_and(|last| last >= item.bytes()) {
                return Err(DecodeError::Malformed { at: item.position(), what: "a set out of order" });
            }
            last = Some(item.bytes());
        }
        check(item, left - 1, limit)?;
    }
    Ok(())
}

fn map(from: ValueRef<'_>, left: usize, limit: usize) -> Result<(), DecodeError> {
    let bad = |what| DecodeError::Malformed { at: from.position(), what };
    let table = from.table();
    let mut spans = from.spans();
    let mut few: [&[u8]; ORDERED_ABOVE] = [&[]; ORDERED_ABOVE];
    for n in 0..table.count {
        let mut next = || spans.step().ok_or_else(|| astray(from, n));
        let key = &from.rest()[next()?];
        let item = from.inside(next()?)?;
        if utf8(key).is_none() {
            return Err(bad("a map key that is not UTF-8"));
        }
        if !table.is_ordered() {
            if few[..n].contains(&key) {
                return Err(bad("a map with a key twice"));
            }
            few[n] = key;
        }
        check(item, left - 1, limit)?;
    }
    if table.is_ordered() { order(from, &table) } else { Ok(()) }
}

/// Strictly ascending keys name each entry once, so they also show that no key is there twice.
fn order(from: ValueRef<'_>, table: &Table) -> Result<(), DecodeError> {
    let bad = |what| DecodeError::Malformed { at: from.position(), what };
    let mut last: Option<&[u8]> = None;
    for rank in 0..table.count {
        let entry = table.ranked(from.rest(), rank).ok_or_else(|| bad("a map whose order names no entry"))?;
        let key = from.key_bytes(entry).ok_or_else(|| astray(from, entry))?;
        if last.is_some_and(|last| last >= key) {
            return Err(bad("a map whose order is not ascending by key"));
        }
        last = Some(key);
    }
    Ok(())
}

fn astray(from: ValueRef<'_>, item: usize) -> DecodeError {
    DecodeError::Astray { at: from.position(), item }
}
