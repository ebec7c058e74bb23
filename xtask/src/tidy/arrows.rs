//! Rule: a crate depends only on what the table of ARCHITECTURE.md allows, so that layers stay layers.
//!
//! Both kinds of arrows are judged: between our crates, and from our crates to the outside worlds that have
//! one door each. Tests may use more: the testkit, and any outside world.

use std::process::Command;

use serde_json::Value;

use super::Finding;
use crate::step;
use crate::tree::Tree;

/// Each crate and the crates of ours it may depend on.
const TABLE: [(&str, &[&str]); 16] = [
    ("theus-sync", &[]),
    ("theus-value", &[]),
    ("theus-yaml", &["theus-value"]),
    ("theus-state", &["theus-value", "theus-sync"]),
    ("theus-audit", &["theus-value", "theus-yaml"]),
    ("theus-shm", &["theus-sync"]),
    ("theus-signal", &["theus-value", "theus-sync"]),
    ("theus-pool", &["theus-value", "theus-sync", "theus-shm"]),
    ("theus-flow", &["theus-value", "theus-yaml"]),
    (
        "theus",
        &[
            "theus-value",
            "theus-sync",
            "theus-state",
            "theus-audit",
            "theus-shm",
            "theus-signal",
            "theus-pool",
            "theus-flow",
        ],
    ),
    ("theus-ffi", &["theus"]),
    (
        "theus-py",
        &["theus", "theus-ffi", "theus-value", "theus-state", "theus-audit", "theus-shm", "theus-pool"],
    ),
    ("libtheus", &["theus-ffi"]),
    (
        "theus-testkit",
        &["theus-value", "theus-sync", "theus-state", "theus-audit", "theus-shm", "theus-pool", "theus"],
    ),
    // The program whose instructions are counted.
    ("theus-counts", &["theus-value", "theus-state"]),
    ("xtask", &[]),
];

/// Outside worlds and the crates that are their door.
const DOORS: [(&str, &[&str]); 7] = [
    ("libc", &["theus-shm", "theus-pool"]),
    ("loom", &["theus-sync"]),
    ("memmap2", &["theus-shm", "theus-pool"]),
    ("pyo3", &["theus-py"]),
    ("saphyr-parser", &["theus-yaml"]),
    ("shuttle", &["theus-sync"]),
    ("tokio", &["theus-signal"]),
];

const TESTKIT: &str = "theus-testkit";

/// An arrow of a crate's manifest.
struct Arrow<'a> {
    from: &'a str,
    to: &'a str,
    for_tests: bool,
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let metadata = ["metadata", "--no-deps", "--format-version", "1"];
    let text = match step::capture(Command::new("cargo").args(metadata).current_dir(&tree.root)) {
        Ok(text) => text,
        Err(failure) => return vec![Finding::new("Cargo.toml", 0, failure.to_string())],
    };
    match serde_json::from_str(&text) {
        Ok(metadata) => judge(&metadata),
        Err(error) => vec![Finding::new("Cargo.toml", 0, format!("cargo metadata is not JSON: {error}"))],
    }
}

fn judge(metadata: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in members(&metadata["packages"]) {
        let name = word(&package["name"]);
        if !TABLE.iter().any(|(known, _)| *known == name) {
            findings
                .push(finding(name, "the crate is not in the table of arrows: add it there with its reason"));
            continue;
        }
        for dependency in members(&package["dependencies"]) {
            let for_tests = dependency["kind"] == "dev";
            let arrow = Arrow { from: name, to: word(&dependency["name"]), for_tests };
            let own = !dependency["path"].is_null();
            let refusal = if own { wrong_arrow(&arrow) } else { wrong_door(&arrow) };
            findings.extend(refusal.map(|message| finding(name, &message)));
        }
    }
    findings
}

fn wrong_arrow(arrow: &Arrow<'_>) -> Option<String> {
    let Arrow { from, to, for_tests } = arrow;
    let (_, allowed) = TABLE.iter().find(|(known, _)| known == from)?;
    let fits = allowed.contains(to) || *for_tests && *to == TESTKIT;
    (!fits).then(|| {
        format!("{from} must not depend on {to}: the type belongs in theus-value, or the trait to the caller")
    })
}

fn wrong_door(arrow: &Arrow<'_>) -> Option<String> {
    let Arrow { from, to, for_tests } = arrow;
    let (_, doors) = DOORS.iter().find(|(world, _)| world == to)?;
    let fits = doors.contains(from) || *for_tests || *from == TESTKIT;
    (!fits).then(|| format!("{from} must not depend on {to}: its only door is {}", doors.join(", ")))
}

fn finding(package: &str, message: &str) -> Finding {
    let folder = match package {
        "xtask" => package.to_owned(),
        "theus-counts" => "benches/counts".to_owned(),
        _ => format!("crates/{package}"),
    };
    Finding::new(format!("{folder}/Cargo.toml"), 0, message)
}

fn members(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{DOORS, TABLE, judge};

    fn messages(package: &str, dependencies: serde_json::Value) -> Vec<String> {
        let metadata = json!({"packages": [{"name": package, "dependencies": dependencies}]});
        judge(&metadata).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sideways_arrow_is_found() {
        let found = messages("theus-state", json!([{"name": "theus-audit", "kind": null, "path": "x"}]));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("crates/theus-state/Cargo.toml: theus-state must not depend on theus-audit")
        );
    }

    #[test]
    fn an_upward_arrow_is_found_in_tests_too() {
        assert_eq!(messages("theus-value", json!([{"name": "theus", "kind": "dev", "path": "x"}])).len(), 1);
    }

    #[test]
    fn an_outside_world_is_found_where_it_has_no_door() {
        assert_eq!(messages("theus-state", json!([{"name": "libc", "kind": null, "path": null}])).len(), 1);
        assert!(messages("theus-shm", json!([{"name": "libc", "kind": null, "path": null}])).is_empty());
        assert!(messages("theus-state", json!([{"name": "libc", "kind": "dev", "path": null}])).is_empty());
    }

    #[test]
    fn arrows_of_the_table_and_the_testkit_pass() {
        let allowed = json!([
            {"name": "theus-value", "kind": null, "path": "x"},
            {"name": "theus-testkit", "kind": "dev", "path": "x"},
            {"name": "proptest", "kind": "dev", "path": null},
        ]);
        assert!(messages("theus-state", allowed).is_empty());
    }

    #[test]
    fn an_unknown_crate_is_found() {
        assert_eq!(messages("theus-attic", json!([])).len(), 1);
    }

    #[test]
    fn the_table_names_only_crates_it_knows_and_has_no_circle() {
        let known: Vec<&str> = TABLE.iter().map(|(name, _)| *name).collect();
        for (index, (name, allowed)) in TABLE.iter().enumerate() {
            assert!(
                allowed.iter().all(|other| known[..index].contains(other)),
                "{name} points to a later row"
            );
        }
        assert!(DOORS.iter().flat_map(|(_, doors)| *doors).all(|door| known.contains(door)));
    }
}
