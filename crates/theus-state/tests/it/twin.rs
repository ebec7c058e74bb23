//! The store against a slow obvious twin that keeps every version ever, and compares each written path with each
//! path written since. Planted bugs show that the comparison finds what it should.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};
use std::collections::BTreeMap;
use theus_state::{Commit, CommitError, Conflict, Isolation, Snapshot, Store};
use theus_value::{Key, List, Map, Op, Path, Update, Value};

/// What a state is, said as simply as possible.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Number(i64),
    List(Vec<i64>),
    Node(BTreeMap<String, Tree>),
}

#[derive(Clone, Debug)]
enum Change {
    Set(Vec<String>, Tree),
    Merge(Vec<String>, BTreeMap<String, Tree>),
    Append(Vec<String>, Vec<i64>),
    Delete(Vec<String>),
}

/// One commit, based so many versions back (below zero: ahead of the newest).
#[derive(Clone, Debug)]
struct Step {
    back: i64,
    isolation: Isolation,
    changes: Vec<Change>,
    reads: Vec<Vec<String>>,
}

/// Every version ever: its state, and the paths that its commit wrote as a whole.
struct Twin {
    versions: Vec<(Tree, Vec<Vec<String>>)>,
    first: u64,
}

/// What the twin says should happen.
#[derive(Debug, PartialEq)]
enum Verdict {
    Committed(u64),
    Conflict(Vec<(Vec<String>, u64)>),
    Unfit,
}

impl Twin {
    fn new(initial: Tree) -> Self {
        let first = u64::from(initial != Tree::Node(BTreeMap::new()));
        Self { versions: vec![(initial, vec![])], first }
    }

    fn version(&self) -> u64 {
        self.first + self.versions.len() as u64 - 1
    }

    fn newest(&self) -> &Tree {
        &self.versions[self.versions.len() - 1].0
    }

    fn changed_since(&self, path: &[String], base: u64) -> Option<u64> {
        let written = self.versions.iter().enumerate().rev().find(|(at, (_, written))| {
            self.first + *at as u64 > base
                && written.iter().any(|w| w.starts_with(path) || path.starts_with(w))
        });
        written.map(|(at, _)| self.first + at as u64)
    }

    fn commit(&mut self, base: u64, step: &Step) -> Verdict {
        let mut named: Vec<Vec<String>> = step.changes.iter().flat_map(written).collect();
        if step.isolation == Isolation::Serializable {
            named.extend(step.reads.iter().cloned());
        }
        let mut conflicts: Vec<(Vec<String>, u64)> = vec![];
        for path in named {
            if let Some(version) = self.changed_since(&path, base)
                && !conflicts.iter().any(|(known, _)| *known == path)
            {
                conflicts.push((path, version));
            }
        }
        if !conflicts.is_empty() || (step.isolation == Isolation::Strict && base != self.version()) {
            return Verdict::Conflict(conflicts);
        }
        let mut after = self.newest().clone();
        for change in &step.changes {
            if !apply(&mut after, change) {
                return Verdict::Unfit;
            }
        }
        let idle = |change: &Change| match change {
            Change::Delete(path) => find(self.newest(), path).is_none() && find(&after, path).is_none(),
            _ => false,
        };
        let written = step.changes.iter().filter(|change| !idle(change)).flat_map(written).collect();
        self.versions.push((after, written));
        Verdict::Committed(self.version())
    }
}

fn written(change: &Change) -> Vec<Vec<String>> {
    fn leaves(above: &[String], tree: &Tree, found: &mut Vec<Vec<String>>) {
        match tree {
            Tree::Node(below) if !below.is_empty() => below
                .iter()
                .for_each(|(key, tree)| leaves(&[above, std::slice::from_ref(key)].concat(), tree, found)),
            _ => found.push(above.to_vec()),
        }
    }
    match change {
        Change::Set(path, _) | Change::Append(path, _) | Change::Delete(path) => vec![path.clone()],
        Change::Merge(path, payload) => {
            let mut found = vec![];
            leaves(path, &Tree::Node(payload.clone()), &mut found);
            found
        }
    }
}

fn find<'a>(tree: &'a Tree, path: &[String]) -> Option<&'a Tree> {
    path.iter().try_fold(tree, |tree, key| match tree {
        Tree::Node(below) => below.get(key),
        _ => None,
    })
}

/// The place at `path`, made if absent; nothing if a number or list is in the way.
fn reach<'a>(tree: &'a mut Tree, path: &[String]) -> Option<&'a mut Tree> {
    path.iter().try_fold(tree, |tree, key| match tree {
        Tree::Node(below) => Some(below.entry(key.clone()).or_insert_with(|| Tree::Node(BTreeMap::new()))),
        _ => None,
    })
}

