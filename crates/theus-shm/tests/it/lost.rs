//! Memory that is lost on purpose, for the check that looks for lost memory (`cargo xtask valgrind`).

use std::hint::black_box;

#[test]
#[ignore = "loses memory on purpose"]
fn planted_leak() {
    for len in 1000..1010 {
        std::mem::forget(black_box(vec![1u8; len]));
    }
}
