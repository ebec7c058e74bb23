//! Conflicts by name: what meets what, what does not, and what the refused is told.

use theus_state::{Commit, CommitError, Isolation, Store};
use theus_value::{Key, Map, Op, Path, Update, Value};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (Key::from(key), value)).collect()
}

fn set(at: &str, value: impl Into<Value>) -> Update {
    Update::from_iter([Op::Set { path: path(at), value: value.into() }])
}

fn delete(at: &str) -> Update {
    Update::from_iter([Op::Delete { path: path(at) }])
}

fn merge<const N: usize>(at: &str, entries: [(&str, Value); N]) -> Update {
    Update::from_iter([Op::Merge { path: path(at), value: map(entries) }])
}

fn append(at: &str, item: i64) -> Update {
    Update::from_iter([Op::Append { path: path(at), values: vec![Value::from(item)] }])
}

/// Version 1: a user with a name and an age, a log of two numbers.
fn store() -> Store {
    let user = map([("name", Value::from("Ada")), ("age", Value::from(36))]);
    let log = Value::from(vec![Value::from(1), Value::from(2)]);
    Store::new(map([("domain", Value::Map(map([("user", Value::Map(user)), ("log", log)])))]))
}

const MODES: [Isolation; 3] = [Isolation::Smart, Isolation::Strict, Isolation::Serializable];

/// After `theirs`, does `mine` from the same base conflict, in each mode, and name just `named`, in `theirs`' version?
#[track_caller]
fn meets(theirs: Update, mine: Update, named: &[&str]) {
    for isolation in MODES {
        let store = store();
        store.commit(Commit::new(1, theirs.clone())).unwrap();
        let before = store.snapshot();
        match store.commit(Commit::new(1, mine.clone()).isolation(isolation)) {
            Err(CommitError::Conflict { update, base: 1, current: 2, isolation: told, conflicts }) => {
                let places: Vec<String> = conflicts.iter().map(|c| c.path.to_string()).collect();
                assert_eq!((places, told), (named.iter().map(|n| n.to_string()).collect(), isolation));
                assert!(conflicts.iter().all(|conflict| conflict.version == 2));
                assert_eq!(update, mine, "handed back");
            }
            other => panic!("{isolation:?}: {other:?}"),
        }
        assert!(before.root().ptr_eq(store.snapshot().root()), "a refused commit left something");
    }
}

/// After `theirs`, does `mine` from the same base pass, except in strict mode?
#[track_caller]
fn passes(theirs: Update, mine: Update) -> Map {
    let strict = store();
    strict.commit(Commit::new(1, theirs.clone())).unwrap();
    assert!(strict.commit(Commit::new(1, mine.clone()).isolation(Isolation::Strict)).is_err());
    let store = store();
    store.commit(Commit::new(1, theirs)).unwrap();
    let done = store.commit(Commit::new(1, mine).isolation(Isolation::Serializable)).unwrap();
    done.snapshot.root().clone()
}

#[test]
fn a_parent_meets_its_child_and_a_child_its_parent() {
    meets(set("domain.user.name", "Eve"), set("domain.user", 1), &["domain.user"]);
    meets(set("domain.user", 1), set("domain.user.name", "Eve"), &["domain.user.name"]);
    meets(set("domain.user.name", "Eve"), set("domain.user.name", "Bob"), &["domain.user.name"]);
    meets(set("domain.a.b.c", 1), set("domain", 1), &["domain"]);
    meets(set("domain", 1), set("domain.a.b.c", 1), &["domain.a.b.c"]);
}

#[test]
fn siblings_do_not_meet() {
    let after = passes(set("domain.user.name", "Eve"), set("domain.user.age", 37));
    let user = after.get_path(&path("domain.user")).cloned();
    assert_eq!(user, Some(Value::Map(map([("name", Value::from("Eve")), ("age", Value::from(37))]))));
}

