//! Observers: every commit is told in order, what is missed is counted, and no wake-up is lost.

use crate::feed::{DROWSY, FORGETFUL, Feed, LATE, SILENT, SILENT_END, SOUND, Twin};
use crate::{explore, must_find};
use theus_state::{RecvError, Store};
use theus_sync::thread;
use theus_value::Map;

/// Receives until the store is gone; what came, and how much was missed.
fn drain<F: Feed>(observer: &F::Observer) -> (Vec<u64>, u64) {
    let (mut versions, mut lost) = (vec![], 0);
    loop {
        match F::recv(observer) {
            Ok(version) => versions.push(version),
            Err(RecvError::Lagged { missed }) => lost += missed,
            Err(RecvError::Closed) => return (versions, lost),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Two committers, and one that receives what they commit while they do.
fn commits_are_told_in_order<F: Feed>(capacity: usize, preemptions: Option<usize>) {
    explore(preemptions, move || {
        let feed = F::new();
        let observer = feed.observe(capacity);
        let other = feed.clone();
        let other = thread::spawn(move || other.commit());
        let receiver = thread::spawn(move || drain::<F>(&observer));
        feed.commit();
        drop(feed);
        other.join().unwrap();
        let (versions, missed) = receiver.join().unwrap();
        assert!(versions.is_sorted_by(|a, b| a < b), "not in order: {versions:?}");
        assert_eq!(versions.len() as u64 + missed, 2, "the events and those missed are not all");
        assert_eq!(versions.last(), Some(&2), "the newest was dropped");
        assert!(missed == 0 || capacity < 2, "missed though there was room");
    });
}

/// One committer, then the end of the store, and one that waits for both.
fn a_receiver_is_woken<F: Feed>() {
    explore(None, || {
        let feed = F::new();
        let observer = feed.observe(2);
        let other = feed.clone();
        let committer = thread::spawn(move || other.commit());
        assert_eq!(F::recv(&observer), Ok(1));
        assert_eq!(committer.join().unwrap(), 1);
        let end = thread::spawn(move || drop(feed));
        assert_eq!(F::recv(&observer), Err(RecvError::Closed));
        end.join().unwrap();
    });
}

#[test]
fn store_tells_commits_in_order() {
    commits_are_told_in_order::<Store>(2, Some(3));
}

#[test]
fn store_counts_what_was_missed() {
    commits_are_told_in_order::<Store>(1, Some(3));
}

#[test]
fn store_wakes_a_receiver() {
    a_receiver_is_woken::<Store>();
}

/// An observer that goes while a commit is under way; another stays and is told all.
#[test]
fn store_lets_an_observer_go_at_any_time() {
    explore(None, || {
        let store = Store::new(Map::new());
        let (going, staying) = (store.observe(1), store.observe(2));
        let other = store.clone();
        let committer = thread::spawn(move || Feed::commit(&other));
        drop(going);
        Feed::commit(&store);
        committer.join().unwrap();
        let told = || staying.try_recv().unwrap().map(|event| event.version);
        assert_eq!((told(), told(), told()), (Some(1), Some(2), None));
    });
}

#[test]
fn the_sound_twin_passes_so_the_planted_bugs_are_what_is_found() {
    commits_are_told_in_order::<Twin<SOUND>>(2, Some(3));
    commits_are_told_in_order::<Twin<SOUND>>(1, Some(3));
    a_receiver_is_woken::<Twin<SOUND>>();
}

#[test]
fn planted_telling_after_the_lock_is_found() {
    must_find("not in order", || commits_are_told_in_order::<Twin<LATE>>(2, Some(3)));
}

#[test]
fn planted_uncounted_loss_is_found() {
    must_find("the events and those missed are not all", || {
        commits_are_told_in_order::<Twin<FORGETFUL>>(1, Some(3));
    });
}

#[test]
fn planted_silence_is_found() {
    must_find("deadlock", a_receiver_is_woken::<Twin<SILENT>>);
    must_find("deadlock", a_receiver_is_woken::<Twin<SILENT_END>>);
}

#[test]
fn planted_lost_wake_up_is_found() {
    must_find("deadlock", a_receiver_is_woken::<Twin<DROWSY>>);
}
