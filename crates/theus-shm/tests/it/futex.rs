//! Sleepers wake when their word changes, across processes, and never sleep on a word that has changed already.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use theus_shm::futex::{self, Woken};
use theus_shm::{Channel, socket};

use crate::child::{self, PATIENCE};

#[test]
fn a_changed_word_is_not_slept_on() {
    let word = AtomicU32::new(5);
    assert_eq!(futex::wait(&word, 4, u32::MAX, None), Woken::Changed);
    assert_eq!(futex::wait(&word, 4, 0, Some(PATIENCE)), Woken::Changed);
}

#[test]
fn a_sleep_ends_in_time() {
    let word = AtomicU32::new(5);
    for timeout in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(1)] {
        assert_eq!(futex::wait(&word, 5, u32::MAX, Some(timeout)), Woken::TimedOut);
    }
}

#[test]
fn a_wake_without_sleepers_wakes_nobody() {
    assert_eq!(futex::wake(&AtomicU32::new(0), u32::MAX, u32::MAX), 0);
}

#[test]
fn only_sleepers_with_a_bit_in_common_are_woken() {
    let word = Arc::new(AtomicU32::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let sleeper = {
        let (word, done) = (Arc::clone(&word), Arc::clone(&done));
        std::thread::spawn(move || {
            let woken = futex::wait(&word, 0, 0b01, Some(Duration::MAX));
            done.store(true, Ordering::Release);
            woken
        })
    };
    // Once this wakes one, it was asleep; until then, it may not be asleep yet.
    while futex::wake(&word, 0b11, 1) == 0 {
        assert_eq!(futex::wake(&word, 0b10, u32::MAX), 0, "another bit wakes nobody");
        assert!(!done.load(Ordering::Acquire));
        std::thread::yield_now();
    }
    assert_eq!(sleeper.join().unwrap(), Woken::Woken);
}

#[test]
fn another_process_wakes_and_is_woken() {
    let (mut answerer, socket) = child::start("answer");
    let (channel, fd) = Channel::create(4096).unwrap();
    socket::send(&socket, b"channel", &[std::os::fd::AsFd::as_fd(&fd)]).unwrap();
    channel.word(0).store(41, Ordering::Release);
    futex::wake(channel.word(0), 1, 1);
    let answer = channel.word(64);
    while answer.load(Ordering::Acquire) == 0 {
        assert_ne!(futex::wait(answer, 0, 2, Some(PATIENCE)), Woken::TimedOut);
    }
    assert_eq!(answer.load(Ordering::Acquire), 42);
    assert!(answerer.wait().unwrap().success());
}
