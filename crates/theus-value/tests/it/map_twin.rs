//! The map against a slow obvious twin: a vector of pairs.
//!
//! Sizes lie around each border of how entries are stored: one vector, the first leaf, branches of one level and of two.

use proptest::prelude::*;
use theus_value::{Key, Map, Value};

#[derive(Clone, Debug)]
enum Step {
    Insert(String, Value),
    Remove(String),
    Change(String, Value),
    GetOrInsert(String, Value),
    /// Keep a clone, which must never change.
    Keep,
    /// Go on from a clone that was kept, which must not change either.
    GoBack(prop::sample::Index),
}

/// Sizes to begin with: on both sides of where the way of storing changes.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => Just(0_usize),
        2 => 6_usize..36,
        1 => prop_oneof![Just(15_usize), Just(31), Just(255), Just(256), Just(271), Just(272), Just(273)],
    ]
}

/// Few enough keys to meet again, some of them all the time, and many of those that the map begins with.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-h][0-7]",
        3 => (0..300_u32).prop_map(|n| format!("k{n}")),
        3 => prop_oneof![Just("k3".to_owned()), Just("k20".to_owned()), Just("a0".to_owned())],
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let value = || prop_oneof![any::<i64>().prop_map(Value::from), "[x-z]{0,3}".prop_map(Value::from)];
    prop_oneof![
        8 => (key(), value()).prop_map(|(k, v)| Step::Insert(k, v)),
        4 => key().prop_map(Step::Remove),
        2 => (key(), value()).prop_map(|(k, v)| Step::Change(k, v)),
        2 => (key(), value()).prop_map(|(k, v)| Step::GetOrInsert(k, v)),
        2 => Just(Step::Keep),
        1 => any::<prop::sample::Index>().prop_map(Step::GoBack),
    ]
}

type Twin = Vec<(Key, Value)>;

fn twin_get<'a>(twin: &'a mut Twin, key: &str) -> Option<&'a mut Value> {
    twin.iter_mut().find(|(have, _)| **have == *key).map(|(_, value)| value)
}

fn twin_insert(twin: &mut Twin, key: &str, value: Value) -> Option<Value> {
    if let Some(have) = twin_get(twin, key) {
        return Some(std::mem::replace(have, value));
    }
    twin.push((Key::from(key), value));
    None
}

fn twin_remove(twin: &mut Twin, key: &str) -> Option<Value> {
    let at = twin.iter().position(|(have, _)| **have == *key)?;
    Some(twin.remove(at).1)
}

fn same(map: &Map, twin: &Twin) -> Result<(), TestCaseError> {
    prop_assert_eq!(map.len(), twin.len());
    prop_assert_eq!(map.iter().len(), twin.len());
    prop_assert!(map.iter().map(|(k, v)| (k.clone(), v.clone())).eq(twin.iter().cloned()));
    for (key, value) in twin {
        prop_assert_eq!(map.get(key), Some(value));
    }
    prop_assert_eq!(map.is_empty(), twin.is_empty());
    prop_assert!(!map.contains_key("absent"));
    prop_assert_eq!(map, &twin.iter().cloned().collect::<Map>());
    Ok(())
}