fn merge(tree: &mut Tree, payload: &BTreeMap<String, Tree>) {
    if !matches!(tree, Tree::Node(_)) {
        *tree = Tree::Node(BTreeMap::new());
    }
    let Tree::Node(below) = tree else { return };
    for (key, item) in payload {
        match (item, below.get_mut(key)) {
            (Tree::Node(deeper), Some(place @ Tree::Node(_))) => merge(place, deeper),
            _ => {
                below.insert(key.clone(), item.clone());
            }
        }
    }
}

fn apply(tree: &mut Tree, change: &Change) -> bool {
    match change {
        Change::Set(path, value) => reach(tree, path).map(|place| *place = value.clone()).is_some(),
        Change::Merge(path, payload) => reach(tree, path).map(|place| merge(place, payload)).is_some(),
        Change::Append(path, items) => {
            let absent = find(tree, path).is_none();
            match reach(tree, path) {
                Some(place) if absent => *place = Tree::List(items.clone()),
                Some(Tree::List(list)) => list.extend(items),
                _ => return false,
            }
            true
        }
        Change::Delete(path) => {
            let (last, above) = path.split_last().unwrap();
            if find(tree, path).is_some()
                && let Some(Tree::Node(below)) = reach(tree, above)
            {
                below.remove(last);
            }
            true
        }
    }
}

// The same things in the store's words.

fn path(segments: &[String]) -> Path {
    Path::from_segments(segments.iter().map(String::as_str))
}

fn value(tree: &Tree) -> Value {
    match tree {
        Tree::Number(n) => Value::from(*n),
        Tree::List(items) => Value::List(items.iter().copied().map(Value::from).collect::<List>()),
        Tree::Node(below) => Value::Map(map(below)),
    }
}

fn map(below: &BTreeMap<String, Tree>) -> Map {
    below.iter().map(|(key, tree)| (Key::from(key.as_str()), value(tree))).collect()
}

fn tree(value: &Value) -> Tree {
    match value {
        Value::Int(n) => Tree::Number(*n),
        Value::List(list) => {
            Tree::List(list.iter().map(|n| if let Value::Int(n) = n { *n } else { -1 }).collect())
        }
        Value::Map(map) => {
            Tree::Node(map.iter().map(|(key, value)| (key.to_string(), tree(value))).collect())
        }
        other => panic!("the twin knows no {}", other.kind()),
    }
}

fn commit(base: u64, step: &Step) -> Commit {
    let op = |change: &Change| match change {
        Change::Set(at, tree) => Op::Set { path: path(at), value: value(tree) },
        Change::Merge(at, payload) => Op::Merge { path: path(at), value: map(payload) },
        Change::Append(at, items) => {
            Op::Append { path: path(at), values: items.iter().copied().map(Value::from).collect() }
        }
        Change::Delete(at) => Op::Delete { path: path(at) },
    };
    let update: Update = step.changes.iter().map(op).collect();
    let reads = step.reads.iter().map(|read| path(read)).collect();
    Commit { base, update, isolation: step.isolation, reads }
}

/// What stands in the place of the store: the store itself, or one with a planted bug.
trait Subject {
    fn new(initial: Map) -> Self;
    fn snapshot(&self) -> Snapshot;
    fn commit(&mut self, commit: Commit) -> Result<u64, CommitError>;
}

impl Subject for Store {
    fn new(initial: Map) -> Self {
        Store::new(initial)
    }

    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }

    fn commit(&mut self, commit: Commit) -> Result<u64, CommitError> {
        Store::commit(self, commit).map(|committed| committed.version)
    }
}

/// Plays the steps to both and compares everything that can be seen.
fn agrees<S: Subject>(initial: &BTreeMap<String, Tree>, steps: &[Step]) -> TestCaseResult {
    let (mut store, mut twin) = (S::new(map(initial)), Twin::new(Tree::Node(initial.clone())));
    let mut kept = vec![store.snapshot()];
    for step in steps {
        let base = twin.version().saturating_add_signed(-step.back);
        let ours = store.commit(commit(base, step));
        let its = twin.commit(base, step);
        let ours = match ours {
            Ok(version) => Verdict::Committed(version),
            Err(CommitError::Apply { update, .. }) => {
                prop_assert_eq!(update, commit(base, step).update, "handed back");
                Verdict::Unfit
            }
            Err(CommitError::Conflict { update, base: told, current, conflicts, isolation }) => {
                prop_assert_eq!(update, commit(base, step).update, "handed back");
                prop_assert_eq!((told, current, isolation), (base, twin.version(), step.isolation));
                let plain =
                    |c: Conflict| (c.path.segments().iter().map(|s| s.to_string()).collect(), c.version);
                Verdict::Conflict(conflicts.into_iter().map(plain).collect())
            }
        };
        prop_assert_eq!(ours, its);
        kept.push(store.snapshot());
        let newest = &kept[kept.len() - 1];
        prop_assert_eq!(newest.version(), twin.version());
        prop_assert_eq!(&tree(&Value::Map(newest.root().clone())), twin.newest());
    }
    for snapshot in kept {
        let then = &twin.versions[(snapshot.version() - twin.first) as usize].0;
        prop_assert_eq!(&tree(&Value::Map(snapshot.root().clone())), then, "a snapshot changed");
    }
    Ok(())
}

