//! Our value encoding beside FlexBuffers and rkyv: size, speed, and what becomes of damaged bytes.
//!
//! `cargo run --release --manifest-path benches/encoding/Cargo.toml`; README.md has the outcome of one run.

mod archive;
mod flex;
mod format;
mod hostile;
mod values;

use archive::Rkyv;
use flex::Flex;
use format::{Format, Ours};
use std::hint::black_box;
use std::time::{Duration, Instant};
use values::Sample;

/// The least of several rounds, as the machine may be busy with other things in the others.
fn time<T>(mut job: impl FnMut() -> T) -> f64 {
    let mut best = Duration::MAX;
    let mut repeats = 1;
    for _ in 0..15 {
        let start = Instant::now();
        (0..repeats).for_each(|_| drop(black_box(job())));
        let one = start.elapsed() / repeats;
        best = best.min(one);
        repeats = (Duration::from_millis(20).as_nanos() / best.as_nanos().max(1)).clamp(1, 1_000_000) as u32;
    }
    best.as_nanos() as f64
}

fn row<F: Format>(sample: &Sample, base: Option<[f64; 4]>) -> [f64; 4] {
    let source = F::source(&sample.value);
    let bytes = F::encode(&source);
    assert!(F::decode(&bytes).is_some() && F::fetch(&bytes, &sample.field).is_some());
    assert_eq!(F::fetch(&bytes, &sample.field), Ours::fetch(&Ours::encode(&sample.value), &sample.field));
    let figures = [
        bytes.as_ref().len() as f64,
        time(|| F::encode(black_box(&source))),
        time(|| F::decode(black_box(&bytes))),
        time(|| F::fetch(black_box(&bytes), black_box(&sample.field))),
    ];
    let ratio = |n: usize| base.map_or(1.0, |base| figures[n] / base[n]);
    println!(
        "| {} | {} | {} ({:.2}) | {} ({:.2}) | {} ({:.2}) | {} ({:.2}) |",
        sample.name,
        F::name(),
        figures[0],
        ratio(0),
        unit(figures[1]),
        ratio(1),
        unit(figures[2]),
        ratio(2),
        unit(figures[3]),
        ratio(3)
    );
    figures
}

fn unit(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e3 => format!("{nanoseconds:.0} ns"),
        ..1e6 => format!("{:.1} us", nanoseconds / 1e3),
        _ => format!("{:.1} ms", nanoseconds / 1e6),
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("deep") {
        hostile::read_deep_archive();
        return;
    }
    println!(
        "| value | format | bytes | encode | decode | fetch one field |\n| --- | --- | --- | --- | --- | --- |"
    );
    for sample in values::samples() {
        let ours = row::<Ours>(&sample, None);
        row::<Flex>(&sample, Some(ours));
        row::<Rkyv>(&sample, Some(ours));
    }
    hostile::report();
}
