//! One operation of the state, named by the only argument, a thousand times between two marks.
//!
//! What not: no clock and no output; valgrind counts what happens inside [`measured`].
//! Invariants: everything that is not the operation happens outside of `measured`; the states are the same in every
//! run, but for the seeds of their hash tables.

use std::hint::black_box;
use std::process::ExitCode;
use theus_state::{Commit, Store};
use theus_value::{Key, Map, Path, Update, Value, ValueRef, decode, encode};

/// How often the operation runs; `xtask/src/checks/counts.rs` divides by it.
const ROUNDS: usize = 1000;
/// Rounds before the first that counts.
const WARM: usize = 100;
const FEW: usize = 10;
const MANY: usize = 100_000;

/// What is counted. Its name is how valgrind finds it, so it must stay a function.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

/// Runs `work` as the round's operation, counted once the first rounds have made what is made only once.
fn turn<T>(round: usize, work: impl FnOnce() -> T) -> T {
    if round < WARM { black_box(work()) } else { measured(work) }
}

fn main() -> ExitCode {
    let operation = std::env::args().nth(1).unwrap_or_default();
    match operation.as_str() {
        "snapshot" => snapshot(),
        "peek" => peek(),
        "read-one-of-100k" => read(MANY),
        "commit-one-of-10" => commit(FEW),
        "commit-one-of-100k" => commit(MANY),
        "encode-record" => encode_record(),
        "decode-record" => decode_record(),
        "reach-field-of-10" => reach(FEW),
        "reach-field-of-100k" => reach(MANY),
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

/// Takes the newest version and gives it back.
fn snapshot() {
    let store = Store::new(state(MANY));
    for round in rounds() {
        turn(round, || drop(black_box(store.snapshot())));
    }
}

/// Looks at the newest version without keeping it.
fn peek() {
    let store = Store::new(state(MANY));
    for round in rounds() {
        turn(round, || store.peek().version());
    }
}

/// Reads the value at a path of two segments.
fn read(size: usize) {
    let snapshot = Store::new(state(size)).snapshot();
    for (round, path) in rounds().map(|round| (round, path(round, size))) {
        turn(round, || snapshot.get(&path).is_some());
    }
}

/// Commits one new value at a path of two segments, computed from the newest version.
fn commit(size: usize) {
    let store = Store::new(state(size));
    for round in rounds() {
        let mut update = Update::new();
        update.set(path(round, size), Value::from(round as u64));
        let commit = Commit::new(store.version(), update);
        black_box(turn(round, || store.commit(commit)).is_ok());
    }
}

fn encode_record() {
    let value = record(FEW);
    for round in rounds() {
        turn(round, || encode(&value));
    }
}

fn decode_record() {
    let bytes = encode(&record(FEW));
    for round in rounds() {
        turn(round, || decode(&bytes).is_ok());
    }
}

/// Reads one field of an encoded map in place, from its first byte on.
fn reach(size: usize) {
    let bytes = encode(&Value::Map(below(size)));
    for (round, key) in rounds().map(|round| (round, key(round, size))) {
        turn(round, || ValueRef::parse(&bytes).ok().and_then(|read| read.get(&key)?.as_int()));
    }
}

fn rounds() -> std::ops::Range<usize> {
    0..WARM + ROUNDS
}

/// `domain`, with so many numbers below it.
fn state(size: usize) -> Map {
    [(Key::from("domain"), Value::Map(below(size)))].into_iter().collect()
}

fn below(size: usize) -> Map {
    (0..size).map(|n| (name(n), Value::from(n as u64))).collect()
}

/// Ten fields of the usual kinds.
fn record(fields: usize) -> Value {
    let field = |n: usize| match n % 4 {
        0 => Value::from(n as u64 * 1000),
        1 => Value::from("some text of a usual length"),
        2 => Value::from(n as f64),
        _ => Value::from(vec![Value::from(true), Value::Null]),
    };
    Value::Map((0..fields).map(|n| (name(n), field(n))).collect())
}

fn name(n: usize) -> Key {
    Key::from(format!("key{n:06}"))
}

/// A key of the state for each round, spread over all of it.
fn key(round: usize, size: usize) -> Key {
    name(round * 7919 % size)
}

fn path(round: usize, size: usize) -> Path {
    Path::from_segments([Key::from("domain"), key(round, size)])
}
