//! Commits that a caller's check must agree to.

use theus_state::{Commit, CommitError, CommitRefused, Store};
use theus_value::{Map, Path, Update, Value};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn set(text: &str, n: i64) -> Update {
    let mut update = Update::new();
    update.set(path(text), Value::from(n));
    update
}

#[test]
fn the_check_sees_the_merged_state_and_the_one_before() {
    let store = Store::new(Map::new());
    store.commit(Commit::new(0, set("a", 1))).unwrap();
    let done = store.commit_checked(Commit::new(0, set("b", 2)), |pending, before| {
        assert_eq!(pending.get("a"), Some(&Value::from(1)));
        assert_eq!(pending.get("b"), Some(&Value::from(2)));
        assert_eq!((before.get("a"), before.get("b")), (Some(&Value::from(1)), None));
        Ok::<(), ()>(())
    });
    assert_eq!(done.unwrap().version, 2);
}

#[test]
fn a_refused_state_is_never_seen() {
    let store = Store::new(Map::new());
    let refused = store.commit_checked(Commit::new(0, set("a", 1)), |_, _| Err("no"));
    match refused {
        Err(CommitRefused::Check { update, error }) => assert_eq!((update, error), (set("a", 1), "no")),
        other => panic!("{other:?}"),
    }
    assert_eq!((store.version(), store.snapshot().get(&path("a"))), (0, None));
}

#[test]
fn a_conflict_is_found_before_the_check_runs() {
    let store = Store::new(Map::new());
    store.commit(Commit::new(0, set("a", 1))).unwrap();
    let refused =
        store.commit_checked(Commit::new(0, set("a", 2)), |_, _| -> Result<(), ()> { panic!("ran") });
    assert!(matches!(refused, Err(CommitRefused::Commit(CommitError::Conflict { base: 0, current: 1, .. }))));
}

#[test]
fn a_commit_that_lands_during_the_check_is_checked_too() {
    let store = Store::new(Map::new());
    let mut rounds = 0;
    let done = store.commit_checked(Commit::new(0, set("mine", 1)), |pending, _| {
        rounds += 1;
        if rounds == 1 {
            store.commit(Commit::new(0, set("yours", 2))).unwrap();
        } else {
            assert_eq!(pending.get("yours"), Some(&Value::from(2)));
        }
        Ok::<(), ()>(())
    });
    assert_eq!((rounds, done.unwrap().version), (2, 2));
}

#[test]
fn a_rival_that_lands_during_the_check_wins() {
    let store = Store::new(Map::new());
    let refused = store.commit_checked(Commit::new(0, set("a", 1)), |_, _| {
        store.commit(Commit::new(0, set("a", 2))).map(drop)
    });
    assert!(matches!(refused, Err(CommitRefused::Commit(CommitError::Conflict { .. }))));
    assert_eq!(store.snapshot().get(&path("a")), Some(&Value::from(2)));
}
