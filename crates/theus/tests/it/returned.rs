//! What a body returns against what its contract declares: every shape against no, one and many outputs.

use crate::stage::{contract, int, map, mapping, path, tuple};
use proptest::prelude::*;
use theus::{Contract, Path, Returned, StateUpdate, Update, Value, Violation, to_update};
use theus_testkit::{updates, values};
use theus_value::Op;

/// The operations, or the kind of violation, as a line.
fn mapped(outputs: &[&str], value: Value) -> String {
    mapped_under(&contract(&[], outputs), Returned::Value(value))
}

fn mapped_under(contract: &Contract, returned: Returned) -> String {
    match to_update("p", contract, returned) {
        Ok(wanted) => {
            let lines: Vec<String> = wanted.update.ops().iter().map(line).collect();
            lines.join(" ")
        }
        Err(Violation::Shape { .. }) => "misshaped".into(),
        Err(Violation::Write { path, .. }) => format!("denied {path}"),
        Err(Violation::Path { .. }) => "no path".into(),
        Err(other) => other.to_string(),
    }
}

fn line(op: &Op) -> String {
    match op {
        Op::Set { path, value } => format!("{path}={}", shown(value)),
        other => format!("{other:?}"),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Int(n) => n.to_string(),
        Value::Null => "null".into(),
        Value::Tuple(items) => format!("({})", items.iter().map(shown).collect::<Vec<_>>().join(",")),
        Value::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(",")),
        Value::Map(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, item)| format!("{key}:{}", shown(item))).collect();
            format!("{{{}}}", entries.join(","))
        }
        other => format!("{other:?}"),
    }
}

fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::from(items.to_vec())
}

#[test]
fn the_table() {
    let none: &[&str] = &[];
    let one = &["domain.a"];
    let two = &["domain.a", "domain.b"];
    let three = &["domain.a", "domain.b", "heavy.m"];
    let full = || mapping([("domain.a", int(1)), ("domain.b", int(2)), ("heavy.m", int(3))]);
    let last = || mapping([("a", int(1)), ("m", int(3)), ("other", int(9))]);
    let foreign = || mapping([("x", int(1))]);
    let rows: &[(&[&str], Value, &str)] = &[
        // No outputs: whatever it is, it is only handed back.
        (none, Value::Null, ""),
        (none, int(1), ""),
        (none, tuple([int(1)]), ""),
        (none, full(), ""),
        // None writes nothing.
        (one, Value::Null, ""),
        (two, Value::Null, ""),
        (three, Value::Null, ""),
        // One output: the entry of a mapping that names it, else the value itself.
        (one, int(1), "domain.a=1"),
        (one, tuple([int(1), int(2)]), "domain.a=(1,2)"),
        (one, list([int(1)]), "domain.a=[1]"),
        (one, full(), "domain.a=1"),
        (one, last(), "domain.a=1"),
        (one, foreign(), "domain.a={x:1}"),
        (one, mapping([]), "domain.a={}"),
        (one, mapping([("a", Value::Null)]), "domain.a=null"),
        // The full path goes before the last segment.
        (one, mapping([("a", int(2)), ("domain.a", int(1))]), "domain.a=1"),
        // Many outputs: by position.
        (two, tuple([int(1), int(2)]), "domain.a=1 domain.b=2"),
        (two, list([int(1), int(2)]), "domain.a=1 domain.b=2"),
        (two, tuple([Value::Null, int(2)]), "domain.b=2"),
        (two, tuple([Value::Null, Value::Null]), ""),
        (two, tuple([int(1)]), "misshaped"),
        (two, tuple([]), "misshaped"),
        (three, tuple([int(1), int(2)]), "misshaped"),
        (three, tuple([int(1), int(2), int(3)]), "domain.a=1 domain.b=2 heavy.m=3"),
        // By position a mapping is looked into as for one output.
        (two, tuple([mapping([("a", int(1))]), int(2)]), "domain.a=1 domain.b=2"),
        // Many outputs: by name.
        (two, full(), "domain.a=1 domain.b=2"),
        (three, full(), "domain.a=1 domain.b=2 heavy.m=3"),
        (three, last(), "domain.a=1 heavy.m=3"),
        (two, foreign(), "misshaped"),
        (two, mapping([]), ""),
        (two, int(1), "misshaped"),
        (two, Value::from("ab"), "misshaped"),
    ];
    for (outputs, value, expected) in rows {
        assert_eq!(mapped(outputs, value.clone()), *expected, "{outputs:?} returned {}", shown(value));
    }
}

#[test]
fn bare_roots_are_merged_key_by_key() {
    for root in ["domain", "domain_ctx"] {
        assert_eq!(mapped(&[root], mapping([("a", int(1)), ("b.c", int(2))])), "domain.a=1 domain['b.c']=2");
        assert_eq!(mapped(&[root], mapping([("domain", mapping([("a", int(1))]))])), "domain.a=1");
        assert_eq!(mapped(&[root], int(1)), "misshaped");
    }
    // Only the root's name alone means the root; beside others it is a key like them.
    let beside = mapping([("domain", mapping([])), ("a", int(1))]);
    assert_eq!(mapped(&["domain"], beside), "domain.domain={} domain.a=1");
    let both = &["domain", "heavy.m"];
    assert_eq!(mapped(both, mapping([("domain", mapping([("a", int(1))]))])), "domain.a=1");
    assert_eq!(mapped(both, tuple([mapping([("a", int(1))]), int(2)])), "domain.a=1 heavy.m=2");
    assert_eq!(mapped(both, mapping([("domain", mapping([])), ("m", int(2))])), "heavy.m=2");
    assert_eq!(mapped(both, mapping([("domain", mapping([]))])), "", "named, with nothing in it");
    assert_eq!(mapped(both, mapping([("domain", int(1))])), "misshaped");
}

