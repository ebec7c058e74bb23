//! Observers: what they are told, what they miss, and what they cost.

use proptest::collection::vec;
use proptest::prelude::*;
use std::time::{Duration, SystemTime};
use theus_state::{Commit, CommitRefused, Event, Observer, RecvError, Requester, Store, TransactionOptions};
use theus_sync::{Arc, thread};
use theus_testkit::tree::{Change, Node, Tree};
use theus_value::{Map, Path, Update, Value};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn set(at: &str, value: impl Into<Value>) -> Update {
    let mut update = Update::new();
    update.set(path(at), value.into());
    update
}

fn commit(store: &Store, at: &str, n: i64) {
    store.commit(Commit::new(store.version(), set(at, n))).unwrap();
}

/// All that is there now.
fn drain(observer: &Observer) -> Vec<Event> {
    std::iter::from_fn(|| observer.try_recv().unwrap()).collect()
}

#[test]
fn every_way_to_commit_is_told_in_order() {
    let store = Store::new(Map::new());
    commit(&store, "before", 0);
    let (observer, other, begun) = (store.observe(10), store.observe(10), SystemTime::now());
    store.commit(Commit::new(1, set("a", 1)).requester(Requester::new("pay"))).unwrap();
    assert!(store.commit(Commit::new(1, set("a", 2))).is_err(), "a refused commit is none");
    store.commit_checked(Commit::new(2, set("b", 2)), |_, _| Ok::<(), ()>(())).unwrap();
    let unwanted = store.commit_checked(Commit::new(3, set("b", 3)), |_, _| Err(()));
    assert!(matches!(unwanted, Err(CommitRefused::Check { .. })));
    let mut transaction = store.transaction(TransactionOptions::default());
    transaction.update(set("c", 3)).unwrap();
    transaction.update(set("d", 4)).unwrap();
    transaction.commit().unwrap();
    store.commit(Commit::new(4, Update::new())).unwrap();

    let events = drain(&observer);
    let mut both = set("c", 3);
    both.set(path("d"), Value::from(4));
    let told: Vec<_> = events.iter().map(|event| (event.version, Update::clone(&event.update))).collect();
    assert_eq!(told, [(2, set("a", 1)), (3, set("b", 2)), (4, both), (5, Update::new())]);
    assert_eq!((&events[0].requester, &events[1].requester), (&Some(Requester::new("pay")), &None));
    assert!(events.iter().all(|event| event.time >= begun && event.time <= SystemTime::now()));
    assert_eq!(drain(&other), events);
}

#[test]
fn one_that_lags_is_told_once_how_much_it_missed() {
    let store = Store::new(Map::new());
    let observer = store.observe(4);
    (0..10).for_each(|n| commit(&store, "a", n));
    assert_eq!(observer.try_recv(), Err(RecvError::Lagged { missed: 6 }));
    let versions: Vec<u64> = drain(&observer).iter().map(|event| event.version).collect();
    assert_eq!(versions, [7, 8, 9, 10]);
    (0..4).for_each(|n| commit(&store, "a", n));
    assert_eq!(observer.try_recv().unwrap().unwrap().version, 11);
    (0..2).for_each(|n| commit(&store, "a", n));
    assert_eq!(observer.recv(None), Err(RecvError::Lagged { missed: 1 }));
    assert_eq!(observer.recv(None).unwrap().version, 13);
    let one = store.observe(0);
    (0..3).for_each(|n| commit(&store, "a", n));
    assert_eq!(one.try_recv(), Err(RecvError::Lagged { missed: 2 }));
    assert_eq!(one.try_recv().unwrap().unwrap().version, 19, "no capacity means one");
}

/// How many hold the value besides this one, its state included.
fn holders(value: &Arc<[Value]>) -> usize {
    Arc::strong_count(value) - 1
}

#[test]
fn what_is_kept_for_an_observer_is_bounded_and_goes_with_it() {
    let store = Store::new(Map::new());
    let observer = store.observe(3);
    let probe: Arc<[Value]> = vec![Value::from(1)].into();
    for n in 1..=8 {
        store.commit(Commit::new(u64::MAX, set("a", Value::Tuple(Arc::clone(&probe))))).unwrap();
        assert_eq!(holders(&probe), 1 + n.min(3), "after {n} commits");
    }
    assert_eq!(observer.try_recv(), Err(RecvError::Lagged { missed: 5 }));
    let event = observer.try_recv().unwrap();
    assert_eq!(holders(&probe), 1 + 3);
    drop(event);
    assert_eq!(holders(&probe), 1 + 2);
    drop(observer);
    assert_eq!(holders(&probe), 1);
}

/// Allocations of one commit of a key that is there.
fn allocations(store: &Store) -> u64 {
    let commit = Commit::new(store.version(), set("a", 1));
    let mut done = None;
    let counted = allocation_counter::measure(|| done = Some(store.commit(commit)));
    assert!(done.unwrap().is_ok());
    counted.count_total
}

