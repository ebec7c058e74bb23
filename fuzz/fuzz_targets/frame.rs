//! Any bytes as a frame of a worker; see [`theus_fuzz::frame`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use theus_fuzz::{Meter, frame};

#[global_allocator]
static METER: Meter = Meter;

fuzz_target!(|bytes: &[u8]| frame(bytes, &METER));
