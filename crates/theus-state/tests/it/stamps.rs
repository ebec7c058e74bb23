//! What the store remembers of deleted paths: enough never to accept wrongly, not more than it must.

use theus_state::{Commit, CommitError, Store};
use theus_value::{Key, Map, Op, Path, Update, Value};

fn job(n: usize) -> Path {
    Path::from_segments(["jobs".to_string(), format!("j{n}")])
}

/// A store in which `count` jobs were made and deleted, one commit each, and the version before the first deletion.
fn churned(count: usize) -> (Store, u64) {
    let jobs: Map = [(Key::from("resident"), Value::Map(Map::new()))].into_iter().collect();
    let store = Store::new([(Key::from("jobs"), Value::Map(jobs))].into_iter().collect());
    let commit = |edit: &dyn Fn(&mut Update)| {
        let mut update = Update::new();
        edit(&mut update);
        store.commit(Commit::new(store.version(), update)).unwrap();
    };
    commit(&|update| {
        (0..count).for_each(|n| {
            update.set(job(n), Value::Null);
        });
    });
    let before = store.version();
    (0..count).for_each(|n| {
        commit(&|update| {
            update.delete(job(n));
        })
    });
    (store, before)
}

fn try_set(store: &Store, base: u64, path: Path) -> Result<u64, CommitError> {
    let mut update = Update::new();
    update.set(path, Value::from(1));
    store.snapshot().advance(Commit::new(base, update)).map(|next| next.version())
}

#[test]
fn a_write_to_a_deleted_path_conflicts_however_long_ago() {
    let (store, before) = churned(3_000);
    for n in 0..3_000 {
        assert!(try_set(&store, before, job(n)).is_err(), "job {n}");
        assert!(try_set(&store, before, job(n).child("below")).is_err(), "below job {n}");
    }
    assert!(try_set(&store, before, Path::parse("jobs").unwrap()).is_err());
    assert!(try_set(&store, store.version(), job(0)).is_ok());
}

#[test]
fn recent_deletions_are_remembered_exactly() {
    let (store, before) = churned(3_000);
    for n in 2_600..3_000 {
        let deleted = before + 1 + n as u64;
        assert_eq!(store.snapshot().changed_since(&job(n), before), Some(deleted));
        assert_eq!(store.snapshot().changed_since(&job(n), deleted), None);
    }
}

#[test]
fn a_sibling_that_was_always_there_is_free_of_conflict() {
    let (store, before) = churned(3_000);
    let resident = Path::parse("jobs.resident").unwrap();
    assert_eq!(store.snapshot().changed_since(&resident, before), None);
    assert!(try_set(&store, before, resident.clone()).is_ok());
    // Also what lies beside the first thing ever written below it.
    let mut update = Update::new();
    update.set(resident.child("written"), Value::Null);
    store.commit(Commit::new(before, update)).unwrap();
    let snapshot = store.snapshot();
    assert_eq!(snapshot.changed_since(&resident, before), Some(store.version()));
    assert_eq!(snapshot.changed_since(&resident.child("beside"), before), None);
}

#[test]
fn coming_back_does_not_undo_a_deletion() {
    let (store, before) = churned(3_000);
    let mut update = Update::new();
    update.set(job(0).child("x"), Value::Null);
    store.commit(Commit::new(store.version(), update)).unwrap();
    assert!(try_set(&store, before, job(0).child("y")).is_err(), "the job of then is not the job of now");
    assert!(try_set(&store, store.version(), job(0).child("y")).is_ok());
}

#[test]
fn what_came_back_is_not_forgotten_among_the_deleted() {
    let (store, before) = churned(1);
    let commit = |edit: &dyn Fn(&mut Update)| {
        let mut update = Update::new();
        edit(&mut update);
        store.commit(Commit::new(store.version(), update)).unwrap();
    };
    commit(&|update| {
        update.set(job(0).child("x"), Value::Null);
    });
    let back = store.version();
    for n in 1..4_000 {
        commit(&|update| {
            update.set(job(n), Value::Null);
        });
        commit(&|update| {
            update.delete(job(n));
        });
    }
    assert_eq!(store.snapshot().changed_since(&job(0).child("x"), before), Some(back));
    assert_eq!(store.snapshot().changed_since(&job(0), back), None);
}

#[test]
fn deleting_what_is_absent_is_no_change() {
    let (store, _) = churned(0);
    let base = store.version();
    let mut update = Update::new();
    update.delete(Path::parse("jobs.never.was").unwrap()).delete(job(1));
    store.commit(Commit::new(base, update)).unwrap();
    assert_eq!(store.version(), base + 1);
    assert_eq!(store.snapshot().changed_since(&Path::root(), base), None);
}

#[test]
fn one_that_comes_and_goes_takes_the_room_of_one() {
    let (store, before) = churned(2);
    for _ in 0..1_500 {
        for op in [Op::Set { path: job(1), value: Value::Null }, Op::Delete { path: job(1) }] {
            store.commit(Commit::new(store.version(), Update::from_iter([op]))).unwrap();
        }
    }
    assert_eq!(store.snapshot().changed_since(&job(0), before), Some(before + 1));
    assert_eq!(store.snapshot().changed_since(&job(77), before), None, "nothing was forgotten");
}

#[test]
fn what_one_commit_makes_and_deletes_is_not_remembered_for_ever() {
    let store = Store::new(Map::new());
    let passing = |n: usize| {
        let mut update = Update::new();
        update.set(job(n).child("x").child("y"), Value::Null).delete(job(n).child("x")).delete(job(n));
        store.commit(Commit::new(store.version(), update)).unwrap();
    };
    (0..3_000).for_each(passing);
    let kept = allocation_counter::measure(|| (3_000..23_000).for_each(passing)).count_current;
    assert!(kept < 20_000, "20,000 commits left {kept} allocations");
    assert!(
        try_set(&store, store.version() - 1, job(22_999).child("x")).is_err(),
        "it was there for a moment"
    );
}

#[test]
fn replacing_a_parent_counts_for_all_below_it() {
    let (store, _) = churned(2);
    let base = store.version();
    let mut update = Update::new();
    update.set(Path::parse("jobs").unwrap(), Value::Map(Map::new()));
    store.commit(Commit::new(base, update)).unwrap();
    assert_eq!(store.snapshot().changed_since(&job(0), base), Some(base + 1));
    assert_eq!(store.snapshot().changed_since(&job(77), base), Some(base + 1));
    assert_eq!(store.snapshot().changed_since(&Path::parse("other").unwrap(), base), None);
}
