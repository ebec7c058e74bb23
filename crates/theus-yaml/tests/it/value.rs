//! Trees of values that a program built.

use std::sync::Arc;

use theus_value::{Kind, List, Map, Set, Value};
use theus_yaml::{Content, Limits, Node, Reason};

use super::plain;

fn map(entries: Vec<(&str, Value)>) -> Value {
    let mut map = Map::new();
    for (key, value) in entries {
        map.insert(key.into(), value);
    }
    Value::Map(map)
}

fn list(items: Vec<Value>) -> Value {
    Value::List(List::from(items))
}

fn of_value(value: &Value) -> Result<Node, theus_yaml::UnfitValue> {
    Node::of_value(value, &Limits::default())
}

#[test]
fn a_value_gives_the_tree_that_its_text_gives() {
    let value = map(vec![
        (
            "a",
            list(vec![Value::Null, Value::Bool(true), Value::Int(-3), Value::Float(1.5), Value::from("x")]),
        ),
        ("b", Value::Tuple([Value::Int(1)].into())),
        ("c", map(vec![])),
        ("d", Value::Set(Set::from_values([Value::Int(2), Value::Int(1)]))),
        ("e", Value::from(u64::MAX)),
    ]);
    let text = "{a: [null, true, -3, 1.5, x], b: [1], c: {}, d: [1, 2], e: 18446744073709551615}";
    assert_eq!(plain(&of_value(&value).expect("fits")), plain(&super::parse(text).expect("valid")));
}

#[test]
fn integers_up_to_128_bits_fit_and_larger_ones_do_not() {
    for int in [i128::MAX, i128::MIN, i128::from(i64::MIN) - 1, 1 << 64] {
        let value = Value::integer_from_le_bytes(&int.to_le_bytes());
        assert_eq!(of_value(&value).expect("fits").content, Content::Int(int));
    }
    let huge = list(vec![Value::integer_from_le_bytes(&[1; 17])]);
    let error = of_value(&huge).expect_err("17 bytes");
    assert_eq!((error.place.to_string().as_str(), error.reason), ("[0]", Reason::HugeInteger));
}

#[test]
fn what_has_no_place_in_yaml_is_named_by_its_path() {
    let value =
        map(vec![("rules", list(vec![Value::Null, map(vec![("min", Value::Bytes(Arc::from([1])))])]))]);
    let error = of_value(&value).expect_err("bytes");
    assert_eq!(error.reason, Reason::Unfit(Kind::Bytes));
    assert!(error.to_string().starts_with("rules[1].min: a value of kind bytes "), "{error}");
}

#[test]
fn values_obey_the_limits_too() {
    let nested = |depth: usize| (1..depth).fold(list(vec![]), |inner, _| list(vec![inner]));
    assert!(of_value(&nested(64)).is_ok());
    assert_eq!(of_value(&nested(65)).expect_err("65 deep").reason, Reason::TooDeep(64));
    assert_eq!(of_value(&nested(5000)).expect_err("5000 deep").reason, Reason::TooDeep(64));
    let limits = Limits { nodes: 3, ..Limits::default() };
    assert!(Node::of_value(&list(vec![Value::Null; 2]), &limits).is_ok());
    let error = Node::of_value(&list(vec![Value::Null; 3]), &limits).expect_err("four nodes");
    assert_eq!((error.place.to_string().as_str(), error.reason), ("[2]", Reason::TooMany(3)));
}
