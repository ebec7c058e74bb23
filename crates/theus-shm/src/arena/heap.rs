//! Small blocks: which parts of the shared segments are free, found and joined in constant time.
//!
//! The algorithm is TLSF (Masmano, Ripoll, Crespo, Real: "TLSF: a new dynamic memory allocator for
//! real-time systems", 2004): free parts hang in lists by size class, two levels of bitmaps say which
//! lists are not empty, and a freed part joins its free neighbours at once.
//!
//! Not here: making segments, limits, zeroing. Unlike the original, nothing is written into the memory
//! itself: a reader sees all of a segment, and nothing that others see may steer the allocator.
//!
//! Invariants: two neighbours are never both free; a free part owns its [`Span`], a used one has given it
//! to its block, so parts cannot overlap; at most one segment without any used part is kept.

use crate::raw::Span;

/// Every part starts at, and is as long as, a multiple of this: a cache line, more than any element type needs.
pub(crate) const GRANULE: usize = 64;

const ROW_BITS: u32 = 4;
const COLUMNS: usize = 1 << ROW_BITS;
const ROWS: usize = 32;
const NONE: u32 = u32::MAX;

/// Names a used part; to be given back with its span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part(u32);

/// One part of a segment, free or used.
struct Node {
    /// Present when the part is free.
    span: Option<Span>,
    /// Neighbours in the segment.
    before: u32,
    after: u32,
    /// Neighbours in the list of its size class, when free.
    newer: u32,
    older: u32,
}

pub(crate) struct Heap {
    nodes: Vec<Node>,
    /// Entries of `nodes` that stand for nothing now.
    vacant: Vec<u32>,
    /// Bit r: row r has a list that is not empty.
    rows: u32,
    /// Bit c of entry r: list (r, c) is not empty.
    columns: [u16; ROWS],
    heads: [[u32; COLUMNS]; ROWS],
    /// The one part that is a whole segment.
    empty: Option<u32>,
    /// Length of all segments.
    bytes: usize,
}

/// The list in which a free part of this many granules hangs.
fn class_of(granules: usize) -> (usize, usize) {
    let log = granules.max(1).ilog2();
    if log < ROW_BITS {
        return (0, granules);
    }
    let column = (granules >> (log - ROW_BITS)) & (COLUMNS - 1);
    // Sizes beyond the last row share its last list; segments are far smaller.
    let row = (log - ROW_BITS + 1) as usize;
    if row < ROWS { (row, column) } else { (ROWS - 1, COLUMNS - 1) }
}

/// The first list in which every part has at least this many granules.
fn class_above(granules: usize) -> (usize, usize) {
    let log = granules.max(1).ilog2();
    let slack = if log < ROW_BITS { 0 } else { (1 << (log - ROW_BITS)) - 1 };
    class_of(granules + slack)
}

/// The bytes of a part before its first multiple of `align`.
fn lead(span: &Span, align: usize) -> usize {
    span.offset().next_multiple_of(align) - span.offset()
}