#[test]
fn nobody_who_observes_costs_nothing() {
    let store = Store::new(Map::new());
    commit(&store, "a", 0);
    let without = allocations(&store);
    let observer = store.observe(1);
    assert!(allocations(&store) > without);
    drop(observer);
    assert_eq!(allocations(&store), without, "one that is gone costs nothing any more");
}

#[test]
fn waiting_ends_with_a_commit_in_time_or_with_the_store() {
    let store = Store::new(Map::new());
    let observer = store.observe(4);
    assert_eq!(observer.recv(Some(Duration::ZERO)), Err(RecvError::TimedOut));
    assert_eq!(observer.recv(Some(Duration::from_millis(1))), Err(RecvError::TimedOut));
    assert_eq!(observer.try_recv(), Ok(None));
    let waiting = thread::spawn(move || {
        let first = observer.recv(Some(Duration::from_secs(600))).unwrap();
        (first.version, observer.recv(None).unwrap().version, observer.recv(None), observer.try_recv())
    });
    commit(&store, "a", 1);
    commit(&store, "a", 2);
    drop(store);
    let closed = Err(RecvError::Closed);
    assert_eq!(waiting.join().unwrap(), (1, 2, Err(RecvError::Closed), closed));
}

#[test]
fn a_handle_keeps_the_store_and_what_holds_one_does_too() {
    let store = Store::new(Map::new());
    let observer = store.observe(4);
    let transaction = store.clone().transaction(TransactionOptions::default());
    commit(&store, "a", 1);
    drop(store);
    transaction.commit().unwrap();
    assert_eq!(drain_to_the_end(&observer), [1, 2]);
    assert_eq!(observer.recv(None), Err(RecvError::Closed));
}

fn drain_to_the_end(observer: &Observer) -> Vec<u64> {
    std::iter::from_fn(|| observer.try_recv().unwrap_or(None)).map(|event| event.version).collect()
}

/// Commits each, and looks whenever the flag says so; what the observer makes of it, and whether each step was right.
fn follow(
    initial: &Node,
    steps: &[(Vec<Change>, bool)],
    capacity: usize,
    recover: bool,
) -> Result<Map, TestCaseError> {
    let store = Store::new(Tree::map(initial));
    let observer = store.observe(capacity);
    let mut seen = store.snapshot();
    let mut state = seen.root().clone();
    let mut version = seen.version();
    let mut look = || -> Result<Map, TestCaseError> {
        loop {
            match observer.try_recv() {
                Ok(None) | Err(RecvError::Closed) => return Ok(state.clone()),
                Err(RecvError::TimedOut) => return Err(TestCaseError::fail("no time was given")),
                Ok(Some(event)) if event.version <= version => prop_assert!(event.version <= seen.version()),
                Ok(Some(event)) => {
                    let Event { version: told, update, .. } = event;
                    prop_assert_eq!(told, version + 1, "a gap that was not told");
                    state = update.apply(&state).map_err(|error| TestCaseError::fail(error.to_string()))?;
                    version = told;
                }
                Err(RecvError::Lagged { missed }) => {
                    prop_assert!(missed > 0 && store.version() - version == missed + capacity as u64);
                    if recover {
                        seen = store.snapshot();
                        (state, version) = (seen.root().clone(), seen.version());
                    } else {
                        version += missed;
                    }
                }
            }
        }
    };
    for (changes, looks) in steps {
        let commit = Commit::new(store.version(), changes.iter().map(Change::op).collect());
        let _fits_or_not = store.commit(commit);
        if *looks {
            let (replayed, now) = (look()?, store.snapshot());
            prop_assert_eq!(&replayed, now.root());
        }
    }
    let (replayed, now) = (look()?, store.snapshot());
    prop_assert_eq!(&replayed, now.root());
    Ok(replayed)
}

fn steps() -> impl Strategy<Value = Vec<(Vec<Change>, bool)>> {
    vec((vec(Change::any(), 0..3), any::<bool>()), 0..25)
}

proptest! {
    #[test]
    fn replaying_the_events_gives_the_same_state(initial in Tree::any_node(), steps in steps()) {
        follow(&initial, &steps, 100, false)?;
    }

    #[test]
    fn one_that_lags_recovers_from_a_snapshot(initial in Tree::any_node(), steps in steps(), capacity in 1usize..4) {
        follow(&initial, &steps, capacity, true)?;
    }
}

#[test]
fn planted_forgetting_what_was_missed_is_found() {
    use proptest::test_runner::{Config, TestError, TestRunner};
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let strategy = (Tree::any_node(), steps());
    let found = TestRunner::new(config)
        .run(&strategy, |(initial, steps)| follow(&initial, &steps, 1, false).map(drop));
    assert!(matches!(found, Err(TestError::Fail(..))), "it went unnoticed");
}
