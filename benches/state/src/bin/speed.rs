//! The rows that measure times: `speed [--json] [--quick] [--only F9,F10]`.
//!
//! What not: memory, which has a program of its own so that nothing here pays for counting.

use std::env;
use std::process::ExitCode;
use theus_bench_state::{Figure, rows};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let known = |word: &str| ["--json", "--quick", "--only"].contains(&word) || !word.starts_with('-');
    if let Some(word) = arguments.iter().find(|word| !known(word)) {
        eprintln!("{word} is not known; there are --json, --quick and --only F5,F7,F9,F10");
        return ExitCode::FAILURE;
    }
    let given = |word: &str| arguments.iter().any(|argument| argument == word);
    let only = arguments.iter().skip_while(|word| *word != "--only").nth(1);
    let wanted = |id: &str| only.is_none_or(|ids| ids.split(',').any(|one| one == id));
    let figures = rows::speed(if given("--quick") { 10 } else { 60 }, &wanted);
    if given("--json") {
        println!("{}", serde_json::Value::from_iter(figures.iter().map(Figure::json)));
    } else {
        figures.iter().for_each(|figure| println!("{figure}"));
    }
    ExitCode::SUCCESS
}
