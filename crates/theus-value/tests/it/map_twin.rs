//! The map against a slow obvious twin: a vector of pairs.

use proptest::prelude::*;
use theus_value::{Key, Map, Value};

#[derive(Clone, Debug)]
enum Step {
    Insert(String, i64),
    Remove(String),
    Change(String, i64),
    GetOrInsert(String, i64),
    /// Keep a clone, which must never change.
    Keep,
}

fn step() -> impl Strategy<Value = Step> {
    // Few enough keys to meet again, many enough to cross the border between the two representations.
    let key = || "[a-h][0-7]";
    prop_oneof![
        8 => (key(), any::<i64>()).prop_map(|(k, v)| Step::Insert(k, v)),
        4 => key().prop_map(Step::Remove),
        2 => (key(), any::<i64>()).prop_map(|(k, v)| Step::Change(k, v)),
        2 => (key(), any::<i64>()).prop_map(|(k, v)| Step::GetOrInsert(k, v)),
        1 => Just(Step::Keep),
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

proptest! {
    #[test]
    fn does_what_a_vector_of_pairs_does(steps in proptest::collection::vec(step(), 0..150)) {
        let (mut map, mut twin) = (Map::new(), Twin::new());
        let mut kept = Vec::new();
        for step in steps {
            match step {
                Step::Insert(key, n) => {
                    let value = Value::from(n);
                    prop_assert_eq!(map.insert(Key::from(&*key), value.clone()), twin_insert(&mut twin, &key, value));
                }
                Step::Remove(key) => prop_assert_eq!(map.remove(&key), twin_remove(&mut twin, &key)),
                Step::Change(key, n) => {
                    let (ours, its) = (map.get_mut(&key), twin_get(&mut twin, &key));
                    prop_assert_eq!(&ours, &its);
                    if let (Some(ours), Some(its)) = (ours, its) {
                        (*ours, *its) = (Value::from(n), Value::from(n));
                    }
                }
                Step::GetOrInsert(key, n) => {
                    let ours = map.get_or_insert_with(&Key::from(&*key), || Value::from(n)).clone();
                    if twin_get(&mut twin, &key).is_none() {
                        twin_insert(&mut twin, &key, Value::from(n));
                    }
                    prop_assert_eq!(Some(ours), twin_get(&mut twin, &key).cloned());
                }
                Step::Keep => kept.push((map.clone(), twin.clone())),
            }
            same(&map, &twin)?;
        }
        for (map, twin) in &kept {
            same(map, twin)?;
        }
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
