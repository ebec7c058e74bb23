//! A process's death is an event on its descriptor.

use std::os::fd::AsFd;
use std::time::Duration;

use theus_shm::pidfd;

use crate::child::{self, PATIENCE};

#[test]
fn a_killed_child_becomes_readable() {
    let (mut held, socket) = child::start("hold");
    child::receive(&socket, 3);
    let process = pidfd::open(held.id()).unwrap();
    assert_eq!(pidfd::poll(&[process.as_fd()], Some(Duration::ZERO)).unwrap(), [false]);
    pidfd::send_signal(&process, 0).unwrap();

    pidfd::send_signal(&process, libc::SIGKILL).unwrap();
    let ended = pidfd::poll(&[socket.as_fd(), process.as_fd()], Some(PATIENCE)).unwrap();
    assert!(ended.contains(&true));
    assert_eq!(pidfd::poll(&[process.as_fd()], Some(PATIENCE)).unwrap(), [true]);
    held.wait().unwrap();

    let error = pidfd::send_signal(&process, libc::SIGKILL).unwrap_err();
    assert_eq!(
        error.raw_os_error(),
        Some(libc::ESRCH),
        "its number may be another's by now, the descriptor is not"
    );
}

#[test]
fn a_child_that_asked_for_it_dies_with_the_thread_that_started_it() {
    use std::os::unix::process::ExitStatusExt;
    let starter = std::thread::spawn(|| {
        let (child, socket) = child::start("die with its starter");
        child::receive(&socket, 0);
        (child, socket)
    });
    let (mut orphan, _open) = starter.join().unwrap();
    assert_eq!(orphan.wait().unwrap().signal(), Some(libc::SIGKILL));
}

#[test]
fn what_is_no_process_is_an_error() {
    for pid in [0, u32::MAX, i32::MAX as u32] {
        assert!(pidfd::open(pid).is_err(), "{pid}");
    }
}

#[test]
fn a_poll_of_nothing_ends_in_time() {
    assert!(pidfd::poll(&[], Some(Duration::from_nanos(1))).unwrap().is_empty());
}
