//! After `kill -9` nothing is left, what others still map stays whole, and the next one goes on: many times over.
//!
//! An owner hands out versions of four blocks to two readers in processes of their own, which check every byte. In
//! each round the owner or a reader dies, at a named point of its work (the scenario's, the library knows nothing of
//! it) or at a random moment. THEUS_KILLS says how many rounds, THEUS_KILL_SEED repeats a run.

mod driver;
mod owner;
mod reader;
mod wire;

use theus_shm::{Channel, Expect, Mapping};
use theus_testkit::crash::{Victim, role};
use theus_testkit::footprint::{eventually, holders, named};

use crate::child;

/// How many blocks the owner keeps up to date.
const SLOTS: u64 = 4;

/// Starts a process in one of the roles of this folder.
fn start(role: &str) -> Victim {
    Victim::start("kill::play", role)
}

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn play() {
    let Some((name, socket)) = role() else { return };
    match name.split(' ').next() {
        Some("owner") => owner::play(socket),
        Some("reader") => reader::play(socket),
        Some("driver") => driver::play(&socket),
        Some("litterer") => driver::litter(&socket),
        other => panic!("no such role: {other:?}"),
    }
}

#[test]
fn nothing_is_left_of_a_killed_process_and_readers_keep_what_they_map() {
    let mut held = child::start("hold");
    let (message, mut fds) = held.receive(3);
    assert_eq!((message.as_slice(), fds.len()), (b"ready".as_slice(), 3));
    let channel = Channel::open(fds.remove(2)).unwrap();
    let block = Mapping::open(fds.remove(1), Expect::segment(3 << 20)).unwrap();
    let label = format!("theus-kill-{}", held.pid());
    let segment = Mapping::open(fds.remove(0), Expect::segment(1 << 20)).unwrap();
    eventually("the child and we hold it", || holders(&label).len() == 2);
    assert_eq!(held.kill(), Some(libc::SIGKILL));

    let mut bytes = [0; 9];
    block.read_at(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"survives\0", "mapped memory outlives its maker");
    let mut last = [1; 1];
    segment.read_at((1 << 20) - 1, &mut last).unwrap();
    channel.read(4095, &mut last).unwrap();

    drop((segment, block, channel));
    // A child that another test is starting right now has copies of everything until it executes its program.
    eventually("nobody holds it any more", || holders(&label).is_empty());
    eventually("no name is left", || named().is_empty());
}

#[test]
fn owners_and_readers_are_killed_again_and_again_and_nothing_is_lost_or_left() {
    // Alone in its process, so that what it has open can be counted.
    let mut driver = start("driver");
    println!("{}", String::from_utf8(driver.receive(0).0).unwrap());
    let report = String::from_utf8(driver.receive(0).0).unwrap();
    println!("{report}");
    assert_eq!(driver.join(), None, "{report}");
    assert!(report.ends_with("clean"), "{report}");
}

#[test]
fn planted_leftovers_are_found() {
    for what in ["a name", "a process", "changed bytes", "a descriptor"] {
        let mut litterer = start(&format!("litterer {what}"));
        assert_eq!(litterer.receive(0).0, b"found", "{what}");
        assert_eq!(litterer.join(), None);
    }
}
