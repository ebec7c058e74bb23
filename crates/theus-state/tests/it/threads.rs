//! Real threads: no update is lost, no version is made twice, readers see whole versions in order.

use theus_state::{Commit, CommitError, CommitRefused, Isolation, Store};
use theus_sync::atomic::{AtomicBool, Ordering};
use theus_sync::{Arc, thread};
use theus_value::{Map, Path, Update, Value};

const THREADS: i64 = 4;
const EACH: i64 = 500;

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn number(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Int(n)) => *n,
        None => 0,
        other => panic!("expected a number, found {other:?}"),
    }
}

fn spawn_all(work: impl Fn(i64) -> Vec<u64> + Send + Sync + 'static) -> Vec<u64> {
    let work = Arc::new(work);
    let threads: Vec<_> = (0..THREADS)
        .map(|n| {
            let work = Arc::clone(&work);
            thread::spawn(move || work(n))
        })
        .collect();
    threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
}

/// Each version exactly once.
fn gapless(mut versions: Vec<u64>) {
    versions.sort_unstable();
    assert!(versions.into_iter().eq(1..=(THREADS * EACH) as u64));
}

/// Adds one to `at`, and again until it is committed; the version it made.
fn increment(store: &Store, at: &Path, isolation: Isolation) -> u64 {
    loop {
        let seen = store.snapshot();
        let mut update = Update::new();
        update.set(at.clone(), Value::from(number(seen.get(at)) + 1));
        match store.commit(Commit::new(seen.version(), update).isolation(isolation)) {
            Ok(done) => return done.version,
            Err(CommitError::Conflict { base, current, .. }) => {
                assert!(current > base, "a conflict without a rival")
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn no_increment_is_lost() {
    for isolation in [Isolation::Smart, Isolation::Strict, Isolation::Serializable] {
        let store = Store::new(Map::new());
        let shared = store.clone();
        let versions = spawn_all(move |_| {
            (0..EACH).map(|_| increment(&shared, &path("domain.count"), isolation)).collect()
        });
        gapless(versions);
        assert_eq!(number(store.snapshot().get(&path("domain.count"))), THREADS * EACH);
    }
}

#[test]
fn disjoint_writers_never_conflict() {
    let store = Store::new(Map::new());
    let shared = store.clone();
    let versions = spawn_all(move |n| {
        let at = path("domain").child(&n.to_string());
        let commit = |_| {
            let seen = shared.snapshot();
            let mut update = Update::new();
            update.set(at.clone(), Value::from(number(seen.get(&at)) + 1));
            shared.commit(Commit::new(seen.version(), update)).unwrap().version
        };
        (0..EACH).map(commit).collect()
    });
    gapless(versions);
    for n in 0..THREADS {
        assert_eq!(number(store.snapshot().get(&path("domain").child(&n.to_string()))), EACH);
    }
}

#[test]
fn checked_commits_lose_nothing_either() {
    let store = Store::new(Map::new());
    let shared = store.clone();
    let at = path("count");
    let versions = spawn_all(move |_| {
        let once = |_| loop {
            let seen = shared.snapshot();
            let mut update = Update::new();
            update.set(at.clone(), Value::from(number(seen.get(&at)) + 1));
            let grows = |pending: &Map, before: &Map| {
                if number(pending.get("count")) == number(before.get("count")) + 1 {
                    Ok(())
                } else {
                    Err("lost")
                }
            };
            match shared.commit_checked(Commit::new(seen.version(), update), grows) {
                Ok(done) => return done.version,
                Err(CommitRefused::Commit(CommitError::Conflict { .. })) => {}
                Err(error) => panic!("{error}"),
            }
        };
        (0..EACH).map(once).collect()
    });
    gapless(versions);
    assert_eq!(number(store.snapshot().root().get("count")), THREADS * EACH);
}

#[test]
fn readers_see_whole_versions_in_order() {
    let store = Store::new(Map::new());
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (store, done) = (store.clone(), Arc::clone(&done));
            thread::spawn(move || {
                let mut last = 0;
                while !done.load(Ordering::Acquire) {
                    let seen = store.snapshot();
                    assert!(seen.version() >= last, "versions went back");
                    last = seen.version();
                    assert_eq!(number(seen.get(&path("left.n"))) as u64, last);
                    assert_eq!(number(seen.get(&path("right.n"))) as u64, last);
                }
            })
        })
        .collect();
    for n in 1..=2_000 {
        let mut update = Update::new();
        update.set(path("left.n"), Value::from(n)).set(path("right.n"), Value::from(n));
        store.commit(Commit::new(store.version(), update)).unwrap();
    }
    done.store(true, Ordering::Release);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}
