//! What each isolation mode refuses, by example; and the versions.

use theus_state::{Commit, CommitError, Isolation, Store};
use theus_value::{ApplyError, Key, Map, Path, Update, Value};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn set(text: &str, n: i64) -> Update {
    let mut update = Update::new();
    update.set(path(text), Value::from(n));
    update
}

fn initial() -> Map {
    let inner: Map =
        [(Key::from("a"), Value::from(0)), (Key::from("b"), Value::from(0))].into_iter().collect();
    [(Key::from("domain"), Value::Map(inner))].into_iter().collect()
}

fn conflicts(result: Result<theus_state::Committed, CommitError>) -> Vec<(String, u64)> {
    match result {
        Err(CommitError::Conflict { conflicts, .. }) => {
            conflicts.into_iter().map(|c| (c.path.to_string(), c.version)).collect()
        }
        other => panic!("expected a conflict, got {other:?}"),
    }
}

#[test]
fn versions_begin_at_zero_without_data_and_at_one_with_it() {
    assert_eq!(Store::new(Map::new()).version(), 0);
    assert_eq!(Store::new(initial()).version(), 1);
}

#[test]
fn initial_data_never_counts_as_a_change() {
    let store = Store::new(initial());
    assert_eq!(store.snapshot().changed_since(&path("domain"), 0), None);
    assert_eq!(store.commit(Commit::new(0, set("domain.a", 1))).unwrap().version, 2);
}

#[test]
fn an_empty_update_makes_a_version_and_changes_nothing() {
    let store = Store::new(initial());
    let before = store.snapshot();
    let after = store.commit(Commit::new(1, Update::new())).unwrap();
    assert_eq!(after.version, 2);
    assert!(before.root().ptr_eq(after.snapshot.root()));
    assert_eq!(after.snapshot.changed_since(&Path::root(), 1), None);
}

#[test]
fn smart_looks_at_written_paths_only() {
    let store = Store::new(initial());
    store.commit(Commit::new(1, set("domain.a", 1))).unwrap();
    store.commit(Commit::new(1, set("domain.b", 1)).reads(vec![path("domain.a")])).unwrap();
    assert_eq!(conflicts(store.commit(Commit::new(1, set("domain.a", 2)))), [("domain.a".into(), 2)]);
    assert_eq!(conflicts(store.commit(Commit::new(1, set("domain", 2)))), [("domain".into(), 3)]);
    assert_eq!(conflicts(store.commit(Commit::new(1, set("domain.a.x", 2)))), [("domain.a.x".into(), 2)]);
    assert_eq!(store.version(), 3);
    store.commit(Commit::new(99, set("domain.a", 2))).unwrap();
}

#[test]
fn strict_refuses_any_other_version() {
    let store = Store::new(initial());
    store.commit(Commit::new(1, set("elsewhere", 1))).unwrap();
    for base in [0, 1, 3, u64::MAX] {
        let commit = Commit::new(base, set("domain.a", 1)).isolation(Isolation::Strict);
        let error = store.commit(commit).unwrap_err();
        assert!(error.to_string().starts_with("Strict CAS Mismatch"), "{error}");
        assert_eq!(conflicts(Err(error)), []);
    }
    store.commit(Commit::new(2, set("domain.a", 1)).isolation(Isolation::Strict)).unwrap();
}

#[test]
fn serializable_looks_at_reads_too() {
    let store = Store::new(initial());
    store.commit(Commit::new(1, set("domain.a", 1))).unwrap();
    let commit = |reads: &[&str]| {
        Commit::new(1, set("out", 1))
            .isolation(Isolation::Serializable)
            .reads(reads.iter().map(|text| path(text)).collect())
    };
    assert_eq!(conflicts(store.commit(commit(&["domain.b", "domain.a"]))), [("domain.a".into(), 2)]);
    assert_eq!(conflicts(store.commit(commit(&["domain"]))), [("domain".into(), 2)], "a listing");
    store.commit(commit(&["domain.b", "absent"])).unwrap();
}

#[test]
fn reading_what_is_absent_counts() {
    let store = Store::new(initial());
    store.commit(Commit::new(1, set("jobs.j1", 1))).unwrap();
    let commit =
        Commit::new(1, set("out", 1)).isolation(Isolation::Serializable).reads(vec![path("jobs.j1.done")]);
    assert_eq!(conflicts(store.commit(commit)), [("jobs.j1.done".into(), 2)]);
}

#[test]
fn write_skew_passes_smart_and_not_serializable() {
    for (isolation, passes) in [(Isolation::Smart, true), (Isolation::Serializable, false)] {
        let store = Store::new(initial());
        let half = |write: &str, read: &str| {
            store.commit(Commit::new(1, set(write, 1)).isolation(isolation).reads(vec![path(read)]))
        };
        assert!(half("domain.a", "domain.b").is_ok());
        assert_eq!(half("domain.b", "domain.a").is_ok(), passes);
    }
}

#[test]
fn a_refusal_hands_the_update_back_and_leaves_no_trace() {
    let store = Store::new(initial());
    store.commit(Commit::new(1, set("domain.a", 1))).unwrap();
    let before = store.snapshot();
    let error = store.commit(Commit::new(1, set("domain.a", 2))).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("CAS Version Mismatch") && text.contains("version 1") && text.contains("\"domain.a\""),
        "{text}"
    );
    assert_eq!(error.into_update(), set("domain.a", 2));
    let unfit = store.commit(Commit::new(2, set("domain.a.x", 2))).unwrap_err();
    assert!(matches!(&unfit, CommitError::Apply { error: ApplyError::NotAContainer { .. }, .. }));
    assert_eq!(unfit.into_update(), set("domain.a.x", 2));
    assert_eq!(store.version(), 2);
    assert!(before.root().ptr_eq(store.snapshot().root()));
}

#[test]
fn advance_tells_without_doing() {
    let store = Store::new(initial());
    let seen = store.snapshot();
    let pending = seen.advance(Commit::new(1, set("domain.a", 7))).unwrap();
    assert_eq!((pending.version(), pending.get(&path("domain.a"))), (2, Some(&Value::from(7))));
    assert_eq!((store.version(), seen.get(&path("domain.a"))), (1, Some(&Value::from(0))));
}

#[test]
fn handles_travel_between_threads() {
    fn check<T: Send + Sync + Clone + 'static>() {}
    check::<Store>();
    check::<theus_state::Snapshot>();
    check::<Commit>();
}
