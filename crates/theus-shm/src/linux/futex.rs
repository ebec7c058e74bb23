//! Sleeping until a word in shared memory changes, across processes.
//!
//! Not here: spinning before sleeping, and what the word means; both belong to the protocol above.
//!
//! The word must be in memory that all parties map shared (a [`Channel`](crate::Channel)), or be in
//! plain memory when only threads of one process take part.

use std::io;
use std::time::Duration;

use core::sync::atomic::AtomicU32;

use super::raw;

/// Why [`wait`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// Somebody called [`wake`] (or the kernel woke us for no reason: look at the word).
    Woken,
    /// The word did not hold the expected value, so there was no sleep.
    Changed,
    /// The time was over.
    TimedOut,
    /// A signal came. The caller decides whether to sleep again.
    Interrupted,
}

/// Sleeps while `word` holds `expected`, until a [`wake`] whose mask shares a bit with `mask`.
///
/// A mask of 0 stands for all bits; without a timeout the sleep has no end of its own. Whatever comes
/// back, look at the word again: a wake says "look", not "changed".
///
/// ```
/// use std::sync::atomic::AtomicU32;
/// use theus_shm::futex::{self, Woken};
///
/// let word = AtomicU32::new(1);
/// assert_eq!(futex::wait(&word, 0, u32::MAX, None), Woken::Changed);
/// ```
#[must_use]
pub fn wait(word: &AtomicU32, expected: u32, mask: u32, timeout: Option<Duration>) -> Woken {
    let deadline = match timeout.map(deadline_after) {
        None => None,
        Some(Ok(deadline)) => Some(deadline),
        // The monotonic clock does not fail on Linux; if it ever did, the caller would look and come again.
        Some(Err(_)) => return Woken::Interrupted,
    };
    match raw::futex_wait(word, expected, all_if_zero(mask), deadline.as_ref()) {
        Ok(()) => Woken::Woken,
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN) => Woken::Changed,
            Some(libc::ETIMEDOUT) => Woken::TimedOut,
            _ => Woken::Interrupted,
        },
    }
}

/// Wakes up to `count` sleepers on `word` whose mask shares a bit with `mask` (0: all bits); how many it were.
pub fn wake(word: &AtomicU32, mask: u32, count: u32) -> usize {
    let count = libc::c_int::try_from(count).unwrap_or(libc::c_int::MAX);
    // The only errors are a bad address, which a reference rules out, and an empty mask, which is replaced.
    raw::futex_wake(word, count, all_if_zero(mask)).unwrap_or(0)
}

fn all_if_zero(mask: u32) -> u32 {
    if mask == 0 { u32::MAX } else { mask }
}

fn deadline_after(timeout: Duration) -> io::Result<libc::timespec> {
    let now = raw::monotonic_now()?;
    // Both parts are below 10^9, so the sum fits.
    let nanos = now.tv_nsec + i64::from(timeout.subsec_nanos());
    let seconds = libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX);
    let seconds = now.tv_sec.saturating_add(seconds).saturating_add(nanos / 1_000_000_000);
    Ok(libc::timespec { tv_sec: seconds, tv_nsec: nanos % 1_000_000_000 })
}
