//! Publication against reads: what is read is whole, is never older than what was read before, and never changes.

use crate::counter::{increment, number};
use crate::subject::{Checked, Piecemeal, Subject, TwoLooks};
use crate::{explore, must_find};
use theus_state::{Snapshot, Store};
use theus_sync::thread;

fn whole(seen: &Snapshot) {
    assert_eq!(number(seen, "left"), number(seen, "right"), "a version was torn");
    assert_eq!(number(seen, "left") as u64, seen.version(), "a version was torn");
}

/// A committer and a reader that looks once and keeps a snapshot once; then two committers at that.
fn readers_see_whole_versions<S: Subject>(writers: usize) {
    explore(None, move || {
        let subject = S::new();
        let writers: Vec<_> = (0..writers)
            .map(|_| {
                let subject = subject.clone();
                thread::spawn(move || while subject.commit(increment(&subject.snapshot())).is_err() {})
            })
            .collect();
        let (version, looked) = subject.look();
        assert_eq!(version, looked.version(), "a look was torn");
        whole(&looked);
        let kept = subject.snapshot();
        whole(&kept);
        assert!(kept.version() >= version, "versions went back");
        let before = (kept.version(), number(&kept, "left"));
        let made = writers.len() as u64;
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!((kept.version(), number(&kept, "left")), before, "a snapshot changed");
        assert_eq!(number(&subject.look().1, "left") as u64, made, "what was committed is not seen");
        whole(&subject.snapshot());
    });
}

#[test]
fn store_shows_whole_versions() {
    readers_see_whole_versions::<Store>(1);
}

#[test]
fn store_shows_whole_versions_of_two_committers() {
    readers_see_whole_versions::<Store>(2);
}

#[test]
fn checked_commit_shows_whole_versions() {
    readers_see_whole_versions::<Checked>(1);
}

#[test]
fn planted_piecemeal_publication_is_found() {
    must_find("a version was torn", || readers_see_whole_versions::<Piecemeal>(1));
}

#[test]
fn planted_look_at_two_moments_is_found() {
    must_find("a look was torn", || readers_see_whole_versions::<TwoLooks>(1));
}
