//! Any bytes as a proof about an audit trail; see [`theus_fuzz::proof`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use theus_fuzz::proof;

fuzz_target!(|bytes: &[u8]| proof(bytes));
