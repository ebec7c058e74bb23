//! The rows that measure memory: `memory [--json]`.
//!
//! What not: no times; every allocation is counted here.

use std::env;
use theus_bench_state::raw_counter::{Counter, live};
use theus_bench_state::{Figure, rows};

#[global_allocator]
static COUNTER: Counter = Counter;

fn main() {
    let figures = rows::memory(&live);
    if env::args().any(|argument| argument == "--json") {
        println!("{}", serde_json::Value::from_iter(figures.iter().map(Figure::json)));
    } else {
        figures.iter().for_each(|figure| println!("{figure}"));
    }
}
