//! Commits racing: none is lost, each version is made once, and what does not meet merges.

use crate::counter::{increment, number, set};
use crate::subject::{Checked, Subject, Unlocked};
use crate::{explore, must_find};
use theus_state::Store;
use theus_sync::thread;

/// Increments until it is committed.
fn persist<S: Subject>(subject: &S) -> u64 {
    loop {
        if let Ok(version) = subject.commit(increment(&subject.snapshot())) {
            return version;
        }
    }
}

/// So many committers of so many increments each.
fn no_update_is_lost<S: Subject>(committers: usize, times: usize, preemptions: Option<usize>) {
    explore(preemptions, move || {
        let subject = S::new();
        let others: Vec<_> = (1..committers)
            .map(|_| {
                let subject = subject.clone();
                thread::spawn(move || (0..times).map(|_| persist(&subject)).collect::<Vec<u64>>())
            })
            .collect();
        let mut versions: Vec<u64> = (0..times).map(|_| persist(&subject)).collect();
        others.into_iter().for_each(|other| versions.extend(other.join().unwrap()));
        versions.sort_unstable();
        let all = committers * times;
        assert!(versions.into_iter().eq(1..=all as u64), "a version is missing or was made twice");
        assert_eq!(number(&subject.snapshot(), "left"), all as i64, "an update was lost");
    });
}

/// Two committers of different keys from the same base: both pass, and both changes are there.
fn disjoint_commits_merge<S: Subject>() {
    explore(None, || {
        let subject = S::new();
        let other = subject.clone();
        let thread = thread::spawn(move || other.commit(set(0, "right", 1)).unwrap());
        let mine = subject.commit(set(0, "left", 1)).unwrap();
        let its = thread.join().unwrap();
        assert_eq!(mine + its, 3, "a version is missing or was made twice");
        let after = subject.snapshot();
        assert_eq!((number(&after, "left"), number(&after, "right")), (1, 1), "an update was lost");
    });
}

/// Two committers of the same key from the same base: just one passes.
fn one_of_two_rivals_passes<S: Subject>() {
    explore(None, || {
        let subject = S::new();
        let other = subject.clone();
        let thread = thread::spawn(move || other.commit(set(0, "left", 1)).is_ok());
        let mine = subject.commit(set(0, "left", 2)).is_ok();
        assert!(mine != thread.join().unwrap(), "both passed, or none");
        assert_eq!(number(&subject.snapshot(), "left"), if mine { 2 } else { 1 });
    });
}

#[test]
fn store_loses_no_update() {
    no_update_is_lost::<Store>(2, 1, None);
}

#[test]
fn store_loses_no_update_of_two_each() {
    no_update_is_lost::<Store>(2, 2, None);
}

#[test]
fn store_loses_no_update_of_three() {
    no_update_is_lost::<Store>(3, 1, None);
}

#[test]
fn store_loses_no_update_of_four() {
    no_update_is_lost::<Store>(4, 1, Some(3));
}

#[test]
fn store_merges_disjoint_commits() {
    disjoint_commits_merge::<Store>();
}

#[test]
fn store_lets_one_of_two_rivals_pass() {
    one_of_two_rivals_passes::<Store>();
}

#[test]
fn checked_commit_loses_no_update() {
    no_update_is_lost::<Checked>(2, 1, None);
}

#[test]
fn checked_commit_merges_disjoint_commits() {
    disjoint_commits_merge::<Checked>();
}

#[test]
fn checked_commit_lets_one_of_two_rivals_pass() {
    one_of_two_rivals_passes::<Checked>();
}

#[test]
fn planted_missing_lock_is_found() {
    must_find("a version is missing or was made twice", || no_update_is_lost::<Unlocked>(2, 1, None));
}

#[test]
fn planted_missing_lock_is_found_by_disjoint_commits() {
    must_find("a version is missing or was made twice", disjoint_commits_merge::<Unlocked>);
}

#[test]
fn planted_missing_lock_is_found_by_rivals() {
    must_find("both passed, or none", one_of_two_rivals_passes::<Unlocked>);
}
