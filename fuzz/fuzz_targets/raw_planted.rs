//! A planted error: a read past the end of a block, behind a word that only a run with feedback guesses.
//!
//! What it is for: a run that does not end with the sanitizer's report proves nothing about the real targets,
//! because then the feedback or the sanitizer is missing from the build.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"planted") {
        let block = bytes.to_vec();
        // SAFETY: none, and that is the point: the byte after the block is not ours to read.
        std::hint::black_box(unsafe { block.as_ptr().add(block.len()).read_volatile() });
    }
});
