//! Any bytes as the encoding of a value; see [`theus_fuzz::decode`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use theus_fuzz::{Meter, decode};

#[global_allocator]
static METER: Meter = Meter;

fuzz_target!(|bytes: &[u8]| decode(bytes, &METER));
