//! A process's death is an event on its descriptor.

use std::os::fd::AsFd;
use std::time::Duration;

use theus_shm::pidfd;
use theus_testkit::crash::PATIENCE;

use crate::child;

#[test]
fn a_killed_child_becomes_readable() {
    let mut held = child::start("hold");
    held.receive(3);
    let process = pidfd::open(held.pid()).unwrap();
    assert_eq!(pidfd::poll(&[process.as_fd()], Some(Duration::ZERO)).unwrap(), [false]);
    pidfd::send_signal(&process, 0).unwrap();

    pidfd::send_signal(&process, libc::SIGKILL).unwrap();
    let ended = pidfd::poll(&[held.socket().as_fd(), process.as_fd()], Some(PATIENCE)).unwrap();
    assert!(ended.contains(&true));
    assert_eq!(pidfd::poll(&[process.as_fd()], Some(PATIENCE)).unwrap(), [true]);
    assert_eq!(held.join(), Some(libc::SIGKILL));

    let error = pidfd::send_signal(&process, libc::SIGKILL).unwrap_err();
    assert_eq!(
        error.raw_os_error(),
        Some(libc::ESRCH),
        "its number may be another's by now, the descriptor is not"
    );
}

#[test]
fn a_child_that_asked_for_it_dies_with_the_thread_that_started_it() {
    let starter = std::thread::spawn(|| {
        let child = child::start("die with its starter");
        child.receive(0);
        child
    });
    assert_eq!(starter.join().unwrap().join(), Some(libc::SIGKILL));
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
