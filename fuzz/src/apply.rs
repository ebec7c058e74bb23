//! [`apply`]: a state and two updates out of any bytes, applied alone and through a store.
//!
//! What not: no threads; the models have those.
//! Invariants checked: applying never panics, leaves its base alone and does what the twin does; every place that
//! changed is under or above a leaf of the update; a commit whose places changed after its base is refused, any other
//! is not.

use crate::{Grammar, Tree, Unfit};
use theus_state::{Commit, CommitError, Store};
use theus_value::{Map, Op, Path, Update, Value, decode, encode};

/// Judges updates and commits on the state and the updates that these bytes say.
///
/// # Panics
/// Where they break a promise.
pub fn apply(bytes: &[u8]) {
    let mut grammar = Grammar::new(bytes);
    let base = grammar.map();
    let (first, second) = (grammar.update(), grammar.update());
    let before = Tree::of_map(&base);
    let applied = judge(&first, &base, &before);
    assert_eq!(Tree::of_map(&base), before, "the base has changed");
    commits(&base, applied.as_ref(), first, second);
}

/// Applies an update to a state and compares the outcome with the twin's.
fn judge(update: &Update, base: &Map, before: &Tree) -> Option<Map> {
    let expected = before.after(update);
    let applied = update.apply(base);
    assert_eq!(applied.as_ref().map(Tree::of_map).map_err(Unfit::of), expected, "{update:?}\non {base:?}");
    let applied = applied.ok()?;
    let leaves = update.leaves_on(base);
    for place in before.differences(&Tree::of_map(&applied)) {
        let place = Path::from_segments(place);
        assert!(leaves.iter().any(|leaf| leaf.overlaps(&place)), "{place} changed, {leaves:?} do not say so");
    }
    let whole = Value::Map(applied.clone());
    assert_eq!(decode(&encode(&whole)), Ok(whole));
    Some(applied)
}

/// Commits the first update and then the second, both computed from the state before the first.
fn commits(base: &Map, applied: Option<&Map>, first: Update, second: Update) {
    let store = Store::new(base.clone());
    let seen = store.snapshot();
    let written = written(&first, base, applied);
    match (store.commit(Commit::new(seen.version(), first.clone())), applied) {
        (Ok(committed), Some(applied)) => {
            assert_eq!(committed.version, seen.version() + 1);
            assert_eq!(committed.snapshot.root(), applied);
        }
        (Err(CommitError::Apply { update, .. }), None) => assert_eq!(update, first),
        (outcome, _) => panic!("{outcome:?} of {first:?}"),
    }
    assert_eq!(seen.root(), base, "a snapshot has changed");
    let now = store.snapshot();
    let current = Tree::of_map(now.root());
    let leaves = second.leaves_on(now.root());
    let stale: Vec<Path> =
        leaves.into_iter().filter(|leaf| written.iter().any(|other| other.overlaps(leaf))).collect();
    match store.commit(Commit::new(seen.version(), second.clone())) {
        Ok(committed) => {
            assert!(stale.is_empty(), "{stale:?} changed after the base, and the commit was taken");
            assert_eq!(committed.version, now.version() + 1);
            assert_eq!(Some(committed.snapshot.root()), judge(&second, now.root(), &current).as_ref());
        }
        Err(CommitError::Conflict { update, conflicts, .. }) => {
            assert_eq!(update, second);
            let mut stale = stale;
            stale.dedup_by(|a, b| a == b);
            assert!(!stale.is_empty(), "refused for {conflicts:?} without need");
            for path in &stale {
                assert!(conflicts.iter().any(|conflict| conflict.path == *path), "{path} is not named");
            }
            for conflict in &conflicts {
                assert!(stale.contains(&conflict.path), "{conflict:?} is named without need");
                assert_eq!(conflict.version, now.version());
            }
        }
        Err(CommitError::Apply { update, .. }) => {
            assert_eq!(update, second);
            assert!(stale.is_empty(), "{stale:?} changed after the base, and the refusal says otherwise");
            assert!(judge(&second, now.root(), &current).is_none());
        }
        Err(error @ CommitError::Busy { .. }) => panic!("nobody asked for the ticket: {error}"),
    }
}

/// The places that a commit writes as a whole: all leaves, but for deletions of what was and is absent.
fn written(update: &Update, base: &Map, applied: Option<&Map>) -> Vec<Path> {
    let Some(applied) = applied else { return Vec::new() };
    let (before, after) = (Tree::of_map(base), Tree::of_map(applied));
    let mut written = Vec::new();
    for op in update.ops() {
        let place: Vec<&str> = op.path().segments().iter().map(|segment| &**segment).collect();
        let idle =
            matches!(op, Op::Delete { .. }) && before.find(&place).is_none() && after.find(&place).is_none();
        if !idle {
            op.leaves_on(base, &mut written);
        }
    }
    written
}
