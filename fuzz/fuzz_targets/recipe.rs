//! Any text as an audit recipe; see [`theus_fuzz::recipe`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use theus_fuzz::{Meter, recipe};

#[global_allocator]
static METER: Meter = Meter;

fuzz_target!(|bytes: &[u8]| recipe(bytes, &METER));
