//! [`Meter`]: the system's allocator, and how much memory was taken at most.
//!
//! What not: no limit of its own. Invariant: every call is passed on with the arguments it came with.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// An allocator that counts. The counts are the process's, so only one thread may measure.
#[derive(Debug)]
pub struct Meter;

impl Meter {
    /// What `work` gives, and the most bytes that were taken at once while it ran.
    pub fn peak<T>(&self, work: impl FnOnce() -> T) -> (T, usize) {
        let before = LIVE.load(Relaxed);
        PEAK.store(before, Relaxed);
        let made = work();
        (made, PEAK.load(Relaxed).saturating_sub(before))
    }

    fn grown(bytes: usize) {
        let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
        PEAK.fetch_max(live, Relaxed);
    }
}

// SAFETY: the system's allocator does all the work, and the counters touch no memory of the caller's.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::grown(layout.size());
        // SAFETY: the caller keeps the same promises that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the block came from `System` with this layout, as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }
}
