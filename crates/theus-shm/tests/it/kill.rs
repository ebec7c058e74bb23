//! After `kill -9` nothing is left, and what others still map stays whole.

use std::fs::{read_dir, read_link, read_to_string};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Instant;

use theus_shm::{Channel, Expect, Mapping, pidfd};

use crate::child::{self, PATIENCE};

/// Every file name in the places where named shared memory and semaphores live.
fn named() -> Vec<String> {
    let entries =
        ["/dev/shm", "/dev/mqueue"].into_iter().flat_map(|folder| read_dir(folder).into_iter().flatten());
    entries
        .flatten()
        .map(|entry| entry.path().display().to_string())
        .filter(|name| name.contains("theus"))
        .collect()
}

/// Waits for what must come true: a child that another test is starting right now has copies of our
/// descriptors and mappings until it executes its program.
fn eventually(what: &str, is_true: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

/// Processes that still map or hold a memory file with this label.
fn holders(label: &str) -> Vec<String> {
    let processes = read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let is_number =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok());
    processes
        .filter(is_number)
        .filter(|process| {
            let maps = read_to_string(process.join("maps")).unwrap_or_default();
            let fds = read_dir(process.join("fd")).into_iter().flatten().flatten();
            let mut links = fds.filter_map(|fd| read_link(fd.path()).ok());
            maps.contains(label) || links.any(|link| link.to_string_lossy().contains(label))
        })
        .map(|process| process.display().to_string())
        .collect()
}

#[test]
fn nothing_is_left_of_a_killed_process_and_readers_keep_what_they_map() {
    let (mut held, socket) = child::start("hold");
    let (message, mut fds) = child::receive(&socket, 3);
    assert_eq!((message.as_slice(), fds.len()), (b"ready".as_slice(), 3));
    let channel = Channel::open(fds.remove(2)).unwrap();
    let block = Mapping::open(fds.remove(1), Expect::segment(3 << 20)).unwrap();
    let label = format!("theus-kill-{}", held.id());
    let segment = Mapping::open(fds.remove(0), Expect::segment(1 << 20)).unwrap();
    eventually("the child and we hold it", || holders(&label).len() == 2);

    let process = pidfd::open(held.id()).unwrap();
    pidfd::send_signal(&process, libc::SIGKILL).unwrap();
    assert_eq!(pidfd::poll(&[process.as_fd()], Some(PATIENCE)).unwrap(), [true]);
    held.wait().unwrap();

    let mut bytes = [0; 9];
    block.read_at(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"survives\0", "mapped memory outlives its maker");
    let mut last = [1; 1];
    segment.read_at((1 << 20) - 1, &mut last).unwrap();
    channel.read(4095, &mut last).unwrap();

    drop((segment, block, channel));
    eventually("nobody holds it any more", || holders(&label).is_empty());
    assert_eq!(named(), Vec::<String>::new());
}
