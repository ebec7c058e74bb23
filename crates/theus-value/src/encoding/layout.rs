//! The numbers of the format, and the table at the end of a container: where each item begins.
//!
//! What not: no meaning of items. The picture is in the [module above](super).
//! Invariant: a [`Table`] answers only with ranges inside the bytes it was read from.

use super::decode::DecodeError;
use std::ops::Range;

/// First byte of every encoding.
pub const FORMAT_VERSION: u8 = 1;
/// The most containers inside one another that [`decode`](super::decode()) accepts.
pub const MAX_DEPTH: usize = 128;

/// Maps with more entries than this carry the keys' order for binary search.
pub(super) const ORDERED_ABOVE: usize = 8;

pub(super) const NULL: u8 = 0;
pub(super) const FALSE: u8 = 1;
pub(super) const TRUE: u8 = 2;
pub(super) const INTEGER: u8 = 3;
pub(super) const FLOAT: u8 = 4;
pub(super) const STR: u8 = 5;
pub(super) const BYTES: u8 = 6;
pub(super) const LIST: u8 = 7;
pub(super) const TUPLE: u8 = 8;
pub(super) const MAP: u8 = 9;
pub(super) const SET: u8 = 10;
pub(super) const HEAVY: u8 = 11;
pub(super) const OBJECT: u8 = 12;

/// The code (0 to 3) of the narrowest number that holds `body`, the length of all items together.
pub(super) fn width_code(body: usize) -> u8 {
    match body as u64 {
        0..=0xFF => 0,
        0x100..=0xFFFF => 1,
        0x1_0000..=0xFFFF_FFFF => 2,
        _ => 3,
    }
}

/// The little-endian number of `code` at `at`: 1, 2, 4 or 8 bytes for the codes 0 to 3; 0 where there is none.
///
/// A number of a fixed size each, since a copy of a length known only at run time costs more than all the rest.
fn number(bytes: &[u8], at: usize, code: u8) -> u64 {
    let from = bytes.get(at..).unwrap_or_default();
    match code {
        0 => from.first().map(|&byte| u64::from(byte)),
        1 => from.first_chunk().map(|bytes| u64::from(u16::from_le_bytes(*bytes))),
        2 => from.first_chunk().map(|bytes| u64::from(u32::from_le_bytes(*bytes))),
        _ => from.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
    }
    .unwrap_or(0)
}

/// Where a container's items lie, found through the numbers at its end. Small, so that readers can carry it about;
/// the bytes it speaks of (everything after the container's tag) are handed to it each time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Table {
    /// Values in the container; a map's entries.
    pub(super) count: usize,
    /// Length of the body, where all items lie.
    body: usize,
    /// Bytes per number, as [`number`] takes it.
    code: u8,
    is_map: bool,
}

impl Table {
    /// Reads the shape of a container from its tag's width nibble and the bytes after the tag, in O(1).
    /// `at` is where the container lies in the input, for the error.
    pub(super) fn read(nibble: u8, rest: &[u8], is_map: bool, at: usize) -> Result<Self, DecodeError> {
        let bad = |what| DecodeError::Malformed { at, what };
        match nibble {
            0 if rest.is_empty() => return Ok(Table { is_map, ..Table::default() }),
            0 => return Err(bad("an empty container with contents")),
            1..=4 => {}
            _ => return Err(bad("an unknown table width")),
        }
        let code = nibble - 1;
        let width = 1u64 << code;
        let room = rest.len() as u64;
        let last = rest.len().checked_sub(1 << code).ok_or_else(|| bad("a container without a count"))?;
        let count = number(rest, last, code);
        if count == 0 {
            return Err(bad("a container without a count"));
        }
        let numbers = match (is_map, count > ORDERED_ABOVE as u64) {
            (false, _) => Some(count),
            (true, false) => count.checked_mul(2),
            (true, true) => count.checked_mul(3),
        };
        let table = numbers.and_then(|numbers| numbers.checked_mul(width));
        // What is left is not longer than `rest`, and neither is the count, so both fit `usize`.
        let body = table.and_then(|table| room.checked_sub(table)).map(|body| body as usize);
        let body = body.ok_or(DecodeError::TooLong { at, claimed: count, room })?;
        if width_code(body) != code {
            return Err(bad("a table wider or narrower than its items need"));
        }
        Ok(Table { count: count as usize, body, code, is_map })
    }

    /// Where item `n` lies after the tag; nothing if there is no such item or its bounds make no sense.
    pub(super) fn range(&self, rest: &[u8], n: usize) -> Option<Range<usize>> {
        let items = self.items();
        if n >= items {
            return None;
        }
        let start = if n == 0 { 0 } else { self.cell(rest, n - 1) };
        let end = if n + 1 == items { self.body } else { self.cell(rest, n) };
        (start <= end && end <= self.body).then_some(start..end)
    }

    /// The number of the entry that comes `rank`-th by key; nothing if the map carries no order.
    pub(super) fn ranked(&self, rest: &[u8], rank: usize) -> Option<usize> {
        if !self.is_ordered() || rank >= self.count {
            return None;
        }
        Some(self.cell(rest, self.items() - 1 + rank)).filter(|&entry| entry < self.count)
    }

    /// True if the map carries its keys' order.
    pub(super) fn is_ordered(&self) -> bool {
        self.is_map && self.count > ORDERED_ABOVE
    }

    /// Items in the body: a map's keys and values both count.
    fn items(&self) -> usize {
        self.count << u8::from(self.is_map)
    }

    /// Number `n` of the table; one that is too large for `usize` points past any end, and so does its stand-in.
    fn cell(&self, rest: &[u8], n: usize) -> usize {
        usize::try_from(number(rest, self.body + (n << self.code), self.code)).unwrap_or(usize::MAX)
    }

    /// Item after item with one look at the table for each.
    pub(super) fn spans<'a>(&self, rest: &'a [u8]) -> Spans<'a> {
        Spans { table: *self, rest, next: 0, start: 0 }
    }
}

/// The bounds of a container's items in their order, a map's keys counted too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spans<'a> {
    table: Table,
    rest: &'a [u8],
    next: usize,
    start: usize,
}

impl Spans<'_> {
    /// Where the next item lies after the tag; nothing after the last one, nor from the first one on whose bounds
    /// make no sense.
    pub(super) fn step(&mut self) -> Option<Range<usize>> {
        let items = self.table.items();
        if self.next >= items {
            return None;
        }
        let last = self.next + 1 == items;
        let end = if last { self.table.body } else { self.table.cell(self.rest, self.next) };
        if end < self.start || end > self.table.body {
            return None;
        }
        let start = std::mem::replace(&mut self.start, end);
        self.next += 1;
        Some(start..end)
    }
}