fn take(
    step: Step,
    map: &mut Map,
    twin: &mut Twin,
    kept: &mut Vec<(Map, Twin)>,
) -> Result<(), TestCaseError> {
    match step {
        Step::Insert(key, value) => {
            prop_assert_eq!(map.insert(Key::from(&*key), value.clone()), twin_insert(twin, &key, value));
        }
        Step::Remove(key) => prop_assert_eq!(map.remove(&key), twin_remove(twin, &key)),
        Step::Change(key, value) => {
            let (ours, its) = (map.get_mut(&key), twin_get(twin, &key));
            prop_assert_eq!(&ours, &its);
            if let (Some(ours), Some(its)) = (ours, its) {
                (*ours, *its) = (value.clone(), value);
            }
        }
        Step::GetOrInsert(key, value) => {
            let ours = map.get_or_insert_with(&Key::from(&*key), || value.clone()).clone();
            if twin_get(twin, &key).is_none() {
                twin_insert(twin, &key, value);
            }
            prop_assert_eq!(Some(ours), twin_get(twin, &key).cloned());
        }
        Step::Keep => kept.push((map.clone(), twin.clone())),
        Step::GoBack(_) if kept.is_empty() => {}
        Step::GoBack(at) => {
            let (old, old_twin) = at.get(kept);
            (*map, *twin) = (old.clone(), old_twin.clone());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn does_what_a_vector_of_pairs_does(size in size(), steps in proptest::collection::vec(step(), 0..120)) {
        let mut twin: Twin = (0..size).map(|n| (Key::from(format!("k{n}")), Value::from(n as i64))).collect();
        let mut map: Map = twin.iter().cloned().collect();
        let mut kept = Vec::new();
        for step in steps {
            take(step, &mut map, &mut twin, &mut kept)?;
            prop_assert_eq!(map.len(), twin.len());
            prop_assert!(map.iter().eq(twin.iter().map(|(key, value)| (key, value))));
        }
        kept.push((map, twin));
        for (map, twin) in &kept {
            same(map, twin)?;
        }
    }
}

/// A map with maps inside, at any depth: clones of the whole see nothing of what happens below.
#[test]
fn clones_see_nothing_of_changes_deep_below() {
    fn nest(depth: usize) -> Map {
        let below =
            |n: i64| if n % 20 == 7 && depth > 0 { Value::Map(nest(depth - 1)) } else { Value::from(n) };
        (0..40).map(|n| (Key::from(format!("k{n}")), below(n))).collect()
    }
    fn deepest(map: &mut Map, depth: usize) -> &mut Map {
        if depth == 0 {
            return map;
        }
        match map.get_mut(if depth.is_multiple_of(2) { "k7" } else { "k27" }) {
            Some(Value::Map(below)) => deepest(below, depth - 1),
            other => panic!("no map at depth {depth}: {other:?}"),
        }
    }
    let mut map = nest(4);
    let mut kept = vec![(map.clone(), format!("{map:?}"))];
    for round in 0..12 {
        let below = deepest(&mut map, 4);
        below.insert("k3".into(), Value::from(round));
        below.insert(format!("new{round}").into(), Value::from(round));
        below.remove(&format!("k{round}"));
        kept.push((map.clone(), format!("{map:?}")));
    }
    for (round, (map, text)) in kept.iter().enumerate() {
        assert_eq!(&format!("{map:?}"), text, "after round {round}");
    }
}

#[test]
fn order_counts_as_content() {
    let pair =
        |a: &str, b: &str| -> Map { [a, b].map(|k| (Key::from(k), Value::Null)).into_iter().collect() };
    assert_ne!(pair("a", "b"), pair("b", "a"));
    assert_eq!(pair("a", "b"), pair("a", "b"));
}

#[test]
fn a_change_shares_what_it_did_not_touch() {
    let inner = |n: i64| -> Map { [(Key::from("n"), Value::from(n))].into_iter().collect() };
    let old: Map = (0..1000).map(|n| (Key::from(format!("k{n}")), Value::Map(inner(n)))).collect();
    let mut new = old.clone();
    assert!(new.ptr_eq(&old));
    new.insert("k7".into(), Value::Null);
    assert!(!new.ptr_eq(&old));
    let shared = old.iter().filter(|(key, value)| match (value, new.get(key)) {
        (Value::Map(before), Some(Value::Map(after))) => before.ptr_eq(after),
        _ => false,
    });
    assert_eq!(shared.count(), 999);
}

#[test]
fn what_is_absent_is_neither_removed_nor_changed_and_copies_nothing() {
    for size in [0_i64, 1, 16, 17, 1000] {
        let old: Map = (0..size).map(|n| (Key::from(format!("k{n}")), Value::from(n))).collect();
        let mut new = old.clone();
        assert!(new.remove("absent").is_none() && new.get_mut("absent").is_none());
        assert!(new.ptr_eq(&old), "{size}");
    }
}
