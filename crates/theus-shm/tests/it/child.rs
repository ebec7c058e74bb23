//! The roles of the processes that the other tests start: this test binary, started anew.
//!
//! Not here: starting and killing them (`theus_testkit::crash`).

use std::os::fd::{AsFd, OwnedFd};

use theus_shm::{Arena, ArenaOptions, Channel, Expect, Mapping, Segment, futex, pidfd, socket};
use theus_testkit::crash::{PATIENCE, Victim};

use crate::raw;

/// Starts a process in one of the roles below.
pub(crate) fn start(role: &str) -> Victim {
    Victim::start("child::play", role)
}

/// Receives one message of at most 64 bytes.
pub(crate) fn receive(socket: &OwnedFd, fds: usize) -> (Vec<u8>, Vec<OwnedFd>) {
    let mut buffer = [0; 64];
    let (len, fds) = socket::recv(socket, &mut buffer, fds, true).unwrap().expect("the other side is there");
    (buffer[..len].to_vec(), fds)
}

#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn play() {
    let Some((name, socket)) = theus_testkit::crash::role() else { return };
    match &*name {
        "hold" => hold(&socket),
        "write to a reader's mapping" => write_to_mapping(&socket),
        "answer" => answer(&socket),
        "die with its starter" => die_with_starter(&socket),
        "no files left" => no_files_left(&socket),
        other => panic!("no such role: {other}"),
    }
}

/// Holds every kind of memory and waits to be killed.
fn hold(socket: &OwnedFd) {
    let label = format!("theus-kill-{}", std::process::id());
    let segment = Segment::create(1 << 20, &label).unwrap();
    let arena = Arena::new(ArenaOptions { capacity: 64 << 20 });
    let blocks: Vec<_> = [100, 5000, 3 << 20].map(|len| arena.alloc(len, true).unwrap()).into();
    blocks[2].write_at(0, b"survives").unwrap();
    let (_channel, channel_fd) = Channel::create(4096).unwrap();
    let fds = [segment.fd(), blocks[2].segment().fd(), channel_fd.as_fd()];
    socket::send(socket, b"ready", &fds).unwrap();
    // The parent never answers.
    let _ = socket::recv(socket, &mut [0; 8], 0, true);
}

fn write_to_mapping(socket: &OwnedFd) {
    let (_, mut fds) = receive(socket, 1);
    let mapping = Mapping::open(fds.remove(0), Expect::segment(4096)).unwrap();
    raw::store(mapping.as_ptr());
    socket::send(socket, b"still here", &[]).unwrap();
}

/// Waits for word 0 to leave 0, adds one to it in word 1 and wakes the parent.
fn answer(socket: &OwnedFd) {
    use std::sync::atomic::Ordering::{Acquire, Release};
    let (_, mut fds) = receive(socket, 1);
    let channel = Channel::open(fds.remove(0)).unwrap();
    let (question, answer) = (channel.word(0), channel.word(64));
    while question.load(Acquire) == 0 {
        let _ = futex::wait(question, 0, 1, Some(PATIENCE));
    }
    answer.store(question.load(Acquire) + 1, Release);
    futex::wake(answer, 2, 1);
}

fn die_with_starter(socket: &OwnedFd) {
    pidfd::die_with_parent().unwrap();
    socket::send(socket, b"ready", &[]).unwrap();
    // The starter keeps its end open and never answers.
    let _ = socket::recv(socket, &mut [0; 8], 0, true);
}

/// Cannot take the descriptors that come with a message, and says what it got instead.
fn no_files_left(socket: &OwnedFd) {
    let next_free = socket.try_clone().unwrap();
    use std::os::fd::AsRawFd;
    raw::limit_files(u64::try_from(next_free.as_raw_fd()).unwrap()).unwrap();
    drop(next_free);
    socket::send(socket, b"ready", &[]).unwrap();
    let error = socket::recv(socket, &mut [0; 64], 4, true).unwrap_err();
    socket::send(socket, error.to_string().as_bytes(), &[]).unwrap();
}
