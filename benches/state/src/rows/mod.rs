//! The rows of the table that the state answers for, one file a question.
//!
//! What not: no printing. Invariant: a row that failed its target is a row like any other.

mod commit;
mod core;
mod growth;
mod reader;
mod retained;
mod snapshot;

pub use retained::figures as memory;

use crate::{Figure, keys};
use theus_value::{Key, Value};

/// The rows that measure times, for the targets that `wanted` names.
///
/// `rounds` is how often contenders take turns.
pub fn speed(rounds: usize, wanted: &dyn Fn(&str) -> bool) -> Vec<Figure> {
    let mut figures = Vec::new();
    if wanted("F5") {
        figures.extend(growth::reads(rounds));
    }
    if wanted("F7") {
        figures.extend(growth::commits(rounds));
    }
    if wanted("F9") {
        figures.extend(snapshot::figures(rounds));
        figures.extend(commit::figures(rounds));
    }
    if wanted("F10") {
        figures.extend(core::figures(rounds));
        figures.extend(reader::figures(rounds));
    }
    figures
}

/// One integer a key.
fn entries(keys: &[Key]) -> Vec<(Key, Value)> {
    keys.iter().cloned().zip((0..).map(Value::Int)).collect()
}

/// As many entries with keys of their own.
fn numbered(count: usize) -> Vec<(Key, Value)> {
    entries(&keys(count))
}

/// 1,000,000 rather than 1000000.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
