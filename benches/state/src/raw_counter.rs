//! [`Counter`]: the system's allocator, and how many bytes are in use through it.
//!
//! What not: no cost of the allocator's own (headers, rounding), which differs from one allocator to the next.
//! Invariant: what was asked for and not yet given back is counted exactly, on whatever thread.
#![expect(unsafe_code, reason = "an allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Put it into a `#[global_allocator]` to have [`live`] count.
#[derive(Clone, Copy, Debug)]
pub struct Counter;

/// The bytes in use; 0 for ever in a program that does not use [`Counter`].
pub fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

// SAFETY: every call goes to `System` unchanged; the counter touches no memory that is handed out.
unsafe impl GlobalAlloc for Counter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the promises of `alloc`, which are the same for `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `block` came from `System` by `alloc` with this layout, as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }
}
