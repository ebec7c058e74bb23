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

/// A little-endian number of 1, 2, 4 or 8 bytes, if it fits `usize`.
pub(super) fn number(bytes: &[u8]) -> Option<usize> {
    let mut word = [0; 8];
    word.get_mut(..bytes.len())?.copy_from_slice(bytes);
    usize::try_from(u64::from_le_bytes(word)).ok()
}

/// A container's items, found through the numbers at its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    /// Everything after the tag.
    rest: &'a [u8],
    /// Bytes per number.
    width: usize,
    /// Values in the container; a map's entries.
    pub(super) count: usize,
    /// Items in the body: the count, twice that in a map.
    items: usize,
    /// Length of the body.
    body: usize,
    /// Whether a map's order follows the starts.
    ordered: bool,
}

impl<'a> Table<'a> {
    /// Reads the shape of a container from its tag's width nibble and the bytes after the tag, in O(1).
    /// `at` is where the container lies in the input, for the error.
    pub(super) fn read(nibble: u8, rest: &'a [u8], is_map: bool, at: usize) -> Result<Self, DecodeError> {
        let empty = Table { rest, width: 1, count: 0, items: 0, body: 0, ordered: false };
        let bad = |what| DecodeError::Malformed { at, what };
        match nibble {
            0 if rest.is_empty() => return Ok(empty),
            0 => return Err(bad("an empty container with contents")),
            1..=4 => {}
            _ => return Err(bad("an unknown table width")),
        }
        let width = 1usize << (nibble - 1);
        let count = rest.len().checked_sub(width).and_then(|from| number(&rest[from..]));
        let count = count.filter(|&count| count > 0).ok_or_else(|| bad("a container without a count"))?;
        let items = if is_map { count.checked_mul(2) } else { Some(count) };
        let ordered = is_map && count > ORDERED_ABOVE;
        let numbers = items.and_then(|items| items.checked_add(if ordered { count } else { 0 }));
        let body = numbers.and_then(|n| n.checked_mul(width)).and_then(|table| rest.len().checked_sub(table));
        match (items, body) {
            (Some(items), Some(body)) if width_code(body) + 1 == nibble => {
                Ok(Table { rest, width, count, items, body, ordered })
            }
            (Some(_), Some(_)) => Err(bad("a table wider or narrower than its items need")),
            _ => Err(bad("a table longer than its container")),
        }
    }

    /// Where item `n` lies after the tag; nothing if there is no such item or its bounds make no sense.
    pub(super) fn range(&self, n: usize) -> Option<Range<usize>> {
        if n >= self.items {
            return None;
        }
        let start = if n == 0 { 0 } else { self.cell(n - 1)? };
        let end = if n + 1 == self.items { self.body } else { self.cell(n)? };
        (start <= end && end <= self.body).then_some(start..end)
    }

    /// The number of the entry that comes `rank`-th by key; nothing if the map carries no order.
    pub(super) fn ranked(&self, rank: usize) -> Option<usize> {
        if !self.ordered || rank >= self.count {
            return None;
        }
        self.cell(self.items - 1 + rank).filter(|&entry| entry < self.count)
    }

    /// True if the map carries its keys' order.
    pub(super) fn is_ordered(&self) -> bool {
        self.ordered
    }

    fn cell(&self, n: usize) -> Option<usize> {
        let from = self.body + n * self.width;
        number(self.rest.get(from..from + self.width)?)
    }
}
