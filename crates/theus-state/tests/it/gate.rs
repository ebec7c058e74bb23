//! Commits that go through a caller's gate, inside the writers' lock.

use std::sync::Mutex;
use std::thread;

use theus_state::{Commit, CommitError, CommitRefused, Store};
use theus_value::{Map, Path, Update, Value};

fn set(text: &str, n: i64) -> Update {
    let mut update = Update::new();
    update.set(Path::parse(text).unwrap(), Value::from(n));
    update
}

#[test]
fn a_gate_sees_what_is_published_and_nothing_is_when_it_refuses() {
    let store = Store::new(Map::new());
    store.commit(Commit::new(0, set("theirs", 1))).unwrap();
    let refused = store.commit_through(Commit::new(0, set("mine", 2)), |pending| {
        assert_eq!(pending.version, 2);
        assert_eq!(
            (pending.root.get("theirs"), pending.root.get("mine")),
            (Some(&1.into()), Some(&2.into()))
        );
        Err("no")
    });
    match refused {
        Err(CommitRefused::Check { update, error }) => assert_eq!((update, error), (set("mine", 2), "no")),
        other => panic!("{other:?}"),
    }
    assert_eq!((store.version(), store.snapshot().root().len()), (1, 1));
    store.commit_through(Commit::new(0, set("mine", 2)), |_| Ok::<(), ()>(())).unwrap();
    assert_eq!(store.version(), 2);
}

#[test]
fn a_gate_is_not_asked_where_something_else_refuses() {
    let store = Store::new(Map::new());
    store.commit(Commit::new(0, set("a", 1))).unwrap();
    let refused =
        store.commit_through(Commit::new(0, set("a", 2)), |_| -> Result<(), ()> { panic!("asked") });
    assert!(matches!(refused, Err(CommitRefused::Commit(CommitError::Conflict { base: 0, current: 1, .. }))));
    let unchecked = store.commit_checked_through(
        Commit::new(1, set("a", 2)),
        |_, _| Err("the check"),
        |_| panic!("asked"),
    );
    assert!(matches!(unchecked, Err(CommitRefused::Check { error: "the check", .. })));
}

#[test]
fn a_gate_runs_once_for_the_state_that_was_checked_last() {
    let store = Store::new(Map::new());
    let (mut checks, mut gates) = (0, 0);
    let done = store.commit_checked_through(
        Commit::new(0, set("mine", 1)),
        |_, _| {
            checks += 1;
            if checks == 1 {
                store.commit(Commit::new(0, set("yours", 2))).unwrap();
            }
            Ok::<(), ()>(())
        },
        |pending| {
            gates += 1;
            assert_eq!((pending.version, pending.root.len()), (2, 2));
            Ok(())
        },
    );
    assert_eq!((done.unwrap().version, checks, gates), (2, 2, 1));
    let refused =
        store.commit_checked_through(Commit::new(2, set("mine", 2)), |_, _| Ok(()), |_| Err("the gate"));
    assert!(matches!(refused, Err(CommitRefused::Check { error: "the gate", .. })));
    assert_eq!(store.version(), 2);
}

/// What a trail needs that is written by gates: its order is that of the versions.
#[test]
fn gates_of_many_threads_run_in_the_order_of_versions() {
    let store = Store::new(Map::new());
    let seen = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..4 {
            let (store, seen) = (&store, &seen);
            scope.spawn(move || {
                for n in 0..500 {
                    let commit = Commit::new(store.version(), set(&format!("of{thread}"), n));
                    let gate = |pending: theus_state::Pending<'_>| {
                        seen.lock().unwrap().push(pending.version);
                        Ok::<(), ()>(())
                    };
                    // A check may lose its races until it takes the ticket, and others are busy meanwhile.
                    if n % 2 == 0 {
                        while store.commit_through(commit.clone(), gate).is_err() {}
                    } else {
                        while store.commit_checked_through(commit.clone(), |_, _| Ok(()), gate).is_err() {}
                    }
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    assert!(seen.iter().copied().eq(1..=store.version()), "gates ran out of order");
}
