//! What the judge of updates takes for one thing, which zone wins, and what a change cannot hide behind.

use crate::stage::{int, map, mapping, path, tuple};
use theus::{CommitError, Engine, Refusal, Update, Value, Violation, Zone};
use theus_value::{Map, Op};

fn list(items: &[i64]) -> Value {
    Value::from(items.iter().copied().map(Value::from).collect::<Vec<_>>())
}

fn set(text: &str, value: Value) -> Op {
    Op::Set { path: path(text), value }
}
fn delete(text: &str) -> Op {
    Op::Delete { path: path(text) }
}
fn append(text: &str, value: Value) -> Op {
    Op::Append { path: path(text), values: vec![value] }
}
fn merge(text: &str, value: Map) -> Op {
    Op::Merge { path: path(text), value }
}

/// Tries an update of this state; the path that it was refused for, with the first letter of what it needs.
fn tried<const N: usize>(root: &Map, ops: [Op; N]) -> Result<Map, (String, char)> {
    let engine = Engine::builder().initial(root.clone()).build();
    match engine.compare_and_swap(1, ops.into_iter().collect()) {
        Ok(_) => Ok(engine.snapshot().root().clone()),
        Err(Refusal::Violation(Violation::Physics { path, needed, .. })) => {
            Err((path, needed.to_string().chars().next().unwrap()))
        }
        Err(other) => panic!("{other}"),
    }
}

fn refused<const N: usize>(root: &Map, ops: [Op; N]) -> (String, char) {
    tried(root, ops).unwrap_err()
}

fn at(text: &str, letter: char) -> (String, char) {
    (text.into(), letter)
}

#[test]
fn names_are_judged_as_the_specification_writes_them() {
    let zones = [
        (Zone::Signal, &["sig_x", "cmd_x", "sig_", "signal", "sig", "cmd"][..]),
        (Zone::Meta, &["meta_x", "meta"]),
        (Zone::Heavy, &["heavy_x", "heavy"]),
        (Zone::Log, &["log_x", "audit_x", "log", "log_sig_x"]),
        (Zone::Constant, &["const_x", "const_"]),
        (Zone::Private, &["internal_x"]),
        (
            Zone::Data,
            &[
                "x", "audit", "const", "internal", "signals", "signal_x", "metadata", "logs", "LOG",
                "Const_x", "",
            ],
        ),
        (Zone::Data, &["my_log_x", "_log_x", "a.const_x", "x_const_"]),
    ];
    for (zone, names) in zones {
        names.iter().for_each(|name| assert_eq!(Zone::of(name), zone, "{name}"));
    }
    assert_eq!(
        Zone::ALL.map(Zone::as_str),
        ["data", "signal", "meta", "heavy", "log", "constant", "private"]
    );
}

#[test]
fn of_several_zones_on_a_path_the_strictest_wins() {
    let inner = || mapping([("log_x", list(&[1])), ("meta_x", int(1)), ("x", list(&[1]))]);
    let zones = ["const_box", "internal_box", "meta_box", "log_box", "log"];
    let root = map([("domain", Value::Map(zones.iter().map(|zone| ((*zone).into(), inner())).collect()))]);
    for zone in &zones[..2] {
        for name in ["log_x", "x"] {
            let place = format!("domain.{zone}.{name}");
            assert_eq!(refused(&root, [append(&place, int(2))]), at(&place, 'A'));
            assert_eq!(refused(&root, [set(&place, int(2))]), at(&place, 'U'));
            assert_eq!(refused(&root, [delete(&place)]), at(&place, 'D'));
        }
        let place = format!("domain.{zone}.new");
        assert_eq!(refused(&root, [set(&place, int(2))]), at(&place, 'U'), "a new name below one");
    }
    // A log takes no assignment, and meta no appending: together they take neither.
    assert_eq!(refused(&root, [append("domain.meta_box.log_x", int(2))]), at("domain.meta_box.log_x", 'A'));
    assert_eq!(
        refused(&root, [set("domain.meta_box.log_x", list(&[1, 2]))]),
        at("domain.meta_box.log_x", 'U')
    );
    assert_eq!(refused(&root, [set("domain.log_box.meta_x", int(2))]), at("domain.log_box.meta_x", 'U'));
    tried(&root, [append("domain.log_box.log_x", int(2)), append("domain.log.x", int(2))]).unwrap();
    tried(&root, [set("domain.meta_box.x", int(2))]).unwrap();
}

