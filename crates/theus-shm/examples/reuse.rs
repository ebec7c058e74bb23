//! How long it takes to allocate, fill and free shared memory again and again: warm reuse against fresh pages.
//!
//! Run with `cargo run --release -p theus-shm --example reuse`. Prints medians in milliseconds.

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Instant;

use theus_shm::{Arena, ArenaOptions};

const MIB: usize = 1 << 20;

/// Median milliseconds of (allocate, fill, free, all of it).
type Medians = [f64; 4];

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn measure(
    arena: &Arena,
    len: usize,
    zeroed: bool,
    rounds: usize,
    warm: bool,
) -> Result<Medians, Box<dyn Error>> {
    let mut samples: [Vec<f64>; 4] = Default::default();
    for round in 0..rounds {
        if !warm {
            arena.trim();
        }
        let start = Instant::now();
        let mut block = arena.alloc(len, zeroed)?;
        let allocated = start.elapsed();
        block.bytes_mut().fill(round as u8);
        let filled = start.elapsed();
        drop(block);
        let freed = start.elapsed();
        let parts = [allocated, filled - allocated, freed - filled, freed];
        for (list, part) in samples.iter_mut().zip(parts) {
            list.push(part.as_secs_f64() * 1e3);
        }
    }
    Ok(samples.map(median))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    writeln!(
        out,
        "{:>10} {:>6} {:>7} {:>9} {:>9} {:>9} {:>9}",
        "bytes", "pages", "zeroed", "alloc", "fill", "free", "all"
    )?;
    for (len, rounds) in [(4096, 2001), (8 * MIB, 401), (100 * MIB, 21)] {
        for warm in [true, false] {
            for zeroed in [true, false] {
                let arena = Arena::new(ArenaOptions { capacity: 1 << 30 });
                let [alloc, fill, free, all] = measure(&arena, len, zeroed, rounds, warm)?;
                let pages = if warm { "warm" } else { "fresh" };
                writeln!(
                    out,
                    "{len:>10} {pages:>6} {zeroed:>7} {alloc:>9.4} {fill:>9.4} {free:>9.4} {all:>9.4}"
                )?;
            }
        }
    }
    Ok(())
}
