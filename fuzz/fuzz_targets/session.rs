//! Any bytes as a message of a session or as a handle; see [`theus_fuzz::session`].
#![no_main]

use libfuzzer_sys::fuzz_target;
use theus_fuzz::{Meter, session};

#[global_allocator]
static METER: Meter = Meter;

fuzz_target!(|bytes: &[u8]| session(bytes, &METER));
