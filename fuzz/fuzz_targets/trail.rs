//! Any bytes as the files of an audit trail; see [`theus_fuzz::trail`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use theus_fuzz::{Meter, trail};

#[global_allocator]
static METER: Meter = Meter;

fuzz_target!(|bytes: &[u8]| trail(bytes, &METER));
