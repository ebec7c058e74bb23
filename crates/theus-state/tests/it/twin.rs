//! The store against the testkit's slow obvious twin. Planted bugs show that the comparison finds what it should.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};
use theus_state::{Commit, CommitError, Conflict, Isolation, Snapshot, Store};
use theus_testkit::tree::{Node, Tree};
use theus_testkit::twin::{Step, Twin, Verdict};
use theus_value::{Map, Path};

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
fn agrees<S: Subject>(initial: &Node, steps: &[Step]) -> TestCaseResult {
    let (mut store, mut twin) = (S::new(Tree::map(initial)), Twin::new(initial.clone()));
    let mut kept = vec![store.snapshot()];
    for step in steps {
        let base = twin.version().saturating_add_signed(-step.back);
        let ours = store.commit(step.commit(base));
        let its = twin.commit(base, step);
        let ours = match ours {
            Ok(version) => Verdict::Committed(version),
            Err(CommitError::Apply { update, .. }) => {
                prop_assert_eq!(update, step.commit(base).update, "handed back");
                Verdict::Unfit
            }
            Err(CommitError::Conflict { update, base: told, current, conflicts, isolation }) => {
                prop_assert_eq!(update, step.commit(base).update, "handed back");
                prop_assert_eq!((told, current, isolation), (base, twin.version(), step.isolation));
                let plain =
                    |c: Conflict| (c.path.segments().iter().map(|s| s.to_string()).collect(), c.version);
                Verdict::Conflict(conflicts.into_iter().map(plain).collect())
            }
            Err(error @ CommitError::Busy { .. }) => panic!("{error}"),
        };
        prop_assert_eq!(ours, its);
        kept.push(store.snapshot());
        let newest = &kept[kept.len() - 1];
        prop_assert_eq!(newest.version(), twin.version());
        prop_assert_eq!(&Tree::of_map(newest.root()), twin.newest());
    }
    for snapshot in kept {
        let then = twin.at(snapshot.version());
        prop_assert_eq!(&Tree::of_map(snapshot.root()), then, "a snapshot changed");
    }
    Ok(())
}

type Failure = TestError<(Node, Vec<Step>)>;

fn run<S: Subject>(cases: u32) -> Result<(), Failure> {
    let strategy = (Tree::any_node(), proptest::collection::vec(Step::any(), 1..30));
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
