//! Access to mapped memory: the one room where addresses become bytes.
//!
//! Not here: making mappings (`linux::map`), deciding who owns which bytes (`arena`).
//!
//! Invariants
//! - A [`Span`] is the only right to write its bytes in this process: spans are made from a segment that
//!   nobody else holds, are neither `Clone` nor `Copy`, and only ever split and join.
//! - Memory that another party may write meanwhile is touched by relaxed atomics only ([`read`], [`write`],
//!   [`word`]), so a race gives torn data and never undefined behaviour.
//! - A `&[u8]` is handed out only for a [`Frozen`] mapping or by the sole owner of a span.
#![expect(unsafe_code, reason = "reads and writes memory that the compiler did not allocate")]

use core::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::fs::File;
use std::{io, mem, slice};

use memmap2::{Mmap, MmapOptions, MmapRaw};

use crate::linux::map::Map;
use crate::linux::memfd;
use crate::seals::Seals;
use crate::segment::Segment;
use theus_sync::Arc;

const WORD: usize = size_of::<u64>();

fn assert_range(map: &Map, offset: usize, len: usize) {
    let end = offset.checked_add(len);
    assert!(
        end.is_some_and(|end| end <= map.len()),
        "bytes {offset}..+{len} are outside of a mapping of {} bytes",
        map.len()
    );
}

/// The address of a byte of the mapping (or one past its end).
fn address(map: &Map, offset: usize) -> *mut u8 {
    assert_range(map, offset, 0);
    // SAFETY: checked just above: the result is inside the mapping or one past its end.
    unsafe { map.as_mut_ptr().add(offset) }
}

/// One aligned atomic of type `$atomic` at a checked offset.
macro_rules! atomic_at {
    ($name:ident, $atomic:ty, $doc:literal) => {
        #[doc = $doc]
        ///
        /// # Panics
        /// When the offset is outside of the mapping or not a multiple of the size.
        pub(crate) fn $name(map: &Map, offset: usize) -> &$atomic {
            assert_range(map, offset, size_of::<$atomic>());
            assert!(offset.is_multiple_of(size_of::<$atomic>()), "offset {offset} is not aligned");
            let address = address(map, offset).cast::<$atomic>();
            // SAFETY: in bounds (checked), aligned (a mapping starts at a page, the offset is checked), valid
            // for any bit pattern, alive as long as `map` is borrowed; every access in this process to bytes
            // that others may write goes through atomics.
            unsafe { &*address }
        }
    };
}

atomic_at!(byte, AtomicU8, "The byte at `offset`.");
atomic_at!(word, AtomicU32, "The 32-bit word at `offset`.");
atomic_at!(word64, AtomicU64, "The 64-bit word at `offset`.");

/// `count` 64-bit words from `offset` on.
fn words(map: &Map, offset: usize, count: usize) -> &[AtomicU64] {
    assert_range(map, offset, count.saturating_mul(WORD));
    assert!(offset.is_multiple_of(WORD), "offset {offset} is not aligned");
    let start = address(map, offset).cast::<AtomicU64>();
    // SAFETY: as in `word64`, for `count` words in a row, all inside the mapping (checked).
    unsafe { slice::from_raw_parts(start, count) }
}

/// Splits `len` bytes at `offset` into an unaligned head, whole words and a tail: (head, words).
fn parts(offset: usize, len: usize) -> (usize, usize) {
    let head = (offset.next_multiple_of(WORD) - offset).min(len);
    (head, (len - head) / WORD)
}

/// Copies bytes out of the mapping, as they are at some moment each; whole aligned words are not torn.
pub(crate) fn read(map: &Map, offset: usize, buffer: &mut [u8]) {
    assert_range(map, offset, buffer.len());
    let (head, count) = parts(offset, buffer.len());
    let (first, rest) = buffer.split_at_mut(head);
    let (middle, last) = rest.split_at_mut(count * WORD);
    for (i, target) in first.iter_mut().enumerate() {
        *target = byte(map, offset + i).load(Ordering::Relaxed);
    }
    if count > 0 {
        let source = words(map, offset + head, count);
        for (target, word) in middle.as_chunks_mut::<WORD>().0.iter_mut().zip(source) {
            *target = word.load(Ordering::Relaxed).to_ne_bytes();
        }
    }
    let tail = offset + head + count * WORD;
    for (i, target) in last.iter_mut().enumerate() {
        *target = byte(map, tail + i).load(Ordering::Relaxed);
    }
}

/// Copies bytes into the mapping; whole aligned words are not torn.
pub(crate) fn write(map: &Map, offset: usize, bytes: &[u8]) {
    assert_range(map, offset, bytes.len());
    let (head, count) = parts(offset, bytes.len());
    let (first, rest) = bytes.split_at(head);
    let (middle, last) = rest.split_at(count * WORD);
    for (i, value) in first.iter().enumerate() {
        byte(map, offset + i).store(*value, Ordering::Relaxed);
    }
    if count > 0 {
        let target = words(map, offset + head, count);
        for (value, word) in middle.as_chunks::<WORD>().0.iter().zip(target) {
            word.store(u64::from_ne_bytes(*value), Ordering::Relaxed);
        }
    }
    let tail = offset + head + count * WORD;
    for (i, value) in last.iter().enumerate() {
        byte(map, tail + i).store(*value, Ordering::Relaxed);
    }
}