fn any_place() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[ab]", 1..4)
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        3 => (0i64..100).prop_map(Tree::Number),
        1 => proptest::collection::vec(0i64..100, 0..3).prop_map(Tree::List)
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        proptest::collection::btree_map("[ab]", inner, 0..3).prop_map(Tree::Node)
    })
}

fn any_node() -> impl Strategy<Value = BTreeMap<String, Tree>> {
    proptest::collection::btree_map("[ab]", any_tree(), 0..3)
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any_place(), any_tree()).prop_map(|(at, tree)| Change::Set(at, tree)),
        2 => (any_place(), any_node()).prop_map(|(at, payload)| Change::Merge(at, payload)),
        1 => (any_place(), proptest::collection::vec(0i64..100, 0..3)).prop_map(|(at, items)| Change::Append(at, items)),
        2 => any_place().prop_map(Change::Delete),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let isolation = prop_oneof![
        4 => Just(Isolation::Smart),
        1 => Just(Isolation::Strict),
        2 => Just(Isolation::Serializable)
    ];
    let changes = proptest::collection::vec(any_change(), 0..3);
    let reads = proptest::collection::vec(any_place(), 0..3);
    (-1i64..5, isolation, changes, reads).prop_map(|(back, isolation, changes, reads)| Step {
        back,
        isolation,
        changes,
        reads,
    })
}

type Failure = TestError<(BTreeMap<String, Tree>, Vec<Step>)>;

fn run<S: Subject>(cases: u32) -> Result<(), Failure> {
    let strategy = (any_node(), proptest::collection::vec(any_step(), 1..30));
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut fixed = TestRunner::new_with_rng(config.clone(), rng);
    let fixed_seed = fixed.run(&strategy, |(initial, steps)| agrees::<S>(&initial, &steps));
    let fresh = || TestRunner::new(config).run(&strategy, |(initial, steps)| agrees::<S>(&initial, &steps));
    fixed_seed.and_then(|()| fresh())
}

#[test]
fn the_store_does_what_the_full_history_says() {
    run::<Store>(500).unwrap();
}

/// Plants: a commit wrongly refused by the store is pushed through when `FORGET` says so.
struct Planted<const FORGET: u8> {
    store: Store,
    /// Which version wrote which paths.
    written: Vec<(u64, Path)>,
}

/// Forgets that a change above a path is a change of the path.
const ANCESTORS: u8 = 0;
/// Forgets that a change below a path is a change of the path.
const DESCENDANTS: u8 = 1;
/// Forgets the reads.
const READS: u8 = 2;
/// Forgets deletions.
const DELETIONS: u8 = 3;

impl<const FORGET: u8> Planted<FORGET> {
    fn forgives(&self, conflict: &Conflict, commit: &Commit) -> bool {
        let mut since =
            self.written.iter().filter(|(version, w)| *version > commit.base && w.overlaps(&conflict.path));
        match FORGET {
            ANCESTORS => since.all(|(_, w)| !w.starts_with(&conflict.path)),
            DESCENDANTS => since.all(|(_, w)| !conflict.path.starts_with(w)),
            READS => !commit.update.leaves().contains(&conflict.path),
            _ => self.store.snapshot().get(&conflict.path).is_none(),
        }
    }
}

impl<const FORGET: u8> Subject for Planted<FORGET> {
    fn new(initial: Map) -> Self {
        Self { store: Store::new(initial), written: vec![] }
    }

    fn snapshot(&self) -> Snapshot {
        self.store.snapshot()
    }

    fn commit(&mut self, commit: Commit) -> Result<u64, CommitError> {
        let leaves = commit.update.leaves();
        let result = match self.store.commit(commit.clone()) {
            Err(CommitError::Conflict { conflicts, .. })
                if commit.isolation != Isolation::Strict
                    && conflicts.iter().all(|c| self.forgives(c, &commit)) =>
            {
                self.store.commit(Commit { base: u64::MAX, ..commit })
            }
            result => result,
        };
        let version = result?.version;
        self.written.extend(leaves.into_iter().map(|leaf| (version, leaf)));
        Ok(version)
    }
}

#[test]
fn planted_bugs_are_found() {
    for (name, found) in [
        ("forgotten ancestors", run::<Planted<ANCESTORS>>(500)),
        ("forgotten descendants", run::<Planted<DESCENDANTS>>(500)),
        ("forgotten reads", run::<Planted<READS>>(500)),
        ("forgotten deletions", run::<Planted<DELETIONS>>(500)),
    ] {
        assert!(matches!(found, Err(TestError::Fail(..))), "{name} went unnoticed");
    }
}
