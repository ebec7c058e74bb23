//! Any bytes as a state and two updates; see [`theus_fuzz::apply`].
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| theus_fuzz::apply(bytes));
