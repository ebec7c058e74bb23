//! hostile

mod attack;
mod raw;

use std::os::fd::{AsFd, BorrowedFd};

use theus_shm::{Arena, ArenaOptions, SealedBuffer, socket};
use theus_testkit::crash::{Victim, role};

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn play() {
    let Some((name, socket)) = role() else { return };
    match &*name {
        "attacker" => attack::play(&socket),
        other => panic!("no such role: {other}"),
    }
}

#[test]
fn explore() {
    let arena = Arena::new(ArenaOptions { capacity: 8 << 20 });
    for (name, len) in [("small", 5000), ("own", 1 << 20)] {
        let block = arena.alloc(len, true).unwrap();
        block.write_at(0, &[7; 5000]).unwrap();
        println!("== {name}");
        run(block.segment().fd(), block.segment().len() as u64);
        println!("{:?}", block.to_vec().iter().filter(|b| **b == 7).count());
    }
    let fd = SealedBuffer::from_bytes(&[7; 5000]).unwrap();
    println!("== sealed");
    run(fd.as_fd(), 5000);
}

fn run(fd: BorrowedFd<'_>, len: u64) {
    let attacker = Victim::start("hostile::play", "attacker");
    attacker.send(&len.to_ne_bytes(), &[fd]);
    loop {
        let (line, _) = attacker.receive(0);
        if line == b"done" || line.is_empty() { break; }
        println!("{}", String::from_utf8(line).unwrap());
    }
}
