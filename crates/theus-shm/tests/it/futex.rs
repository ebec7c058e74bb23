//! Sleepers wake when their word changes, across processes, and never sleep on a word that has changed already.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use theus_shm::Channel;
use theus_shm::futex::{self, Woken};
use theus_testkit::crash::PATIENCE;

use crate::child;

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
    let thread = Arc::new(AtomicU32::new(0));
    let sleeper = {
        let (word, thread) = (Arc::clone(&word), Arc::clone(&thread));
        std::thread::spawn(move || {
            let own = std::fs::read_link("/proc/thread-self").unwrap();
            let number = own.file_name().unwrap().to_string_lossy().parse().unwrap();
            thread.store(number, Ordering::Release);
            futex::wait(&word, 0, 0b01, Some(Duration::MAX))
        })
    };
    while !is_asleep(thread.load(Ordering::Acquire)) {
        std::thread::yield_now();
    }
    assert_eq!(futex::wake(&word, 0b10, u32::MAX), 0, "another bit wakes nobody");
    assert_eq!(futex::wake(&word, 0, 1), 1, "0 stands for all bits");
    assert_eq!(sleeper.join().unwrap(), Woken::Woken);
}

/// Whether a thread of this process waits for something; the test's thread has only one thing to wait for.
fn is_asleep(thread: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
}

#[test]
fn another_process_wakes_and_is_woken() {
    let mut answerer = child::start("answer");
    let (channel, fd) = Channel::create(4096).unwrap();
    answerer.send(b"channel", &[std::os::fd::AsFd::as_fd(&fd)]);
    channel.word(0).store(41, Ordering::Release);
    futex::wake(channel.word(0), 1, 1);
    let answer = channel.word(64);
    while answer.load(Ordering::Acquire) == 0 {
        assert_ne!(futex::wait(answer, 0, 2, Some(PATIENCE)), Woken::TimedOut);
    }
    assert_eq!(answer.load(Ordering::Acquire), 42);
    assert_eq!(answerer.join(), None);
}