#[test]
fn a_datum_with_update_is_assigned_as_a_whole_and_its_parts_are_not_taken_out() {
    let pair = || mapping([("a", int(1)), ("b", int(2))]);
    let root =
        map([("meta_x", pair()), ("meta", mapping([("x", pair())])), ("heavy", mapping([("m", pair())]))]);
    for place in ["meta_x", "meta.x", "heavy.m"] {
        tried(&root, [set(place, mapping([("a", int(5))]))]).unwrap();
        tried(&root, [set(place, int(5))]).unwrap();
        tried(&root, [set(&format!("{place}.a"), int(5))]).unwrap();
        let part = format!("{place}.b");
        assert_eq!(refused(&root, [delete(&part)]), at(&part, 'D'));
    }
    // The word names the zone itself, so that what is below it is a datum each.
    assert_eq!(refused(&root, [set("meta", mapping([("y", int(1))]))]), at("meta.x", 'D'));
    assert_eq!(refused(&root, [set("heavy", Value::Map(Map::new()))]), at("heavy.m", 'D'));
    assert_eq!(refused(&root, [set("heavy", int(1))]), at("heavy", 'D'));
    tried(&root, [set("heavy", mapping([("m", int(1)), ("n", int(2))]))]).unwrap();
}

#[test]
fn the_lists_of_a_log_that_is_a_map_grow_whichever_way() {
    let log = |a: &[i64], b: &[i64]| mapping([("a", list(a)), ("b", list(b))]);
    for name in ["log_x", "log"] {
        let root = map([("domain", mapping([(name, log(&[1], &[2]))]))]);
        let place = format!("domain.{name}");
        let below = |key: &str| format!("{place}.{key}");
        tried(&root, [append(&below("a"), int(3))]).unwrap();
        tried(&root, [append(&below("c.d"), int(3))]).unwrap();
        tried(&root, [set(&place, log(&[1, 3], &[2]))]).unwrap();
        tried(&root, [set("domain", mapping([(name, log(&[1, 3], &[2, 4]))]))]).unwrap();
        assert_eq!(refused(&root, [set(&place, log(&[1, 3], &[]))]), at(&below("b"), 'U'));
        assert_eq!(refused(&root, [set(&place, mapping([("b", list(&[2]))]))]), at(&below("a"), 'D'));
        let turned = mapping([("b", list(&[2])), ("a", list(&[1]))]);
        assert_eq!(refused(&root, [set(&place, turned)]), at(&place, 'U'), "the order of keys is content");
    }
    let root = map([("const_x", log(&[1], &[2]))]);
    let turned = mapping([("b", list(&[2])), ("a", list(&[1]))]);
    assert_eq!(refused(&root, [set("const_x", turned)]), at("const_x", 'U'));
}

#[test]
fn items_of_a_log_do_not_change() {
    let root = map([("log_x", Value::from(vec![mapping([("a", list(&[1]))]), list(&[1])]))]);
    for op in [
        set("log_x.0.a", int(2)),
        set("log_x.0.new", list(&[1])),
        append("log_x.0.a", int(2)),
        append("log_x.1", int(2)),
    ] {
        assert_eq!(refused(&root, [op]), at("log_x", 'U'));
    }
    assert_eq!(refused(&root, [merge("log_x.0", map([("new", list(&[1]))]))]), at("log_x", 'U'));
    assert_eq!(refused(&root, [delete("log_x.0.a")]), at("log_x.0.a", 'D'));
    tried(&root, [set("log_x.0.a", list(&[1])), append("log_x", int(1))]).unwrap();
}

#[test]
fn names_inside_new_values_count_too() {
    let root = map([("domain", mapping([("list", list(&[])), ("log_x", list(&[]))]))]);
    let record = || mapping([("const_id", int(1))]);
    assert_eq!(refused(&root, [append("domain.list", record())]), at("domain.list.0.const_id", 'U'));
    assert_eq!(refused(&root, [append("domain.log_x", record())]), at("domain.log_x.0.const_id", 'U'));
    assert_eq!(refused(&root, [set("new", tuple([record()]))]), at("new.0.const_id", 'U'));
    assert_eq!(
        refused(&root, [set("new", mapping([("a", mapping([("log", int(1))]))]))]),
        at("new.a.log", 'U')
    );
    assert_eq!(refused(&root, [merge("data", map([("a", record())]))]), at("a.const_id", 'U'));
    tried(&root, [append("domain.log_x", mapping([("what", int(1)), ("when", int(2))]))]).unwrap();
    // In a tuple, by position.
    let root = map([("pair", tuple([record(), int(2)]))]);
    tried(&root, [set("pair", tuple([record(), int(3)]))]).unwrap();
    assert_eq!(refused(&root, [set("pair", tuple([int(3), record()]))]), at("pair.0.const_id", 'D'));
    // And by position where a map of numbers becomes a list, or a list one.
    let items = |items: Vec<Value>| Value::from(items);
    let root = map([("map", mapping([("0", record())])), ("list", items(vec![record()]))]);
    tried(&root, [set("map", items(vec![record()])), set("list", mapping([("0", record())]))]).unwrap();
    assert_eq!(refused(&root, [set("map", items(vec![int(1)]))]), at("map.0.const_id", 'D'));
    assert_eq!(refused(&root, [set("list", mapping([("0", int(1))]))]), at("list.0.const_id", 'D'));
}

