//! Updates: what applying gives, what it refuses, and what it leaves untouched and shared.

use proptest::prelude::*;
use theus_testkit::updates;
use theus_value::{ApplyError, Key, Kind, List, MAX_PATH_SEGMENTS, Map, Op, Path, Update, Value};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn map_of<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (Key::from(key), value)).collect()
}

fn get<'a>(root: &'a Map, text: &str) -> Option<&'a Value> {
    root.get_path(&path(text))
}

fn state() -> Map {
    let user = map_of([("name", Value::from("Ada")), ("age", Value::from(36))]);
    let items = Value::from(vec![Value::from(1), Value::Map(map_of([("x", Value::from(2))]))]);
    let domain = map_of([("user", Value::Map(user)), ("items", items), ("flag", Value::from(true))]);
    map_of([("domain", Value::Map(domain))])
}

fn apply(edit: impl FnOnce(&mut Update)) -> Result<Map, ApplyError> {
    let mut update = Update::new();
    edit(&mut update);
    let before = state();
    let after = update.apply(&before);
    assert_eq!(before, state(), "the input map changed");
    after
}

#[test]
fn set_replaces_and_makes_parents() {
    let after = apply(|u| {
        u.set(path("domain.user"), Value::from(1))
            .set(path("a.b.c"), Value::from(2))
            .set(path("x"), Value::Null);
    })
    .unwrap();
    assert_eq!(get(&after, "domain.user"), Some(&Value::from(1)));
    assert_eq!(get(&after, "a.b.c"), Some(&Value::from(2)));
    assert_eq!(get(&after, "x"), Some(&Value::Null));
    assert_eq!(get(&after, "domain.flag"), Some(&Value::from(true)));
}

#[test]
fn set_reaches_into_lists() {
    let after = apply(|u| {
        u.set(path("domain.items[0]"), Value::from(9)).set(path("domain.items[1].y"), Value::from(3));
    })
    .unwrap();
    assert_eq!(get(&after, "domain.items.0"), Some(&Value::from(9)));
    assert_eq!(get(&after, "domain.items.1.x"), Some(&Value::from(2)));
    assert_eq!(get(&after, "domain.items.1.y"), Some(&Value::from(3)));
}

#[test]
fn merge_goes_deep_and_replaces_what_is_no_map() {
    let payload = map_of([
        ("user", Value::Map(map_of([("age", Value::from(37)), ("town", Value::from("Turin"))]))),
        ("flag", Value::Map(map_of([("on", Value::from(true))]))),
        ("items", Value::from(5)),
    ]);
    let after = apply(|u| {
        u.merge(path("domain"), payload);
    })
    .unwrap();
    assert_eq!(get(&after, "domain.user.name"), Some(&Value::from("Ada")));
    assert_eq!(get(&after, "domain.user.age"), Some(&Value::from(37)));
    assert_eq!(get(&after, "domain.user.town"), Some(&Value::from("Turin")));
    assert_eq!(get(&after, "domain.flag.on"), Some(&Value::from(true)));
    assert_eq!(get(&after, "domain.items"), Some(&Value::from(5)));
}

#[test]
fn append_adds_and_delete_takes_away() {
    let after = apply(|u| {
        u.append(path("domain.items"), vec![Value::from(3), Value::from(4)])
            .append(path("domain.new"), vec![Value::Null])
            .delete(path("domain.user.age"))
            .delete(path("domain.absent.below"))
            .delete(path("domain.flag.below"));
    })
    .unwrap();
    assert_eq!(get(&after, "domain.items.3"), Some(&Value::from(4)));
    assert_eq!(get(&after, "domain.new"), Some(&Value::from(vec![Value::Null])));
    assert_eq!(get(&after, "domain.user.age"), None);
    assert_eq!(get(&after, "domain.absent"), None, "deleting makes no parents");
}

