//! The kill sweep: a process is killed at every single instruction of an operation on shared memory (x86-64 only).
//!
//! A tracer steps a victim through the operation, kills it after so many instructions, and looks: a reader in a
//! process of its own still has every byte of what the victim had shared, no memory of the victim is left, no name
//! is, and the reader goes on with the next owner. Then the same one instruction later.
//! THEUS_SWEEP says how many places of each operation are tried, or `all` (`cargo xtask chaos sweep`).
//!
//! What not: kills within a system call. The random kills of `tests/it/kill` are for these.
#![cfg(all(not(theus_loom), target_arch = "x86_64"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod course;
mod driver;
mod raw;
mod reader;
mod victim;
#[path = "../it/kill/wire.rs"]
mod wire;

use std::thread;

use theus_testkit::crash::{Victim, role};

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn play() {
    let Some((name, socket)) = role() else { return };
    match name.split_once(' ') {
        None => reader::play(&socket),
        Some((lane, operation)) => driver::play(lane.parse().unwrap(), operation, &socket),
    }
}

/// Sweeps an operation on the processor of this lane; the report.
fn sweep(lane: usize, operation: &str) -> String {
    // Alone in its process, so that what it has open can be counted.
    let mut driver = Victim::start("play", &format!("{lane} {operation}"));
    let wire::Heard::Message(report, _) = wire::hear(driver.socket(), true) else { panic!("no report") };
    assert_eq!(driver.join(), None);
    String::from_utf8(report).unwrap()
}

#[test]
fn a_kill_at_any_instruction_leaves_nothing_and_harms_nobody() {
    let lane = |lane: usize| {
        for operation in victim::OPERATIONS.into_iter().skip(lane).step_by(2) {
            let report = sweep(lane, operation);
            println!("{report}");
            assert!(report.ends_with(": clean"), "{report}");
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| lane(1));
        lane(0);
    });
}

#[test]
fn planted_mistakes_are_found() {
    let [name, lock] = victim::PLANTED.map(|operation| sweep(0, operation));
    println!("{name}\n{lock}");
    assert!(name.contains("the name /dev/shm/planted-"), "{name}");
    assert!(lock.contains("1 torn"), "{lock}");
}