#[test]
fn several_operations_hide_nothing() {
    let root = map([(
        "domain",
        mapping([("log_x", list(&[1, 2])), ("const_x", int(1)), ("list", Value::from(vec![int(1)]))]),
    )]);
    let domain = || root.get("domain").cloned().unwrap();
    // Moved or renamed.
    assert_eq!(refused(&root, [set("moved", domain()), delete("domain")]), at("moved.const_x", 'U'));
    assert_eq!(
        refused(&root, [set("domain.log_y", list(&[1, 2])), delete("domain.log_x")]),
        at("domain.log_x", 'D')
    );
    // Made in steps.
    let emptied = || set("domain", Value::Map(Map::new()));
    assert_eq!(refused(&root, [emptied(), set("domain.log_x", list(&[2]))]).1, 'U');
    assert_eq!(refused(&root, [emptied(), append("domain.log_x", int(3))]).1, 'U');
    assert_eq!(
        refused(&root, [delete("domain.const_x"), set("domain.const_x", int(1))]),
        at("domain.const_x", 'D')
    );
    assert_eq!(
        refused(
            &root,
            [
                merge("domain", map([("list", map([("a", int(1))]).into())])),
                set("domain.list.const_x", int(1))
            ]
        )
        .1,
        'U'
    );
    assert_eq!(refused(&root, [set("a", int(1)), set("a", mapping([("internal_x", int(1))]))]).1, 'U');
    // Where there was something else, taken away first.
    let ops = [delete("domain.list"), append("domain.list", mapping([("const_x", int(1))]))];
    assert_eq!(refused(&root, ops), at("domain.list.0.const_x", 'U'));
    let plain = map([("x", int(1))]);
    let ops = [delete("x"), append("x", mapping([("const_x", int(1))]))];
    assert_eq!(refused(&plain, ops), at("x.0.const_x", 'U'));
    // What made a place and took it away again leaves the maps above it.
    let ops = [set("const_box.x", int(1)), delete("const_box.x")];
    assert_eq!(refused(&plain, ops).1, 'U');
    // Together they leave it as it was, or longer.
    tried(&root, [set("domain.const_x", int(2)), set("domain.const_x", int(1))]).unwrap();
    tried(&root, [emptied(), set("domain", domain()), append("domain.log_x", int(3))]).unwrap();
    tried(&root, [append("domain.log_x", int(3)), append("domain.log_x", int(4))]).unwrap();
    tried(&root, [set("domain.log_y", list(&[1])), set("domain.log_y", list(&[2]))]).unwrap();
    tried(&root, [set("domain.log_y", list(&[1])), set("domain.log_y.0", int(2))]).unwrap();
    // What does not fit is not judged.
    let engine = Engine::builder().initial(root.clone()).build();
    let ops = [set("domain.const_x", int(1)), set("domain.const_x.below", int(1))];
    let refused = engine.compare_and_swap(1, ops.into_iter().collect()).unwrap_err();
    assert!(matches!(refused, Refusal::Apply { error: CommitError::Apply { .. }, .. }), "{refused}");
}

#[test]
fn a_merge_that_replaces_answers_for_what_it_replaces() {
    let record = || mapping([("const_x", int(1))]);
    let root = map([("a", mapping([("list", Value::from(vec![record()])), ("log_x", list(&[1]))]))]);
    let over = |key: &str| merge("a", map([(key, mapping([("b", int(1))]))]));
    assert_eq!(refused(&root, [over("list")]), at("a.list.0.const_x", 'D'));
    assert_eq!(refused(&root, [over("log_x")]), at("a.log_x", 'U'));
    tried(&root, [over("new")]).unwrap();
}

#[test]
fn the_refusal_says_who_what_where_and_the_way_out() {
    let root = map([("domain", mapping([("const_x", int(1)), ("log_x", list(&[1]))]))]);
    let engine = Engine::builder().initial(root).build();
    let mut update = Update::new();
    update.delete(path("domain.log_x"));
    let refusal = engine.compare_and_swap(1, update).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "Process 'compare_and_swap': DELETE capability required for path 'domain.log_x': it is in the log zone, where a \
         process has READ, APPEND; what it holds stays: append to it"
    );
    assert_eq!(refusal.path().as_deref(), Some("domain.log_x"));
    let Refusal::Violation(violation) = &refusal else { panic!("{refusal}") };
    assert_eq!(violation.hint(), Some("what it holds stays: append to it"));
    assert_eq!(violation.process(), "compare_and_swap");
}
