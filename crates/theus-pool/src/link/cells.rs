//! Memory that the Brain and one worker both see: words to synchronize on, bytes to carry frames.
//!
//! What it is not: a place that owns an algorithm. The ring and the bell are written once over this trait, and
//! run over mapped memory in the product and over model-checked cells in the loom models (`tests/model`),
//! because loom cannot see memory shared between processes.

use std::time::Duration;

/// Words and bytes shared by the two ends of a link.
///
/// Offsets are in bytes from the start of the shared memory; words are 32 bits wide and aligned.
/// All methods may be called from any thread.
pub trait Cells: Send + Sync {
    /// Loads a word with acquire ordering.
    fn load(&self, word: usize) -> u32;
    /// Stores a word with release ordering.
    fn store(&self, word: usize, value: u32);
    /// Adds to a word (wrapping) and returns what it held, acquire and release.
    fn fetch_add(&self, word: usize, value: u32) -> u32;
    /// Sets bits of a word and returns what it held, acquire and release.
    fn fetch_or(&self, word: usize, bits: u32) -> u32;
    /// Keeps only these bits of a word and returns what it held, acquire and release.
    fn fetch_and(&self, word: usize, bits: u32) -> u32;
    /// Copies bytes out of the shared memory.
    fn read(&self, offset: usize, into: &mut [u8]);
    /// Copies bytes into the shared memory.
    fn write(&self, offset: usize, from: &[u8]);
    /// Sleeps while the word holds `expected`, until woken with an overlapping mask or until the time is over.
    /// May return early for no reason.
    fn wait(&self, word: usize, expected: u32, mask: u32, timeout: Option<Duration>);
    /// Wakes every sleeper of the word whose mask overlaps.
    fn wake(&self, word: usize, mask: u32);
}
