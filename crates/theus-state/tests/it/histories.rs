//! Strict serializability of histories that real threads recorded, in all modes; stores with planted bugs are found.
//!
//! `THEUS_HISTORY_OPS` says how many operations (a million if it is not set), `THEUS_HISTORY_SEED` what they do. They
//! are done in rounds of [`ROUND`], each checked and dropped, so memory does not grow with their number.

use std::env;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};
use theus_state::{Commit, CommitError, Isolation, Snapshot, Store};
use theus_testkit::history::{Checker, Finding, Load, Outcome, Subject, Terrain, Verdict, record};
use theus_value::{Map, Path, Update};

use Isolation::{Serializable, Smart, Strict};

/// How many operations are recorded before they are checked.
const ROUND: usize = 100_000;
const CLIENTS: u32 = 4;
/// The tests that share the operations.
const SHARES: usize = 4;

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.replace('_', "").parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

fn seed() -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    number("THEUS_HISTORY_SEED").unwrap_or_else(now)
}

fn operations() -> usize {
    number("THEUS_HISTORY_OPS").map_or(1_000_000, |count| count as usize).div_ceil(SHARES)
}

/// Records and judges this test's share of operations.
fn is_strictly_serializable(modes: &[Isolation]) {
    let (store, terrain, seed) = (Store::new(Map::new()), Terrain::hot(), seed());
    let mut checker = Checker::new(terrain.clone());
    let (mut left, mut rows) = (operations(), 0);
    let mut ends = vec![(0, 0, 0); modes.len()];
    for round in 0.. {
        let operations = left.min(ROUND);
        let load =
            Load { clients: CLIENTS, operations, modes: modes.to_vec(), forgets: 50, seed: seed ^ round };
        let mut history = record(&store, &terrain, &load);
        for (mode, end) in modes.iter().zip(&mut ends) {
            let count = |outcome| history.count(outcome, Some(*mode));
            end.0 += count(Outcome::Committed);
            end.1 += count(Outcome::Refused);
            end.2 += count(Outcome::Unknown);
        }
        // With a trail the makers of versions nobody was told of are known; without, they are worked out.
        if round % 2 == 0 {
            history.trail = None;
        }
        let verdict = checker.round(&history);
        rows += verdict.rows;
        assert!(verdict.is_clean(), "{}", told(&verdict, seed, round));
        left -= operations;
        if left == 0 {
            break;
        }
    }
    assert_eq!(checker.version(), store.version());
    if rows > 10_000 {
        let all =
            |(committed, refused, unknown): &(usize, usize, usize)| *committed.min(refused).min(unknown) > 0;
        assert!(ends.iter().all(all), "each end of a commit is there in each mode: {ends:?}, seed {seed}");
    }
}

fn told(verdict: &Verdict, seed: u64, round: u64) -> String {
    let lines: Vec<String> = verdict.findings.iter().take(10).map(|finding| format!("  {finding}")).collect();
    let more = verdict.more + verdict.findings.len() - lines.len();
    format!(
        "THEUS_HISTORY_SEED={seed}, round {round}, {more} more findings than these:\n{}",
        lines.join("\n")
    )
}

#[test]
fn smart_histories_are_possible() {
    is_strictly_serializable(&[Smart]);
}

#[test]
fn strict_histories_are_possible() {
    is_strictly_serializable(&[Strict]);
}

#[test]
fn serializable_histories_are_possible() {
    is_strictly_serializable(&[Serializable]);
}

#[test]
fn histories_of_mixed_modes_are_possible() {
    is_strictly_serializable(&[Smart, Strict, Serializable]);
}

#[test]
fn an_observer_is_told_what_the_clients_did_in_the_order_of_versions() {
    let (store, terrain, seed) = (Store::new(Map::new()), Terrain::hot(), seed());
    let operations = 20_000;
    let observer = store.observe(2 * operations);
    let modes = vec![Smart, Strict, Serializable];
    let load = Load { clients: CLIENTS, operations, modes, forgets: 50, seed };
    let history = record(&store, &terrain, &load);
    for (version, id) in history.trail.clone().unwrap() {
        let event = observer.try_recv().unwrap().expect("an event for each version");
        let (log, row) = history.at(id);
        let did = (event.version, &*event.update);
        assert_eq!(
            did,
            (version, &log.attempt(row).commit(&terrain).update),
            "{id}, THEUS_HISTORY_SEED={seed}"
        );
    }
    assert!(observer.try_recv().unwrap().is_none());
    let verdict = Checker::new(terrain).round(&history);
    assert!(verdict.is_clean(), "{}", told(&verdict, seed, 0));
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    /// Forgets that a change above a path is a change of the path.
    Ancestors,
    /// Forgets that a change below a path is a change of the path.
    Descendants,
    /// The last writer wins.
    NoCheck,
    /// Forgets what was read.
    NoReads,
    /// Accepts any base in strict mode.
    AnyBase,
    /// Sometimes shows an older version.
    StaleReads,
    /// Publishes a version before its state.
    TornReads,
    /// Publishes an update's operations one by one.
    Piecemeal,
    /// Names the current version in each conflict.
    Slander,
    /// Tries again what it takes for lost.
    Twice,
    /// Answers that all went well, and does nothing.
    Swallows,
}

struct Planted {
    bug: Bug,
    store: Store,
    turn: Mutex<Turn>,
}

