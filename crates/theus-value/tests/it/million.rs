//! Containers of a million: built, changed, thinned and compared, with an older version watching.

use theus_value::{Key, List, Map, Value};

const MILLION: i64 = 1_000_000;

fn key(n: i64) -> Key {
    Key::from(n.to_string())
}

#[test]
fn a_map_of_a_million_keeps_order_and_versions() {
    let built: Map = (0..MILLION).map(|n| (key(n), Value::from(n))).collect();
    assert_eq!(built.len(), MILLION as usize);
    assert!(built.iter().zip(0..).all(|((k, v), n)| **k == *n.to_string() && *v == Value::from(n)));

    let mut changed = built.clone();
    for n in (0..MILLION).step_by(3) {
        assert_eq!(changed.insert(key(n), Value::from(-n)), Some(Value::from(n)));
    }
    for n in (1..MILLION).step_by(3) {
        assert_eq!(changed.remove(&n.to_string()), Some(Value::from(n)));
    }
    changed.insert(key(1), Value::Null);

    let expected =
        (0..MILLION).filter(|n| n % 3 != 1).map(|n| (key(n), Value::from(if n % 3 == 0 { -n } else { n })));
    let expected = || expected.clone().chain([(key(1), Value::Null)]);
    assert_eq!(changed.len(), expected().count());
    assert!(changed.iter().map(|(k, v)| (k.clone(), v.clone())).eq(expected()));
    assert!(changed == expected().collect::<Map>());
    assert!(changed != built);

    // The older version saw nothing of it.
    assert!(built.values().zip(0..).all(|(value, n)| *value == Value::from(n)));

    // And down to nothing, by way of few.
    for (n, (key, _)) in expected().enumerate() {
        assert!(changed.remove(&key).is_some(), "{n}");
    }
    assert!(changed.is_empty() && changed == Map::new());
}

#[test]
fn a_list_of_a_million_keeps_order_and_versions() {
    let built: List = (0..MILLION).map(Value::from).collect();
    let mut changed = built.clone();
    (0..MILLION).step_by(7).for_each(|n| *changed.get_mut(n as usize).unwrap() = Value::Null);
    (0..100).for_each(|n| changed.push(Value::from(n)));
    assert!(built.iter().zip(0..).all(|(value, n)| *value == Value::from(n)));
    assert_eq!(built.len() + 100, changed.len());
    let expected = |n: i64| {
        if n >= MILLION {
            Value::from(n - MILLION)
        } else if n % 7 == 0 {
            Value::Null
        } else {
            Value::from(n)
        }
    };
    assert!(changed.iter().zip(0..).all(|(value, n)| *value == expected(n)));
    assert!((0..MILLION + 100).all(|n| changed.get(n as usize) == Some(&expected(n))));
    assert_eq!(changed.get(changed.len()), None);
}
