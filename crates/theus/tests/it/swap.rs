//! Compare-and-swap by the caller: one record for each try, and the state unchanged by one that fails.

use crate::stage::{engine, int, map, mapping, outcomes, path, records};
use theus::{CALLER, CommitError, EncodedArray, Engine, Isolation, Refusal, Update, Value, encode};
use theus_value::{List, Map};

fn set(text: &str, value: Value) -> Update {
    let mut update = Update::new();
    update.set(path(text), value);
    update
}

/// The state's bytes and version.
fn state(engine: &Engine) -> (u64, Vec<u8>) {
    let snapshot = engine.snapshot();
    (snapshot.version(), encode(&Value::Map(snapshot.root().clone())))
}

#[test]
fn what_is_committed_is_recorded_with_the_hash_of_the_new_value() {
    let engine = engine();
    assert_eq!(engine.compare_and_swap(1, set("domain.count", int(5))).unwrap(), 2);
    assert_eq!(engine.compare_and_swap(2, Update::new()).unwrap(), 3, "an empty update makes a version too");
    let found = records(&engine);
    assert_eq!(outcomes(&engine), ["committed", "committed"]);
    let first = &found[0];
    assert_eq!((&*first.process, first.attempt, first.base_version, first.version), (CALLER, 1, 1, Some(2)));
    assert_eq!(first.paths.len(), 1);
    assert_eq!(first.paths[0].path, "domain.count");
    assert!(found[1].paths.is_empty() && found[1].task != first.task);
    // The hash is of the value's bytes: the same value again has the same.
    engine.compare_and_swap(3, set("domain.count", int(5))).unwrap();
    engine.compare_and_swap(4, set("domain.count", int(6))).unwrap();
    let found = records(&engine);
    assert_eq!(found[2].paths[0].hash, first.paths[0].hash);
    assert_ne!(found[3].paths[0].hash, first.paths[0].hash);
}

#[test]
fn a_conflict_hands_the_update_back_and_changes_nothing() {
    let engine = engine();
    engine.compare_and_swap(1, set("domain.count", int(5))).unwrap();
    let before = state(&engine);
    let refused = engine.compare_and_swap(1, set("domain.count", int(9))).unwrap_err();
    assert_eq!(refused.path().as_deref(), Some("domain.count"));
    let Refusal::Conflict { error: CommitError::Conflict { update, base, current, .. }, retry, .. } = refused
    else {
        panic!("{refused}")
    };
    assert_eq!((update, base, current, retry), (set("domain.count", int(9)), 1, 2, None));
    assert_eq!(state(&engine), before);
    // Another path of the same old base is no conflict, unless the engine is strict.
    engine.compare_and_swap(1, set("domain.other", int(1))).unwrap();
    engine.set_isolation(Isolation::Strict);
    assert!(engine.compare_and_swap(1, set("domain.third", int(1))).is_err());
    assert_eq!(outcomes(&engine), ["committed", "conflict", "committed", "conflict"]);
    assert!(records(&engine)[1].paths.is_empty());
    assert!(records(&engine)[1].error.as_ref().unwrap().contains("domain.count"));
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(int(1), |value, _| Value::List(List::from(vec![value])))
}

#[test]
fn whatever_does_not_fit_leaves_one_record_and_the_state_as_it_was() {
    let engine = engine();
    let before = state(&engine);
    let broken = Value::from(theus_value::Object { codec: "ndarray".into(), bytes: [1, 2, 3][..].into() });
    let huge = EncodedArray::encode("<u1", &[1 << 40], &[]);
    let mut whole = Update::new();
    whole.set(theus::Path::root(), int(1));
    let mut appended = Update::new();
    appended.append(path("domain.list"), vec![nested(126)]);
    let mut merged = Update::new();
    merged.merge(path("domain"), map([("x", nested(126))]));
    let rows: [(Update, &str, Option<&str>); 9] = [
        (set("domain.count.below", int(1)), "failed", Some("domain.count.below")),
        (set("heavy.m", broken.clone()), "failed", Some("heavy.m")),
        (set("heavy.m", huge), "failed", Some("heavy.m")),
        (set("domain", mapping([("heavy_x", broken)])), "failed", Some("domain.heavy_x")),
        (whole, "failed", None),
        (set("domain.deep", nested(127)), "contract", Some("domain.deep")),
        (set("domain.deep", nested(100_000)), "contract", Some("domain.deep")),
        (appended, "contract", Some("domain.list")),
        (merged, "contract", Some("domain")),
    ];
    for (number, (update, outcome, named)) in rows.into_iter().enumerate() {
        let refused = engine.compare_and_swap(1, update.clone()).unwrap_err();
        assert_eq!(refused.path().as_deref(), named, "{refused}");
        assert_eq!(outcomes(&engine)[number..], [outcome], "{refused}");
        assert_eq!(state(&engine), before);
        // A value this deep cannot be taken down by the ordinary way on a test's small stack.
        std::mem::forget(update);
    }
    assert_eq!(engine.arena().stats().used, 0, "refused arrays are given back");
}

#[test]
fn what_fits_can_be_encoded_and_read_again_as_a_whole() {
    let engine = engine();
    for depth in (80..128).rev() {
        if engine.compare_and_swap(engine.snapshot().version(), set("a.b.c.d", nested(depth))).is_ok() {
            let whole = Value::Tuple([Value::Map(engine.snapshot().root().clone())].into());
            assert_eq!(theus::decode(&encode(&whole)).unwrap(), whole);
            return;
        }
    }
    panic!("nothing fits");
}

#[test]
fn a_long_error_is_cut_in_the_trail() {
    let engine = engine();
    let long = "x".repeat(100_000);
    engine.compare_and_swap(1, set(&format!("domain.count.{long}"), Value::Map(Map::new()))).unwrap_err();
    assert!(records(&engine)[0].error.as_ref().unwrap().len() < 20_000);
}
