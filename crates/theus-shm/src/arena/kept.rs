//! Segments of freed large blocks, kept because their pages are warm.
//!
//! A fresh page costs ten to twenty times a warm one (the kernel finds it, zeroes it and maps it).
//! Not here: how much may be kept, and zeroing.

use std::collections::BTreeMap;

use crate::raw::Span;

/// A kept segment is handed out for a request that fills all of it but one part in this many.
const WASTE: usize = 8;

/// Whole segments by length; of one length the last one freed goes out first, as its bytes may still be in a cache.
#[derive(Default)]
pub(crate) struct Kept {
    by_len: BTreeMap<usize, Vec<Span>>,
    bytes: usize,
    count: u64,
}

impl Kept {
    pub(crate) fn put(&mut self, span: Span) {
        self.bytes += span.len();
        self.count += 1;
        self.by_len.entry(span.len()).or_default().push(span);
    }

    /// A segment of at least `len` bytes, and not much more.
    pub(crate) fn take(&mut self, len: usize) -> Option<Span> {
        let most = len.saturating_add(len / WASTE);
        let fit = *self.by_len.range(len..=most).next()?.0;
        self.pop(fit)
    }

    /// The largest segment: letting it go frees the most for one call of the kernel.
    pub(crate) fn take_largest(&mut self) -> Option<Span> {
        let largest = *self.by_len.last_key_value()?.0;
        self.pop(largest)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many segments: each costs a descriptor.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    fn pop(&mut self, len: usize) -> Option<Span> {
        let spans = self.by_len.get_mut(&len)?;
        let span = spans.pop()?;
        if spans.is_empty() {
            self.by_len.remove(&len);
        }
        self.bytes -= len;
        self.count -= 1;
        Some(span)
    }
}
