//! Small facts about values.

use std::sync::Arc;
use theus_value::{BlockId, Heavy, Key, Kind, List, Map, Value};

fn heavy(lease: bool) -> Heavy {
    let block = BlockId { segment: 1, offset: 2, length: 24, serial: 4 };
    let lease = lease.then(|| Arc::new(()) as _);
    Heavy { block, dtype: "<f4".into(), shape: [2, 3].into(), lease }
}

#[test]
fn a_value_is_three_words() {
    assert_eq!(size_of::<Value>(), 3 * size_of::<usize>());
}

#[test]
fn values_travel_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Value>();
    check::<theus_value::Update>();
    check::<theus_value::Pattern>();
}

#[test]
fn a_lease_is_no_part_of_a_heavy_value() {
    assert_eq!(Value::from(heavy(true)), Value::from(heavy(false)));
    assert_eq!(heavy(true).elements(), Some(6));
    // A message shows whether there is one, and which block it is.
    let shown = format!("{:?}", heavy(true));
    assert!(
        shown.contains("leased: true") && shown.contains("serial: 4") && shown.contains("<f4"),
        "{shown}"
    );
    assert_eq!(Heavy { shape: [u64::MAX, 2].into(), ..heavy(false) }.elements(), None);
    assert_eq!(Heavy { shape: [u64::MAX, 2, 0].into(), ..heavy(false) }.elements(), Some(0));
    assert_eq!(Heavy { shape: [].into(), ..heavy(false) }.elements(), Some(1));
}

#[test]
fn kinds_do_not_mix() {
    assert_ne!(Value::from(1), Value::from(1.0));
    assert_ne!(Value::from(1), Value::from(true));
    assert_ne!(Value::from("a"), Value::from(b"a".to_vec()));
    assert_ne!(Value::List(List::new()), Value::Tuple([].into()));
    assert_eq!(Value::from(2u64).kind(), Kind::Int);
    assert_eq!(Value::from(u64::MAX).kind().to_string(), "big int");
    assert_eq!(Value::default(), Value::Null);
}

#[test]
fn a_path_walks_maps_lists_and_tuples() {
    let tuple = Value::Tuple([Value::from("in")].into());
    let map: Map = [(Key::from("list"), Value::from(vec![tuple]))].into_iter().collect();
    let value = Value::Map(map);
    let at =
        |segments: &[&str]| value.get(&segments.iter().map(|s| Key::from(*s)).collect::<Vec<_>>()).cloned();
    assert_eq!(at(&["list", "0", "0"]), Some(Value::from("in")));
    assert_eq!(at(&["list", "1"]), None);
    assert_eq!(at(&["list", "+0"]), None);
    assert_eq!(at(&["list", "99999999999999999999999"]), None);
    assert_eq!(at(&["list", "0", "0", "x"]), None);
    assert_eq!(at(&[]), Some(value.clone()));
}

#[test]
fn depth_counts_containers_and_stops_at_its_limit() {
    let mut value = Value::Null;
    for depth in 0..20 {
        assert_eq!(value.depth(100), depth);
        assert_eq!(value.depth(5), depth.min(5));
        value = Value::from(vec![Value::Null, value]);
    }
}
