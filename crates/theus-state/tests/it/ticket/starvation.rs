//! A slow writer against many fast ones: the ticket lets it through after so many attempts, and without it, it starves.

use std::time::Duration;
use theus_state::{Commit, CommitError, ConflictManager, MAX_RETRIES, Requester, Store};
use theus_sync::atomic::{AtomicBool, AtomicU32, Ordering};
use theus_sync::{Arc, thread};
use theus_value::{Map, Path, Update, Value};

const FAST: usize = 50;
/// What the slow writer does between its snapshot and its commit.
const WORK: Duration = Duration::from_millis(100);

fn count() -> Path {
    Path::from_segments(["count"])
}

/// One more, based on the state of now.
fn increment(store: &Store, requester: &Requester) -> Commit {
    let seen = store.snapshot();
    let n = if let Some(Value::Int(n)) = seen.get(&count()) { *n } else { 0 };
    let mut update = Update::new();
    update.set(count(), Value::from(n + 1));
    Commit::new(seen.version(), update).requester(requester.clone())
}

/// The fast ones, until told to stop; gives the commits that went through and those the ticket refused.
fn fast(store: &Store, stop: &Arc<AtomicBool>) -> Vec<thread::JoinHandle<(u64, u64)>> {
    let one = |n: usize| {
        let (store, stop, me) = (store.clone(), Arc::clone(stop), Requester::task("fast", n as u64));
        thread::spawn(move || {
            let (mut done, mut busy) = (0, 0);
            while !stop.load(Ordering::Relaxed) {
                match store.commit(increment(&store, &me)) {
                    Ok(_) => done += 1,
                    Err(CommitError::Busy { .. }) => {
                        busy += 1;
                        store.wait_unblocked(Some(&me), WORK * 100);
                    }
                    Err(error) => assert!(matches!(error, CommitError::Conflict { .. }), "{error}"),
                }
            }
            (done, busy)
        })
    };
    (0..FAST).map(one).collect()
}

/// How many attempts the slow writer needed, of at most `most`, when `retry` says what to do after a conflict. While
/// nothing shields it, each attempt meets a rival, whatever the machine is busy with.
fn attempts(store: &Store, most: u32, work: Duration, retry: impl Fn(&Requester)) -> u32 {
    let me = Requester::new("slow");
    for attempt in 1..=most {
        let commit = increment(store, &me);
        std::thread::sleep(work);
        while store.blocked(None) != Some(me.clone()) && store.version() == commit.base {
            thread::yield_now();
        }
        match store.commit(commit) {
            Ok(_) => return attempt,
            Err(error) => assert!(matches!(error, CommitError::Conflict { .. }), "{error}"),
        }
        retry(&me);
    }
    most + 1
}

/// Runs both; the attempts of the slow one, and how many commits of the fast ones were refused.
fn race(run: impl FnOnce(&Store) -> u32) -> (u32, u64) {
    let (store, stop) = (Store::new(Map::new()), Arc::new(AtomicBool::new(false)));
    let fast = fast(&store, &stop);
    let attempts = run(&store);
    stop.store(true, Ordering::Relaxed);
    let (done, busy) = fast
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let count = if let Some(Value::Int(n)) = store.snapshot().get(&count()) { *n as u64 } else { 0 };
    assert_eq!(store.version(), count, "each version is one increment");
    assert!(done == count || done + 1 == count);
    (attempts, busy)
}

#[test]
fn a_slow_writer_gets_through_after_its_retries() {
    let conflicts = AtomicU32::new(0);
    let (attempts, busy) = race(|store| {
        let manager = ConflictManager::new(store.clone(), MAX_RETRIES, Duration::from_millis(2));
        let needed = attempts(store, 100, WORK, |me| {
            conflicts.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(manager.report_conflict(me).wait);
        });
        manager.report_success(&Requester::new("slow"));
        assert_eq!(store.blocked(None), None);
        needed
    });
    assert!(attempts <= MAX_RETRIES + 2, "{attempts} attempts");
    assert_eq!(conflicts.into_inner(), attempts - 1);
    assert!(busy > 0, "nobody was kept out");
}

#[test]
fn planted_without_the_ticket_it_starves() {
    let (attempts, busy) = race(|store| attempts(store, 20, WORK / 50, |_| {}));
    assert_eq!((attempts, busy), (21, 0), "it got through by luck, so the test above proves nothing");
}
