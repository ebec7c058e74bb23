//! What it costs another process to get at a block of 1 GiB, until it has read its first and last byte.
//!
//! `cargo run --release -p theus-shm --example attach [MIB]` starts itself again as the reader. "new" counts from before the
//! descriptor is taken from the socket: receive, check of seals, size and pages, map, two page faults. "known" is a block
//! in a segment that the reader has mapped already.
#![expect(clippy::print_stdout, reason = "an example talks to whoever started it")]

use std::error::Error;
use std::io::stdin;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use theus_shm::{Arena, ArenaOptions, Expect, Mapping, socket};

const ROUNDS: usize = 201;

fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("reader") {
        return read(&stdin().as_fd().try_clone_to_owned()?);
    }
    let len = argument.map_or(Ok(1024), |mib| mib.parse::<usize>())? << 20;
    let arena = Arena::new(ArenaOptions { capacity: u64::MAX });
    let block = arena.alloc(len, true)?;
    block.write_at(0, b"f")?;
    block.write_at(len - 1, b"l")?;
    let (ours, theirs) = socket::pair()?;
    let mut reader =
        Command::new(std::env::current_exe()?).arg("reader").stdin(Stdio::from(theirs)).spawn()?;
    for _ in 0..ROUNDS {
        socket::send(&ours, &(len as u64).to_le_bytes(), &[block.segment().fd()])?;
        // The reader asks for the next one.
        socket::recv(&ours, &mut [0], 0, true)?;
    }
    reader.wait()?;
    Ok(())
}

fn read(owner: &OwnedFd) -> Result<(), Box<dyn Error>> {
    let (mut new, mut known) = (Vec::new(), Vec::new());
    let mut len = 0;
    for _ in 0..ROUNDS {
        // Waiting for the owner is not counted; the message stays in the socket.
        theus_shm::pidfd::poll(&[owner.as_fd()], None)?;
        let started = Instant::now();
        let mut message = [0; 8];
        let (_, mut fds) = socket::recv(owner, &mut message, 1, true)?.ok_or("the owner is gone")?;
        len = u64::from_le_bytes(message) as usize;
        let fd = fds.pop().ok_or("no descriptor came")?;
        let mapping = Mapping::open(fd, Expect::segment(len as u64))?;
        touch(&mapping, len)?;
        new.push(started.elapsed());
        let started = Instant::now();
        touch(&mapping, len)?;
        known.push(started.elapsed());
        socket::send(owner, b".", &[])?;
    }
    let middle = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    println!(
        "{} MiB: new {:?}, known {:?} (medians of {ROUNDS})",
        len >> 20,
        middle(&mut new),
        middle(&mut known)
    );
    Ok(())
}

fn touch(mapping: &Mapping, len: usize) -> Result<(), Box<dyn Error>> {
    let mut byte = [0];
    mapping.read_at(0, &mut byte)?;
    assert_eq!(&byte, b"f");
    mapping.read_at(len - 1, &mut byte)?;
    assert_eq!(&byte, b"l");
    Ok(())
}