#[derive(Default)]
struct Turn {
    calls: u64,
    written: Vec<(u64, Path)>,
    old: Option<Snapshot>,
}

impl Planted {
    fn new(bug: Bug) -> Self {
        Self { bug, store: Store::new(Map::new()), turn: Mutex::default() }
    }

    /// What the bug makes of a conflict: pushed through, told otherwise, or left.
    fn conflicting(
        &self,
        turn: &Turn,
        again: Commit,
        mut error: CommitError,
    ) -> Result<Snapshot, CommitError> {
        let CommitError::Conflict { conflicts, current, .. } = &mut error else { return Err(error) };
        let since: Vec<&Path> =
            turn.written.iter().rev().take_while(|(at, _)| *at > again.base).map(|(_, path)| path).collect();
        let leaves = again.update.leaves();
        let forgiven = (again.isolation == Strict) == (self.bug == Bug::AnyBase)
            && conflicts.iter().all(|conflict| {
                let path = &conflict.path;
                match self.bug {
                    Bug::Ancestors => !since.iter().any(|written| written.starts_with(path)),
                    Bug::Descendants => !since.iter().any(|written| path.starts_with(written)),
                    Bug::NoCheck | Bug::AnyBase => true,
                    Bug::NoReads => !leaves.contains(path),
                    _ => false,
                }
            });
        if forgiven {
            return self
                .store
                .commit(Commit { base: u64::MAX, isolation: Smart, ..again })
                .map(|done| done.snapshot);
        }
        if self.bug == Bug::Slander {
            conflicts.iter_mut().for_each(|conflict| conflict.version = *current);
        }
        Err(error)
    }
}

impl Subject for Planted {
    fn snapshot(&self) -> (u64, Map) {
        let mut turn = self.turn.lock().unwrap();
        turn.calls += 1;
        let seen = self.store.snapshot();
        let shown = |seen: &Snapshot| (seen.version(), seen.root().clone());
        let old = if turn.calls.is_multiple_of(16) { turn.old.replace(seen.clone()) } else { None };
        match (self.bug, old) {
            (Bug::StaleReads, Some(old)) => shown(&old),
            (Bug::TornReads, Some(old)) => (seen.version(), old.root().clone()),
            _ => shown(&seen),
        }
    }

    fn commit(&self, commit: Commit) -> Result<(u64, Map), CommitError> {
        let mut turn = self.turn.lock().unwrap();
        turn.calls += 1;
        let again = commit.clone();
        let rare = turn.calls.is_multiple_of(16);
        let mut done = match (self.bug, &again.update.ops()) {
            (Bug::Piecemeal, [first, rest @ ..]) if !rest.is_empty() => {
                let first: Update = [first.clone()].into_iter().collect();
                let rest: Update = rest.iter().cloned().collect();
                self.store.commit(Commit { update: first, ..commit })?;
                self.store.commit(Commit::new(u64::MAX, rest)).map(|done| done.snapshot)
            }
            (Bug::Swallows, _) if rare => self.store.snapshot().advance(commit),
            _ => self.store.commit(commit).map(|done| done.snapshot),
        };
        let leaves = again.update.leaves();
        done = match done {
            Err(error) => self.conflicting(&turn, again, error),
            Ok(_) if self.bug == Bug::Twice && rare => {
                let again = Commit { base: u64::MAX, isolation: Smart, ..again };
                self.store.commit(again).map(|done| done.snapshot)
            }
            done => done,
        };
        let made = done?;
        turn.written.extend(leaves.into_iter().map(|leaf| (made.version(), leaf)));
        Ok((made.version(), made.root().clone()))
    }
}

/// Whether a finding is the one that a bug must lead to.
type Expected = fn(&Finding) -> bool;

#[test]
fn planted_bugs_are_found_in_histories() {
    let is_found: [(Bug, Expected); 11] = [
        (Bug::Ancestors, |finding| matches!(finding, Finding::LostUpdate { .. })),
        (Bug::Descendants, |finding| matches!(finding, Finding::LostUpdate { .. })),
        (Bug::NoCheck, |finding| matches!(finding, Finding::LostUpdate { .. })),
        (Bug::NoReads, |finding| matches!(finding, Finding::WriteSkew { .. })),
        (Bug::AnyBase, |finding| matches!(finding, Finding::StaleBase { .. })),
        (Bug::StaleReads, |finding| matches!(finding, Finding::StaleRead { .. })),
        (Bug::TornReads, |finding| matches!(finding, Finding::TornState { .. })),
        (Bug::Piecemeal, |finding| matches!(finding, Finding::Gap { .. })),
        (Bug::Slander, |finding| matches!(finding, Finding::FalseConflict { .. })),
        (Bug::Twice, |finding| matches!(finding, Finding::Gap { .. })),
        (Bug::Swallows, |finding| matches!(finding, Finding::Duplicate { .. })),
    ];
    for (bug, is_found) in is_found {
        let (terrain, seed) = (Terrain::hot(), seed());
        let modes = vec![Smart, Strict, Serializable];
        let load = Load { clients: CLIENTS, operations: 4_000, modes, forgets: 0, seed };
        let mut history = record(&Planted::new(bug), &terrain, &load);
        history.trail = None;
        let verdict = Checker::new(terrain).round(&history);
        let found = verdict.findings.iter().any(is_found);
        assert!(found, "{bug:?} went unnoticed or was found as something else: {}", told(&verdict, seed, 0));
    }
}
