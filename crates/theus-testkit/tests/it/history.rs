//! The checker of histories finds each planted fault as what it is, and nothing in a good history; and its model of
//! the state means what the slow tree and the real maps mean.

use proptest::prelude::*;
use theus_state::{Isolation, Store};
use theus_testkit::history::{
    Checker, Fault, Finding, History, Load, Log, Model, Outcome, Row, RowId, Span, Terrain, Traffic, Verdict,
    fingerprint, record,
};
use theus_testkit::tree::{Node, Tree};
use theus_value::{Key, Map, Update, Value};

const MODES: [Isolation; 3] = [Isolation::Smart, Isolation::Strict, Isolation::Serializable];

fn recorded(modes: &[Isolation], forgets: u64, seed: u64) -> History {
    let load = Load { clients: 4, operations: 2_000, modes: modes.to_vec(), forgets, seed };
    record(&Store::new(Map::new()), &Terrain::hot(), &load)
}

fn judged(history: &History) -> Verdict {
    Checker::new(Terrain::hot()).round(history)
}

#[test]
fn a_good_history_passes_with_and_without_a_trail() {
    for forgets in [0, 7] {
        let mut history = recorded(&MODES, forgets, 1);
        assert_eq!(history.count(Outcome::Unknown, None) > 0, forgets > 0);
        assert_eq!(judged(&history).findings, []);
        history.trail = None;
        assert_eq!(judged(&history).findings, []);
    }
}

#[test]
fn each_fault_is_found_as_what_it_is() {
    let terrain = Terrain::hot();
    let (plain, forgetful) = (recorded(&MODES, 0, 2), recorded(&MODES, 20, 3));
    for fault in Fault::ALL {
        let good = if fault.needs_unknown() { &forgetful } else { &plain };
        for seed in 0..25 {
            let mut history = good.clone();
            assert!(fault.plant(&terrain, &mut history, seed), "there is no place for {fault:?}");
            let verdict = judged(&history);
            let found = verdict.findings.iter().any(|finding| fault.is_found_as(finding));
            assert!(found, "{fault:?} with seed {seed} was found as {:?}", verdict.findings);
        }
    }
}

#[test]
fn each_fault_is_in_the_table() {
    let table = include_str!("../../src/history/mod.rs");
    assert!(Fault::ALL.iter().all(|fault| table.contains(&format!("`{fault:?}`"))));
    assert_eq!(table.matches("//! | `").count(), Fault::ALL.len() - 1, "one line has two");
}

#[test]
fn findings_name_their_rows() {
    let terrain = Terrain::hot();
    let (plain, forgetful) = (recorded(&MODES, 0, 4), recorded(&MODES, 20, 5));
    for fault in Fault::ALL {
        let mut history = if fault.needs_unknown() { forgetful.clone() } else { plain.clone() };
        assert!(fault.plant(&terrain, &mut history, 6));
        let findings = judged(&history).findings;
        let found = findings.iter().find(|finding| fault.is_found_as(finding));
        let text = found.map(ToString::to_string).unwrap_or_default();
        assert!(text.contains("client") || text.contains("is missing"), "{fault:?}: {text:?}");
    }
}

#[test]
fn rounds_chain() {
    let (store, terrain) = (Store::new(Map::new()), Terrain::hot());
    let mut checker = Checker::new(terrain.clone());
    for seed in 0..5 {
        let load = Load { clients: 4, operations: 400, modes: MODES.to_vec(), forgets: 9, seed };
        let mut history = record(&store, &terrain, &load);
        history.trail = None;
        assert_eq!(checker.round(&history).findings, []);
        assert_eq!(checker.version(), store.version());
    }
    // A round on another store does not begin where this one has ended.
    assert!(!checker.round(&recorded(&MODES, 0, 7)).is_clean());
}

#[test]
fn a_log_that_overlaps_itself_is_found() {
    let mut log = Log::default();
    log.read(Span { invoked: 0, returned: 9 }, 0, 0);
    log.read(Span { invoked: 8, returned: 12 }, 0, 0);
    let found = judged(&History { logs: vec![log], trail: None }).findings;
    assert_eq!(found, [Finding::Disordered { row: RowId { client: 0, seq: 1 } }]);
}

#[test]
fn a_state_with_foreign_things_is_no_known_state() {
    let terrain = Terrain::hot();
    let state = |key: &str, value: Value| [(Key::from(key), value)].into_iter().collect::<Map>();
    let known = fingerprint(&terrain, &state("count", Value::from(1)));
    for foreign in
        [state("other", Value::from(1)), state("count", Value::Null), state("user", Value::from(1))]
    {
        let print = fingerprint(&terrain, &foreign);
        assert!(print != known && print != 0, "{foreign:?}");
    }
}

#[test]
fn a_row_is_small() {
    assert_eq!(size_of::<Row>(), 64);
    let history = recorded(&MODES, 50, 8);
    let (rows, bytes) = (history.rows().count(), history.logs.iter().map(Log::bytes).sum::<usize>());
    assert!(bytes <= rows * 96, "{bytes} bytes for {rows} rows");
}

proptest! {
    #[test]
    fn the_model_the_tree_and_the_maps_go_together(seed: u64, writes in 1usize..40) {
        let (terrain, mut traffic) = (Terrain::hot(), Traffic::new(seed));
        let (mut model, mut tree, mut map) = (Model::new(&terrain), Tree::Node(Node::new()), Map::new());
        for version in 1..=writes as u64 {
            let write = traffic.write(&terrain);
            let change = write.change(&terrain);
            let was_there = tree.find(&terrain.spot(write.place).place).is_some();
            let mut expected = change.written(&tree);
            prop_assert!(change.apply(&mut tree));
            let update: Update = [write.op(&terrain)].into_iter().collect();
            map = update.apply(&map).unwrap();
            let written = model.apply(&terrain, &[write], version);
            prop_assert_eq!(&Tree::of_map(&map), &tree);
            prop_assert_eq!(model.fingerprint(), fingerprint(&terrain, &map), "{:?}", write);
            let places = (0..terrain.count() as u8).filter(|at| written >> at & 1 == 1);
            let mut named: Vec<_> = places.map(|at| terrain.spot(at).place.clone()).collect();
            if matches!(change, theus_testkit::tree::Change::Delete(_)) && !was_there {
                expected.clear();
            }
            named.sort();
            expected.sort();
            prop_assert_eq!(named, expected);
        }
    }

    #[test]
    fn states_that_differ_have_other_fingerprints(seed: u64) {
        let (terrain, mut traffic) = (Terrain::hot(), Traffic::new(seed));
        let mut states: Vec<(Tree, u64)> = vec![];
        let mut map = Map::new();
        for _ in 0..30 {
            let mut write = traffic.write(&terrain);
            write.value %= 3;
            map = [write.op(&terrain)].into_iter().collect::<Update>().apply(&map).unwrap();
            states.push((Tree::of_map(&map), fingerprint(&terrain, &map)));
        }
        for (tree, print) in &states {
            prop_assert!(states.iter().all(|(other, its)| (other == tree) == (its == print)));
        }
    }
}