impl Heap {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            vacant: Vec::new(),
            rows: 0,
            columns: [0; ROWS],
            heads: [[NONE; COLUMNS]; ROWS],
            empty: None,
            bytes: 0,
        }
    }

    /// Takes a part of `len` bytes, a multiple of [`GRANULE`], that starts at a multiple of `align` in its
    /// segment; `align` is a power of two of at least [`GRANULE`].
    ///
    /// `None` when no free part has room for it wherever it may start (or, rarely, when only one of its very
    /// size class has, further down in its list).
    pub(crate) fn alloc(&mut self, len: usize, align: usize) -> Option<(Part, Span)> {
        let found = self.find(len, align)?;
        Some(self.take(found, len, align))
    }

    /// Adds the whole of a new segment and takes its first `len` bytes, which are aligned to a page.
    pub(crate) fn grow(&mut self, span: Span, len: usize) -> (Part, Span) {
        self.bytes += span.len();
        let node = self.insert(Node { span: None, before: NONE, after: NONE, newer: NONE, older: NONE });
        self.link(node, span);
        self.take(node, len, GRANULE)
    }

    /// Takes a part back. When a whole segment is free with it that need not be kept, it comes out.
    pub(crate) fn free(&mut self, part: Part, span: Span) -> Option<Span> {
        let node = part.0;
        let mut whole = span;
        let before = self.node(node).before;
        if let Some(left) = self.unlink(before) {
            whole = left.join(whole);
            self.remove(before);
        }
        let after = self.node(node).after;
        if let Some(right) = self.unlink(after) {
            whole = whole.join(right);
            self.remove(after);
        }
        self.link(node, whole);
        let lonely = self.node(node).before == NONE && self.node(node).after == NONE;
        if lonely { self.keep_one(node) } else { None }
    }

    /// Gives up the segment that is kept although nothing in it is used.
    pub(crate) fn trim(&mut self) -> Option<Span> {
        let node = self.empty.take()?;
        let span = self.unlink(node)?;
        self.remove(node);
        self.bytes -= span.len();
        Some(span)
    }

    /// Length of all its segments.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of the segment that is kept although nothing in it is used.
    pub(crate) fn idle(&self) -> usize {
        self.empty.and_then(|node| self.node(node).span.as_ref()).map_or(0, Span::len)
    }

    /// Of two empty segments the larger stays.
    fn keep_one(&mut self, node: u32) -> Option<Span> {
        let kept = self.empty.replace(node)?;
        let len = |node: u32| self.node(node).span.as_ref().map_or(0, Span::len);
        let (stays, goes) = if len(kept) > len(node) { (kept, node) } else { (node, kept) };
        self.empty = Some(goes);
        let gone = self.trim();
        self.empty = Some(stays);
        gone
    }

    /// Cuts `len` bytes out of a free part, at the first multiple of `align`; what lies before and behind
    /// them stays free.
    fn take(&mut self, node: u32, len: usize, align: usize) -> (Part, Span) {
        if self.empty == Some(node) {
            self.empty = None;
        }
        let Some(whole) = self.unlink(node) else { unreachable!("lists hold free parts only") };
        let lead = lead(&whole, align);
        let (node, whole) = if lead == 0 {
            (node, whole)
        } else {
            let (lead, whole) = whole.split(lead);
            self.link(node, lead);
            (self.insert_after(node), whole)
        };
        let (span, rest) = whole.split(len);
        if rest.len() > 0 {
            let rest_node = self.insert_after(node);
            self.link(rest_node, rest);
        }
        (Part(node), span)
    }

    fn find(&self, len: usize, align: usize) -> Option<u32> {
        // The list of its own class may hold both larger and smaller parts: only its newest is looked at,
        // which is the right one when blocks of one size come and go.
        let (row, column) = class_of(len / GRANULE);
        let newest = self.heads[row][column];
        let fits = |node: u32| self.node(node).span.as_ref().is_some_and(|s| s.len() >= lead(s, align) + len);
        if newest != NONE && fits(newest) {
            return Some(newest);
        }
        // With as much more as a lead can have, every part fits.
        let (row, column) = class_above((len + align) / GRANULE - 1);
        let in_row = self.columns[row] & (u16::MAX << column);
        let node = if in_row != 0 {
            self.heads[row][in_row.trailing_zeros() as usize]
        } else {
            let above = self.rows & u32::MAX.checked_shl(row as u32 + 1).unwrap_or(0);
            if above == 0 {
                return None;
            }
            let row = above.trailing_zeros() as usize;
            self.heads[row][self.columns[row].trailing_zeros() as usize]
        };
        fits(node).then_some(node)
    }

    /// Makes a part free and hangs it into its list.
    fn link(&mut self, node: u32, span: Span) {
        let (row, column) = class_of(span.len() / GRANULE);
        let older = self.heads[row][column];
        let entry = self.node_mut(node);
        (entry.span, entry.newer, entry.older) = (Some(span), NONE, older);
        if older != NONE {
            self.node_mut(older).newer = node;
        }
        self.heads[row][column] = node;
        self.columns[row] |= 1 << column;
        self.rows |= 1 << row;
    }

    /// Takes a part out of its list, if it is free.
    fn unlink(&mut self, node: u32) -> Option<Span> {
        if node == NONE {
            return None;
        }
        let entry = self.node_mut(node);
        let span = entry.span.take()?;
        let (newer, older) = (entry.newer, entry.older);
        if older != NONE {
            self.node_mut(older).newer = newer;
        }
        if newer != NONE {
            self.node_mut(newer).older = older;
            return Some(span);
        }
        let (row, column) = class_of(span.len() / GRANULE);
        self.heads[row][column] = older;
        if older == NONE {
            self.columns[row] &= !(1 << column);
            if self.columns[row] == 0 {
                self.rows &= !(1 << row);
            }
        }
        Some(span)
    }

    fn insert(&mut self, node: Node) -> u32 {
        if let Some(index) = self.vacant.pop() {
            *self.node_mut(index) = node;
            return index;
        }
        self.nodes.push(node);
        // Four thousand million parts of at least 64 bytes are more than any machine has.
        (self.nodes.len() - 1) as u32
    }

    /// A new part behind this one.
    fn insert_after(&mut self, node: u32) -> u32 {
        let after = self.node(node).after;
        let new = self.insert(Node { span: None, before: node, after, newer: NONE, older: NONE });
        self.node_mut(node).after = new;
        if after != NONE {
            self.node_mut(after).before = new;
        }
        new
    }

    /// Takes a part out of its segment.
    fn remove(&mut self, node: u32) {
        let (before, after) = (self.node(node).before, self.node(node).after);
        if before != NONE {
            self.node_mut(before).after = after;
        }
        if after != NONE {
            self.node_mut(after).before = before;
        }
        if self.empty == Some(node) {
            self.empty = None;
        }
        self.vacant.push(node);
    }

    fn node(&self, index: u32) -> &Node {
        &self.nodes[index as usize]
    }

    fn node_mut(&mut self, index: u32) -> &mut Node {
        &mut self.nodes[index as usize]
    }
}
