//! Updates combined into one: on any state on which they apply one after the other, the same comes out.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestError, TestRunner};
use theus_value::{Combined, Key, List, Map, Op, Path, Update, Value, encode};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

/// Few names, so that paths meet, also the index of a list's item.
fn any_path() -> impl Strategy<Value = Path> {
    vec("[ab0]", 0..4).prop_map(Path::from_segments)
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => (0i64..9).prop_map(Value::from),
        1 => Just(Value::Null),
        2 => vec((0i64..9).prop_map(Value::from), 0..3).prop_map(|items| Value::List(List::from(items))),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| entries(inner).prop_map(Value::Map))
}

fn entries(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map> {
    vec(("[ab0]".prop_map(Key::from), inner), 0..3).prop_map(|entries| entries.into_iter().collect())
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (any_path(), any_value()).prop_map(|(path, value)| Op::Set { path, value }),
        3 => (any_path(), entries(any_value())).prop_map(|(path, value)| Op::Merge { path, value }),
        2 => (any_path(), vec(any_value(), 0..3)).prop_map(|(path, values)| Op::Append { path, values }),
        3 => any_path().prop_map(|path| Op::Delete { path }),
    ]
}

/// The operations that fit one after the other, and what they make of the state.
fn fitting(base: &Map, ops: Vec<Op>) -> (Update, Map) {
    let (mut kept, mut state) = (Update::new(), base.clone());
    for op in ops {
        if let Ok(next) = Update::from_iter([op.clone()]).apply(&state) {
            kept.push(op);
            state = next;
        }
    }
    (kept, state)
}

fn combined(update: &Update) -> Update {
    let mut combined = Combined::new();
    update.ops().iter().for_each(|op| combined.add(Update::from_iter([op.clone()])));
    combined.finish()
}

/// The same as `combine` does it.
fn means_the_same(base: &Map, ops: Vec<Op>, combine: fn(&Update) -> Update) -> TestCaseResult {
    let (parts, after) = fitting(base, ops);
    let whole = combine(&parts);
    prop_assert!(whole.ops().len() <= parts.ops().len(), "{whole:?}");
    let result = whole.apply(base);
    prop_assert!(result.is_ok(), "{:?} for {:?}", result, whole);
    let result = result.unwrap_or_default();
    prop_assert_eq!(&result, &after, "{:?}", whole);
    prop_assert_eq!(
        encode(&Value::Map(result)),
        encode(&Value::Map(after)),
        "not in the same order: {:?}",
        whole
    );
    for (parts, whole) in [(parts.leaves(), whole.leaves()), (parts.leaves_on(base), whole.leaves_on(base))] {
        for leaf in &parts {
            prop_assert!(whole.iter().any(|above| leaf.starts_with(above)), "{leaf} is not written any more");
        }
        for leaf in &whole {
            prop_assert!(parts.contains(leaf), "{leaf} was not written before");
        }
    }
    Ok(())
}

fn run(cases: u32, combine: fn(&Update) -> Update) -> Result<(), TestError<(Map, Vec<Op>)>> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let strategy = (entries(any_value()), vec(any_op(), 0..14));
    TestRunner::new(config).run(&strategy, |(base, ops)| means_the_same(&base, ops, combine))
}

#[test]
fn combined_updates_mean_the_same() {
    run(2_500, combined).unwrap();
}

/// Planted bug: of operations at the same path only the last stands.
fn last_by_path(update: &Update) -> Update {
    let last = |at: usize, op: &Op| update.ops()[at + 1..].iter().all(|later| later.path() != op.path());
    update.ops().iter().enumerate().filter(|(at, op)| last(*at, op)).map(|(_, op)| op.clone()).collect()
}

/// Planted bug: a set takes the place of what it replaces at the end instead of where that stood.
fn sets_at_the_end(update: &Update) -> Update {
    let mut ops: Vec<Op> = vec![];
    for op in update.ops() {
        if matches!(op, Op::Set { .. }) {
            ops.retain(|earlier| !(matches!(earlier, Op::Set { .. }) && earlier.path() == op.path()));
        }
        ops.push(op.clone());
    }
    ops.into_iter().collect()
}

#[test]
fn planted_bugs_are_found() {
    for (name, planted) in
        [("last by path", last_by_path as fn(&Update) -> Update), ("order", sets_at_the_end)]
    {
        assert!(matches!(run(4_000, planted), Err(TestError::Fail(..))), "{name} went unnoticed");
    }
}

fn thousand(op: impl Fn(i64) -> Vec<Op>) -> Update {
    let mut combined = Combined::new();
    (0..1_000).for_each(|n| combined.add(op(n).into_iter().collect()));
    combined.finish()
}

#[test]
fn what_was_superseded_is_not_kept() {
    let set = |at: &str, n: i64| Op::Set { path: path(at), value: Value::from(n) };
    let delete = |at: &str| Op::Delete { path: path(at) };
    let merge = |n: i64| {
        let below: Map = [(Key::from("count"), Value::from(n))].into_iter().collect();
        let value = [(Key::from("domain"), Value::Map(below))].into_iter().collect();
        Op::Merge { path: Path::root(), value }
    };
    let append = |n: i64| Op::Append { path: path("log"), values: vec![Value::from(n)] };
    assert_eq!(thousand(|n| vec![set("a.b", n)]), Update::from_iter([set("a.b", 999)]));
    assert_eq!(
        thousand(|n| vec![set("a", n), set("b", n)]),
        Update::from_iter([set("a", 999), set("b", 999)])
    );
    assert_eq!(thousand(|n| vec![merge(n)]), Update::from_iter([merge(999)]));
    let all = Op::Append { path: path("log"), values: (0..1_000).map(Value::from).collect() };
    assert_eq!(thousand(|n| vec![append(n)]), Update::from_iter([all]));
    assert_eq!(thousand(|n| vec![set("a.b", n), delete("a.b")]).ops().len(), 2);
    assert_eq!(thousand(|n| vec![delete("a.b"), set("a.b", n), delete("a.b")]).ops().len(), 3);
    assert_eq!(thousand(|n| vec![set(&format!("a.k{n}"), n), delete("a")]).ops().len(), 2);
    let whole = thousand(|n| vec![set(&format!("a.k{n}"), n)]);
    assert_eq!(whole.ops().len(), 1_000);
    let mut replaced = Combined::new();
    replaced.add(whole);
    replaced.add(Update::from_iter([set("a", 1)]));
    assert_eq!(replaced.finish(), Update::from_iter([set("a", 1)]));
}

#[test]
fn what_fits_no_state_stays_as_it_came() {
    let deep = Op::Set { path: Path::from_segments(vec!["x"; 100_000]), value: Value::Null };
    let update = Update::from_iter([deep.clone(), deep]);
    assert_eq!(combined(&update), update);
}

#[test]
fn a_deletion_needs_nothing_of_what_it_makes_pointless() {
    let path = |text: &str| Path::parse(text).unwrap();
    let mut base = Update::new();
    base.set(path("a.b"), Value::from(5));
    let base = base.apply(&Map::new()).unwrap();
    let mut combined = Combined::new();
    let mut parts = Update::new();
    parts.delete(path("a.b")).set(path("a.b.c"), Value::from(1)).delete(path("a"));
    combined.add(parts.clone());
    assert_eq!(combined.finish().apply(&base), parts.apply(&base));
}
