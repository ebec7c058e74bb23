//! Any text as a pattern and a path; see [`theus_fuzz::path`].
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| theus_fuzz::path(bytes));