#[test]
fn data_is_the_whole_state() {
    let value = mapping([("domain_ctx.a", int(1)), ("score", int(2))]);
    assert_eq!(mapped(&["data"], value), "domain.a=1 score=2");
    assert_eq!(mapped(&["data"], int(1)), "", "what is no mapping is ignored");
    assert_eq!(mapped(&["data"], mapping([("", int(1))])), "no path");
    assert_eq!(mapped(&["data.score"], mapping([("data.score", int(1))])), "score=1");
    assert_eq!(mapped(&["data", "heavy.m"], mapping([("data", mapping([("a", int(1))]))])), "a=1");
}

#[test]
fn an_output_may_be_named_as_it_was_declared() {
    for (output, key) in [
        ("domain_ctx.a", "domain_ctx.a"),
        ("domain['a']", "domain['a']"),
        ("domain['a']", "domain.a"),
        ("global_ctx.a", "global.a"),
    ] {
        let root = if output.starts_with("global") { "global" } else { "domain" };
        assert_eq!(mapped(&[output], mapping([(key, int(1))])), format!("{root}.a=1"));
        assert_eq!(mapped(&[output, "domain.z"], mapping([(key, int(1))])), format!("{root}.a=1"));
    }
}

#[test]
fn globs_take_mappings_by_full_path() {
    let glob = &["domain.user_*"];
    let fits = mapping([("domain.user_1", int(1)), ("domain_ctx.user_2.name", int(2))]);
    assert_eq!(mapped(glob, fits), "domain.user_1=1 domain.user_2.name=2");
    assert_eq!(mapped(glob, mapping([])), "");
    assert_eq!(mapped(glob, mapping([("domain.group", int(1))])), "misshaped");
    assert_eq!(mapped(glob, mapping([("a[", int(1))])), "no path");
    assert_eq!(mapped(glob, int(1)), "misshaped");
    // Beside other outputs, a key that is not under the glob is not its business.
    let mixed = mapping([("", int(0)), ("x", int(1)), ("domain.user_1", int(2)), ("b[", int(3))]);
    assert_eq!(mapped(&["domain.x", "domain.user_*"], mixed), "domain.x=1 domain.user_1=2");
}

#[test]
fn explicit_updates_need_a_grant() {
    let write = |text: &str| {
        let mut update = Update::new();
        update.set(path(text), int(1));
        Returned::Update(StateUpdate { update, assert_version: None })
    };
    let declared = contract(&[], &["domain.user"]);
    let omitted = Contract { outputs: None, parallel: true, ..Contract::default() };
    assert_eq!(mapped_under(&declared, write("domain.user.name")), "domain.user.name=1");
    assert_eq!(mapped_under(&declared, write("domain.users")), "denied domain.users");
    assert_eq!(mapped_under(&declared, write("domain")), "denied domain");
    assert_eq!(mapped_under(&declared, write("data")), "denied data");
    assert_eq!(mapped_under(&omitted, write("score")), "score=1");
    assert_eq!(
        mapped_under(&Contract { parallel: true, ..contract(&[], &[]) }, write("score")),
        "denied score"
    );
    assert_eq!(mapped_under(&Contract::default(), write("score")), "denied score", "omitted, not parallel");
    let undecorated = Contract { undecorated: true, ..omitted.clone() };
    assert_eq!(mapped_under(&undecorated, write("score")), "denied score");
    // Each leaf of a merge is judged.
    let mut update = Update::new();
    update.merge(path("domain"), map([("user", mapping([("a", int(1))])), ("b", int(2))]));
    let merge = Returned::Update(StateUpdate { update, assert_version: None });
    assert_eq!(mapped_under(&declared, merge), "denied domain.b");
    let mut update = Update::new();
    update.delete(path("domain.count"));
    let delete = Returned::Update(StateUpdate { update, assert_version: None });
    assert_eq!(mapped_under(&declared, delete), "denied domain.count");
}

#[test]
fn violations_name_the_process_the_path_and_the_forms() {
    let returned = Returned::Value(int(1));
    let error = to_update("split", &contract(&[], &["domain.a", "domain.b"]), returned).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("'split'") && text.contains("domain.b") && text.contains("a tuple or list"),
        "{text}"
    );
    assert_eq!((error.process(), error.path()), ("split", None));
    let mut update = Update::new();
    update.set(path("heavy.m"), int(1));
    let returned = Returned::Update(StateUpdate { update, assert_version: None });
    let error = to_update("split", &contract(&[], &["domain.a"]), returned).unwrap_err();
    assert!(error.to_string().contains("Write permission denied for path 'heavy.m'"), "{error}");
    assert_eq!(error.path(), Some("heavy.m"));
}

fn output() -> impl Strategy<Value = &'static str> {
    let all = ["a", "a.b", "b.c", "domain", "data", "domain.a*", "*", "heavy", "data.a", "domain_ctx.x"];
    proptest::sample::select(all.to_vec())
}

proptest! {
    /// The mapping is total, and never writes what was not declared.
    #[test]
    fn nothing_undeclared_is_ever_written(
        outputs in proptest::collection::vec(output(), 0..4),
        value in values::value(),
        update in updates::update(),
    ) {
        let contract = contract(&[], &outputs);
        for returned in [
            Returned::Value(value),
            Returned::Update(StateUpdate { update, assert_version: None }),
        ] {
            if let Ok(wanted) = to_update("p", &contract, returned) {
                let leaves = wanted.update.leaves();
                let covered = |leaf: &Path| contract.outputs.iter().flatten().any(|output| output.covers(leaf));
                prop_assert!(leaves.iter().all(covered), "{leaves:?} under {outputs:?}");
            }
        }
    }
}
