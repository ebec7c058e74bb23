//! Measures what one append costs: `cargo run --release -p theus-audit --example append_cost`.
#![expect(clippy::print_stdout, reason = "a measurement is for reading")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use theus_audit::{ChangedPath, Entry, Outcome, Trail};

const APPENDS: u64 = 200_000;
const ROUNDS: usize = 9;

fn main() {
    let process: Arc<str> = "feature_of_tile".into();
    println!("{:<46} {:>14}", "record", "median, ns");
    let bare = || Entry::new(Arc::clone(&process), 7, Outcome::Committed).version(8);
    println!("{:<46} {:>14}", "no paths", median(&bare));
    let path = ChangedPath::written("domain.tiles.17", b"value");
    let one = || bare().paths(vec![path.clone()]);
    println!("{:<46} {:>14}", "one path (building the entry included)", median(&one));
    let failed = || Entry::new(Arc::clone(&process), 7, Outcome::Failed).error("ValueError: a tile is empty");
    println!("{:<46} {:>14}", "an error text (building the entry included)", median(&failed));
}

fn median(entry: &dyn Fn() -> Entry) -> u128 {
    let trail = Trail::default();
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..APPENDS).for_each(|_| {
                black_box(trail.append(entry()));
            });
            start.elapsed()
        })
        .collect();
    rounds.sort_unstable();
    rounds[ROUNDS / 2].as_nanos() / u128::from(APPENDS)
}
