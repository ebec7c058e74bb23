//! Loom: every interleaving of two committers and a reader. Run with
//! `RUSTFLAGS="--cfg theus_loom" cargo test -p theus-state --test model --release`.
//!
//! Each property is checked on the store and shown to fail on a twin with a planted bug.
#![cfg(theus_loom)]
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use theus_state::{Commit, CommitError, Snapshot, Store};
use theus_sync::{Arc, ArcCell, thread};
use theus_value::{Map, Path, Update, Value};

/// What stands in the place of the store.
trait Subject: Clone + Send + 'static {
    fn new() -> Self;
    fn snapshot(&self) -> Snapshot;
    fn commit(&self, commit: Commit) -> Result<u64, CommitError>;
}

impl Subject for Store {
    fn new() -> Self {
        Store::new(Map::new())
    }

    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }

    fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        Store::commit(self, commit).map(|done| done.version)
    }
}

/// The store by way of its checked commit, with a check that agrees.
#[derive(Clone)]
struct Checked(Store);

impl Subject for Checked {
    fn new() -> Self {
        Self(Store::new(Map::new()))
    }

    fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        match self.0.commit_checked(commit, |_, _| Ok::<(), std::convert::Infallible>(())) {
            Ok(done) => Ok(done.version),
            Err(theus_state::CommitRefused::Commit(error)) => Err(error),
            Err(theus_state::CommitRefused::Check { error, .. }) => match error {},
        }
    }
}

/// Planted bug: loads and stores without a lock, so a commit can overwrite another.
#[derive(Clone)]
struct Unlocked(Arc<ArcCell<Snapshot>>);

impl Subject for Unlocked {
    fn new() -> Self {
        Self(Arc::new(ArcCell::new(Arc::new(Store::new(Map::new()).snapshot()))))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::clone(&self.0.load())
    }

    fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        let next = self.0.load().advance(commit)?;
        let version = next.version();
        self.0.store(Arc::new(next));
        Ok(version)
    }
}

/// Planted bug: publishes each operation of an update by itself.
#[derive(Clone)]
struct Piecemeal(Store);

impl Subject for Piecemeal {
    fn new() -> Self {
        Self(Store::new(Map::new()))
    }

    fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        let mut version = commit.base;
        for op in commit.update.ops() {
            version =
                self.0.commit(Commit { update: Update::from_iter([op.clone()]), ..commit.clone() })?.version;
        }
        Ok(version)
    }
}

fn path(key: &str) -> Path {
    Path::from_segments([key])
}

fn number(snapshot: &Snapshot, key: &str) -> i64 {
    match snapshot.get(&path(key)) {
        Some(Value::Int(n)) => *n,
        _ => 0,
    }
}

/// Adds one to both halves of a counter, trying again until it is committed.
fn increment<S: Subject>(subject: &S) -> u64 {
    loop {
        let seen = subject.snapshot();
        let next = Value::from(number(&seen, "left") + 1);
        let mut update = Update::new();
        update.set(path("left"), next.clone()).set(path("right"), next);
        if let Ok(version) = subject.commit(Commit::new(seen.version(), update)) {
            return version;
        }
    }
}

fn spawn<S: Subject>(subject: &S, times: usize) -> thread::JoinHandle<Vec<u64>> {
    let subject = subject.clone();
    thread::spawn(move || (0..times).map(|_| increment(&subject)).collect())
}

/// Two committers of so many increments each: none is lost, and each version is made once.
fn no_update_is_lost<S: Subject>(times: usize) {
    loom::model(move || {
        let subject = S::new();
        let other = spawn(&subject, times);
        let mut versions: Vec<u64> = (0..times).map(|_| increment(&subject)).collect();
        versions.extend(other.join().unwrap());
        versions.sort_unstable();
        assert!(versions.into_iter().eq(1..=2 * times as u64), "a version is missing or was made twice");
        assert_eq!(number(&subject.snapshot(), "left"), 2 * times as i64, "an update was lost");
    });
}

/// Two committers and a reader: what is read is whole, is never older than what was read before, and never changes.
fn readers_see_whole_versions<S: Subject>() {
    loom::model(|| {
        let subject = S::new();
        let writers = [spawn(&subject, 1), spawn(&subject, 1)];
        let whole =
            |seen: &Snapshot| assert_eq!(number(seen, "left"), number(seen, "right"), "a version was torn");
        let first = subject.snapshot();
        whole(&first);
        let (version, left) = (first.version(), number(&first, "left"));
        let second = subject.snapshot();
        whole(&second);
        assert!(second.version() >= version, "versions went back");
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!((first.version(), number(&first, "left")), (version, left), "a snapshot changed");
        whole(&subject.snapshot());
    });
}

/// Two committers of different keys from the same base: both pass, and both changes are there.
fn disjoint_commits_merge<S: Subject>() {
    loom::model(|| {
        let subject = S::new();
        let set = |key: &str| {
            let mut update = Update::new();
            update.set(path(key), Value::from(1));
            Commit::new(0, update)
        };
        let (other, commit) = (subject.clone(), set("right"));
        let thread = thread::spawn(move || other.commit(commit).unwrap());
        let mine = subject.commit(set("left")).unwrap();
        let its = thread.join().unwrap();
        assert_eq!(mine + its, 3, "a version is missing or was made twice");
        let after = subject.snapshot();
        assert_eq!((number(&after, "left"), number(&after, "right")), (1, 1), "an update was lost");
    });
}

/// The model must fail, and by saying `why`.
fn must_find(why: &str, model: impl FnOnce()) {
    let panic = catch_unwind(AssertUnwindSafe(model)).expect_err("the planted bug went unnoticed");
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    assert!(text.contains(why), "found something else: {text}");
}

#[test]
fn store_loses_no_update() {
    no_update_is_lost::<Store>(1);
}

#[test]
fn store_loses_no_update_of_two_each() {
    no_update_is_lost::<Store>(2);
}

#[test]
fn store_shows_whole_versions() {
    readers_see_whole_versions::<Store>();
}

#[test]
fn store_merges_disjoint_commits() {
    disjoint_commits_merge::<Store>();
}

#[test]
fn checked_commit_loses_no_update() {
    no_update_is_lost::<Checked>(1);
}

#[test]
fn checked_commit_shows_whole_versions() {
    readers_see_whole_versions::<Checked>();
}

#[test]
fn checked_commit_merges_disjoint_commits() {
    disjoint_commits_merge::<Checked>();
}

#[test]
fn planted_missing_lock_is_found() {
    must_find("a version is missing or was made twice", || no_update_is_lost::<Unlocked>(1));
}

#[test]
fn planted_missing_lock_is_found_by_disjoint_commits() {
    must_find("a version is missing or was made twice", disjoint_commits_merge::<Unlocked>);
}

#[test]
fn planted_piecemeal_publication_is_found() {
    must_find("a version was torn", readers_see_whole_versions::<Piecemeal>);
}