#[test]
fn the_root_is_always_a_map() {
    let after = apply(|u| {
        u.set(Path::root(), Value::Map(map_of([("a", Value::Null)])))
            .merge(Path::root(), map_of([("b", Value::Null)]));
    });
    assert_eq!(after, Ok(map_of([("a", Value::Null), ("b", Value::Null)])));
    for op in [
        Op::Set { path: Path::root(), value: Value::from(1) },
        Op::Append { path: Path::root(), values: vec![] },
        Op::Delete { path: Path::root() },
    ] {
        assert!(matches!(Update::from_iter([op]).apply(&state()), Err(ApplyError::Root { .. })));
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let refused = |op: Op| Update::from_iter([op]).apply(&state()).unwrap_err();
    let set = |text: &str| Op::Set { path: path(text), value: Value::Null };
    let in_the_way = refused(set("domain.flag.below.deep"));
    assert_eq!(
        in_the_way,
        ApplyError::NotAContainer {
            path: path("domain.flag.below.deep"),
            parent: path("domain.flag"),
            kind: Kind::Bool
        }
    );
    assert!(in_the_way.to_string().contains("\"domain.flag\" is a bool"), "{in_the_way}");
    for text in ["domain.items.2", "domain.items.x", "domain.items.01", "domain.items.5.y"] {
        assert!(
            matches!(refused(set(text)), ApplyError::NoSuchIndex { parent, len: 2, .. } if parent == path("domain.items")),
            "{text}"
        );
    }
    let append = Op::Append { path: path("domain.user"), values: vec![] };
    assert_eq!(refused(append), ApplyError::NotAList { path: path("domain.user"), kind: Kind::Map });
    let delete = Op::Delete { path: path("domain.items.0") };
    assert_eq!(refused(delete), ApplyError::ListItem { path: path("domain.items.0") });
    let deep = Path::from_segments(vec!["a"; MAX_PATH_SEGMENTS + 1]);
    assert!(matches!(refused(Op::Set { path: deep, value: Value::Null }), ApplyError::TooDeep { .. }));
}

#[test]
fn leaves_are_what_is_written_as_a_whole() {
    let mut update = Update::new();
    assert!(update.is_empty() && update.leaves().is_empty());
    let payload = map_of([
        ("x", Value::Map(map_of([("y", Value::from(1)), ("z", Value::Map(Map::new()))]))),
        ("w", Value::Null),
    ]);
    update
        .set(path("a"), Value::Map(payload.clone()))
        .merge(path("b"), payload)
        .merge(Path::root(), Map::new())
        .append(path("c"), vec![])
        .delete(path("d"));
    let leaves: Vec<String> = update.leaves().iter().map(Path::to_string).collect();
    assert_eq!(leaves, ["a", "b.x.y", "b.x.z", "b.w", "c", "d"]);
    assert_eq!(update.ops().len(), 5);
}

/// A state of 400 branches with 50 maps each.
fn wide() -> Map {
    let leaf = |n: i64| Value::Map(map_of([("n", Value::from(n))]));
    let branch = || Value::Map((0..50).map(|n| (Key::from(format!("l{n}")), leaf(n))).collect());
    (0..400).map(|n| (Key::from(format!("b{n}")), branch())).collect()
}

fn inner(value: Option<&Value>) -> &Map {
    match value {
        Some(Value::Map(map)) => map,
        other => panic!("expected a map, found {other:?}"),
    }
}

/// How many of the 20,000 inner maps and 400 branches are no longer the same in memory.
fn copied(before: &Map, after: &Map) -> (usize, usize) {
    let changed =
        |a: &Map, b: &Map| a.iter().filter(|(key, v)| !inner(Some(v)).ptr_eq(inner(b.get(key)))).count();
    let leaves = before.keys().map(|key| changed(inner(before.get(key)), inner(after.get(key)))).sum();
    (changed(before, after), leaves)
}

#[test]
fn applying_copies_only_what_it_touches() {
    let before = wide();
    let mut update = Update::new();
    update
        .set(path("b7.l3.n"), Value::from(-1))
        .set(path("b7.l4.n"), Value::from(-1))
        .merge(path("b9.l1"), map_of([("m", Value::from(1))]));
    let after = update.apply(&before).unwrap();
    assert_eq!(copied(&before, &after), (2, 3));
    assert_eq!(copied(&before, &Update::new().apply(&before).unwrap()), (0, 0));
}

#[test]
fn a_second_touch_of_the_same_place_copies_nothing_more() {
    let list: List = (0..1000).map(Value::from).collect();
    let before = map_of([("list", Value::List(list.clone()))]);
    let mut update = Update::new();
    for n in 0..1000 {
        update.append(path("list"), vec![Value::from(n)]);
    }
    let after = update.apply(&before).unwrap();
    assert!(matches!(after.get("list"), Some(Value::List(grown)) if grown.len() == 2000));
    assert!(matches!(before.get("list"), Some(Value::List(same)) if same.ptr_eq(&list)));
}

/// Every place of a state.
fn places(above: &Path, map: &Map, found: &mut Vec<Path>) {
    for (key, value) in map {
        let here = above.child(key);
        if let Value::Map(below) = value {
            places(&here, below, found);
        }
        found.push(here);
    }
}

proptest! {
    #[test]
    fn nothing_changes_but_the_leaves_and_their_parents(
        start in proptest::collection::vec(updates::op(), 0..6),
        update in updates::update(),
    ) {
        let mut before = Map::new();
        for op in start {
            before = Update::from_iter([op]).apply(&before).unwrap_or(before);
        }
        let kept = before.clone();
        let Ok(after) = update.apply(&before) else { return Ok(()) };
        let leaves = update.leaves_on(&before);
        let known = update.leaves();
        prop_assert!(known.iter().all(|leaf| leaves.iter().any(|on| leaf.starts_with(on))), "{:?}", known);
        let mut all = Vec::new();
        places(&Path::root(), &before, &mut all);
        places(&Path::root(), &after, &mut all);
        for place in all.iter().filter(|place| !leaves.iter().any(|leaf| leaf.overlaps(place))) {
            prop_assert_eq!(before.get_path(place), after.get_path(place), "at {}", place);
        }
        prop_assert_eq!(before, kept);
    }
}