#[test]
fn a_deletion_meets_a_change_a_re_creation_and_another_deletion() {
    meets(delete("domain.user"), set("domain.user.name", "Eve"), &["domain.user.name"]);
    meets(set("domain.user.name", "Eve"), delete("domain.user"), &["domain.user"]);
    meets(delete("domain.user"), set("domain.user", 1), &["domain.user"]);
    meets(delete("domain.user"), delete("domain.user"), &["domain.user"]);
    meets(delete("domain.user"), delete("domain.user.name"), &["domain.user.name"]);
    let mut again = delete("domain.user");
    again.merge(path("domain.user"), map([("name", Value::from("Ada")), ("age", Value::from(36))]));
    meets(again, set("domain.user.name", "Eve"), &["domain.user.name"]);
}

#[test]
fn a_re_creation_in_a_version_of_its_own_does_not_hide_the_deletion() {
    let store = store();
    store.commit(Commit::new(1, delete("domain.user"))).unwrap();
    store.commit(Commit::new(2, set("domain.user.name", "Ada"))).unwrap();
    for (at, version) in [("domain.user.age", 2), ("domain.user.name", 3), ("domain.user", 3)] {
        match store.commit(Commit::new(1, set(at, 1))) {
            Err(CommitError::Conflict { conflicts, .. }) => {
                assert_eq!((conflicts.len(), conflicts[0].version), (1, version), "{at}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_merge_meets_a_replacement_and_a_merge_of_the_same_leaf() {
    let name = || merge("domain", [("user", Value::Map(map([("name", Value::from("Eve"))])))]);
    meets(set("domain.user", 1), name(), &["domain.user"]);
    meets(name(), set("domain.user", 1), &["domain.user"]);
    meets(name(), set("domain", 1), &["domain"]);
    meets(name(), name(), &["domain.user.name"]);
    meets(name(), merge("domain.user", [("name", Value::Null)]), &["domain.user.name"]);
}

#[test]
fn a_merge_that_replaces_a_list_meets_what_changed_in_the_list() {
    let replace = || merge("domain", [("log", Value::Map(map([("note", Value::from("a"))])))]);
    meets(set("domain.log[0]", 9), replace(), &["domain.log"]);
    meets(append("domain.log", 3), replace(), &["domain.log"]);
    meets(replace(), set("domain.log[0]", 9), &["domain.log.0"]);
    meets(replace(), set("domain.log.other", 9), &["domain.log.other"]);
}

#[test]
fn merges_of_different_leaves_do_not_meet() {
    let age = merge("domain", [("user", Value::Map(map([("age", Value::from(37))])))]);
    let after = passes(merge("domain.user", [("name", Value::from("Eve"))]), age);
    let user = after.get_path(&path("domain.user")).cloned();
    assert_eq!(user, Some(Value::Map(map([("name", Value::from("Eve")), ("age", Value::from(37))]))));
}

#[test]
fn appends_to_one_list_meet() {
    meets(append("domain.log", 3), append("domain.log", 4), &["domain.log"]);
    meets(append("domain.log", 3), set("domain.log[0]", 4), &["domain.log.0"]);
    meets(set("domain.log[1]", 3), append("domain.log", 4), &["domain.log"]);
    meets(append("domain.new", 3), append("domain.new", 4), &["domain.new"]);
    passes(set("domain.log[1]", 3), set("domain.log[0]", 4));
    passes(append("domain.log", 3), append("domain.other", 4));
}

#[test]
fn every_conflicting_path_is_named_with_its_version_and_no_other() {
    let store = store();
    for at in ["domain.user.name", "a", "b", "a"] {
        store.commit(Commit::new(store.version(), set(at, 1))).unwrap();
    }
    let mut mine = set("free", 1);
    mine.set(path("b"), Value::Null).delete(path("domain.user")).set(path("a.x"), Value::Null);
    mine.set(path("domain.log"), Value::Null).set(path("b"), Value::from(2));
    let reads = vec![path("a"), path("domain.user.age"), path("free"), path("domain")];
    let commit = Commit::new(1, mine.clone()).isolation(Isolation::Serializable).reads(reads);
    match store.commit(commit) {
        Err(CommitError::Conflict { update, base, current, conflicts, .. }) => {
            let named: Vec<_> = conflicts.iter().map(|c| (c.path.to_string(), c.version)).collect();
            let expected = [("b", 4), ("domain.user", 2), ("a.x", 5), ("a", 5), ("domain", 2)];
            assert_eq!(named, expected.map(|(at, version)| (at.to_string(), version)));
            assert_eq!((update, base, current), (mine, 1, 5));
        }
        other => panic!("{other:?}"),
    }
}

/// Two doctors are on call, and one must stay. Each, seeing the other on call, goes off. Who is on call then.
fn doctors(isolation: Isolation) -> Vec<&'static str> {
    let on_call = |name: &str| path("on_call").child(name);
    let both = map([("alice", Value::from(true)), ("bob", Value::from(true))]);
    let store = Store::new(map([("on_call", Value::Map(both))]));
    let seen = store.snapshot();
    let leave = |who: &str, other: &str| {
        assert_eq!(seen.get(&on_call(other)), Some(&Value::from(true)));
        let mut update = Update::new();
        update.set(on_call(who), Value::from(false));
        let reads = vec![on_call(who), on_call(other)];
        store.commit(Commit::new(seen.version(), update).isolation(isolation).reads(reads))
    };
    leave("alice", "bob").unwrap();
    let second = leave("bob", "alice");
    match (isolation, &second) {
        (Isolation::Smart, Ok(_)) => {}
        (Isolation::Strict, Err(CommitError::Conflict { conflicts, .. })) => assert_eq!(conflicts, &[]),
        (Isolation::Serializable, Err(CommitError::Conflict { conflicts, .. })) => {
            assert_eq!((conflicts.len(), &conflicts[0].path), (1, &on_call("alice")));
        }
        _ => panic!("{second:?}"),
    }
    let now = store.snapshot();
    ["alice", "bob"].into_iter().filter(|name| now.get(&on_call(name)) == Some(&Value::from(true))).collect()
}

#[test]
fn on_call_doctors_skew_in_smart_mode() {
    assert_eq!(doctors(Isolation::Smart), [""; 0], "smart looks at what is written only, as it says");
}

#[test]
fn on_call_doctors_are_kept_by_strict_mode() {
    assert_eq!(doctors(Isolation::Strict), ["bob"]);
}

#[test]
fn on_call_doctors_are_kept_by_serializable_mode() {
    assert_eq!(doctors(Isolation::Serializable), ["bob"]);
}

/// Commits something else that depends on having read `read` before `theirs` landed.
fn phantom(theirs: Update, read: &str) -> Result<(), CommitError> {
    let store = store();
    store.commit(Commit::new(1, theirs)).unwrap();
    let mine = Commit::new(1, set("out", 1)).isolation(Isolation::Serializable).reads(vec![path(read)]);
    store.commit(mine).map(drop)
}

#[test]
fn phantoms_are_seen_by_serializable_mode() {
    let appears = || set("domain.jobs.j1", 1);
    assert!(phantom(appears(), "domain.jobs.j1").is_err(), "an absent key that came");
    assert!(phantom(appears(), "domain.jobs.j1.done").is_err(), "below an absent key");
    assert!(phantom(appears(), "domain.jobs").is_err(), "a listing that was absent");
    assert!(phantom(appears(), "domain").is_err(), "a listing above it");
    assert!(phantom(delete("domain.user.name"), "domain.user").is_err(), "a listing that lost a key");
    assert!(phantom(append("domain.log", 3), "domain.log").is_err(), "the length of a list");
    assert!(phantom(append("domain.log", 3), "domain.log[2]").is_err(), "an item that was not there");
    assert!(phantom(appears(), "domain.jobs.j2").is_ok(), "another absent key");
    assert!(phantom(appears(), "domain.user").is_ok(), "another listing");
}