/// A mapping whose bytes nobody can change any more.
#[derive(Debug)]
pub(crate) struct Frozen(Mmap);

impl Frozen {
    /// Maps a file that carries the seals [`Seals::FROZEN`]; `None` when it does not, or has another length.
    pub(crate) fn open(file: &File, len: usize) -> io::Result<Option<Self>> {
        let found = memfd::inspect(file)?;
        if !found.seals.is_some_and(|seals| seals.contains(Seals::FROZEN)) || found.len != len as u64 {
            return Ok(None);
        }
        // SAFETY: the kernel has just said that neither content nor size of this file can change any more,
        // and seals cannot be taken off. (Private, because kernels before 6.7 refuse a shared mapping of it.)
        let memory = unsafe { MmapOptions::new().len(len).map_copy_read_only(file) }?;
        Ok(Some(Self(memory)))
    }

    /// The mapping without its promise, for who needs an address only.
    pub(crate) fn into_map(self) -> Map {
        Map::inherited(self.0.into())
    }

    /// The bytes, for ever the same.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A private, writable mapping of a range of the file: the pages are the file's until they are written.
///
/// Only its address is of use: the file's writer may still change pages that were not written here.
pub(crate) fn private(file: &File, offset: usize, len: usize) -> io::Result<MmapRaw> {
    // SAFETY: nobody ever makes a slice of it: it becomes an `MmapRaw`, which hands out addresses only. The caller has
    // checked that the file cannot shrink.
    let memory = unsafe { MmapOptions::new().offset(offset as u64).len(len).map_copy(file) }?;
    Ok(memory.into())
}

/// All bytes of a mapping that the caller alone has.
pub(crate) fn all_bytes(map: &mut Map) -> &mut [u8] {
    // SAFETY: the whole of a live writable mapping that is borrowed mutably; the caller has its only descriptor, and
    // this is its only mapping.
    unsafe { slice::from_raw_parts_mut(map.as_mut_ptr(), map.len()) }
}

/// The sole right of this process to write a range of a segment; see the invariants of this file.
pub(crate) struct Span {
    segment: Arc<Segment>,
    offset: usize,
    len: usize,
}

impl Span {
    /// The whole of a segment that nobody else holds; otherwise the segment comes back.
    pub(crate) fn whole(mut segment: Arc<Segment>) -> Result<Self, Arc<Segment>> {
        if Arc::get_mut(&mut segment).is_none() {
            return Err(segment);
        }
        let len = segment.len();
        Ok(Self { segment, offset: 0, len })
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Cuts it in two at `at` bytes from its start.
    ///
    /// # Panics
    /// When `at` is beyond its end.
    pub(crate) fn split(self, at: usize) -> (Self, Self) {
        assert!(at <= self.len, "a span of {} bytes cannot be cut at {at}", self.len);
        let rest = Self { segment: Arc::clone(&self.segment), offset: self.offset + at, len: self.len - at };
        (Self { len: at, ..self }, rest)
    }

    /// Moves the right out; what stays behind has no bytes.
    pub(crate) fn take(&mut self) -> Self {
        let nothing = Self { segment: Arc::clone(&self.segment), offset: self.offset, len: 0 };
        mem::replace(self, nothing)
    }

    /// Joins the span that follows this one.
    ///
    /// # Panics
    /// When `next` does not begin where this one ends.
    pub(crate) fn join(self, next: Self) -> Self {
        let adjacent = self.segment.id() == next.segment.id() && self.offset + self.len == next.offset;
        assert!(adjacent, "only neighbours can be joined");
        Self { len: self.len + next.len, ..self }
    }

    /// The address of its byte `at`.
    ///
    /// # Panics
    /// When `at` is beyond its end.
    pub(crate) fn as_ptr(&self, at: usize) -> *mut u8 {
        assert!(at <= self.len, "byte {at} is outside of a span of {} bytes", self.len);
        address(self.segment.map(), self.offset + at)
    }

    /// Its bytes.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        assert_range(self.segment.map(), self.offset, self.len);
        // SAFETY: a live writable mapping, in bounds (checked); a span is the only right to these bytes and is
        // borrowed mutably. Whoever kept an address from `as_ptr` has promised not to use it meanwhile.
        unsafe { slice::from_raw_parts_mut(self.as_ptr(0), self.len) }
    }

    /// Sets its bytes from `from` on to zero.
    pub(crate) fn zero_from(&mut self, from: usize) {
        let bytes = self.bytes_mut();
        let from = from.min(bytes.len());
        bytes[from..].fill(0);
    }
}
