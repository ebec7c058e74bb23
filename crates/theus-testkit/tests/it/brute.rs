//! The checker of histories against one that tries all orders of up to six operations on the slow twin of the store.

use proptest::prelude::*;
use std::collections::BTreeSet;
use theus_state::Isolation;
use theus_testkit::history::{
    Attempt, Checker, History, Holds, Log, Outcome, Row, Span, Terrain, Traffic, fingerprint,
};
use theus_testkit::tree::{Node, Place, Tree};
use theus_testkit::twin::{Step, Twin, Verdict};

/// So few places and values that different orders often lead to the same state.
fn terrain() -> Terrain {
    Terrain::new(&[("a", Holds::Map), ("a.x", Holds::Number), ("a.l", Holds::List), ("b", Holds::Number)])
}

fn state(terrain: &Terrain, twin: &Twin) -> u64 {
    let Tree::Node(node) = twin.newest() else { unreachable!("a state is a map") };
    fingerprint(terrain, &Tree::map(node))
}

fn step(terrain: &Terrain, attempt: &Attempt) -> Step {
    let places = |set: u64| (0..terrain.count() as u8).filter(move |at| set >> at & 1 == 1);
    Step {
        back: 0,
        isolation: attempt.mode,
        changes: attempt.writes.iter().map(|write| write.change(terrain)).collect(),
        reads: places(attempt.reads).map(|at| terrain.spot(at).place.clone()).collect(),
    }
}

/// A possible history: so many operations of as many clients, each taking effect somewhere between call and return.
fn possible(terrain: &Terrain, traffic: &mut Traffic, operations: u64) -> History {
    let mut twin = Twin::new(Node::new());
    let mut logs = vec![];
    for at in 0..operations {
        let (mut log, now) = (Log::default(), 100 + 10 * at);
        let span = Span { invoked: now - traffic.below(25), returned: now + traffic.below(25) };
        if traffic.once_in(3) {
            log.read(span, twin.version(), state(terrain, &twin));
            logs.push(log);
            continue;
        }
        let modes = [Isolation::Smart, Isolation::Strict, Isolation::Serializable];
        let mode = modes[traffic.below(3) as usize];
        let base = twin.version().saturating_sub(traffic.below(5) / 2);
        let mut attempt = Attempt::default();
        traffic.attempt(terrain, base, mode, &mut attempt);
        attempt.writes.iter_mut().for_each(|write| write.value %= 2);
        let forgotten = traffic.once_in(3);
        if !(forgotten && traffic.once_in(3)) {
            let verdict = twin.commit(base, &step(terrain, &attempt));
            if !forgotten {
                note(terrain, &mut log, span, &attempt, &twin, verdict);
            }
        }
        if forgotten {
            log.unknown(span.invoked, &attempt);
        }
        logs.push(log);
    }
    History { logs, trail: None }
}

fn note(terrain: &Terrain, log: &mut Log, span: Span, attempt: &Attempt, twin: &Twin, verdict: Verdict) {
    match verdict {
        Verdict::Committed(version) => log.committed(span, attempt, version, state(terrain, twin)),
        Verdict::Conflict(told) => {
            let path = |place: &Place| theus_testkit::tree::path(place);
            let told: Vec<_> = told
                .iter()
                .map(|(place, version)| theus_state::Conflict { path: path(place), version: *version })
                .collect();
            log.refused(terrain, span, attempt, twin.version(), &told);
        }
        Verdict::Unfit => unreachable!("each write fits"),
    }
}

/// Changes something of one row. What comes out may still be possible.
fn spoil(history: &mut History, traffic: &mut Traffic) {
    let states: Vec<u64> = history.rows().map(|(_, row)| row.state).collect();
    let at = traffic.below(history.logs.len() as u64) as usize;
    let Some(row) = history.logs[at].rows_mut().first_mut() else { return };
    let dice = traffic.below(8);
    match dice {
        0 => row.version = row.version.saturating_add_signed(if traffic.once_in(2) { 1 } else { -1 }),
        1 => row.base = row.base.saturating_add_signed(if traffic.once_in(2) { 1 } else { -1 }),
        2 => row.state = states[traffic.below(states.len() as u64) as usize],
        3 => row.state ^= 1,
        4 | 5 => {
            let later = traffic.below(80);
            let length = row.returned.saturating_sub(row.invoked);
            row.invoked = (row.invoked + later).saturating_sub(40);
            if row.outcome != Outcome::Unknown {
                row.returned = row.invoked + length;
            }
        }
        6 => drop(history.logs.remove(at)),
        _ => row.reads = traffic.some_of(0b11111),
    }
}

/// Whether there is an order of all operations, those of unknown end put in or left out, that the twin agrees to.
fn has_order(terrain: &Terrain, twin: &Twin, left: &[(&Log, Row)]) -> bool {
    if left.iter().all(|(_, row)| row.outcome == Outcome::Unknown) {
        return true;
    }
    let first_return = left.iter().map(|(_, row)| row.returned).min().unwrap_or(u64::MAX);
    (0..left.len()).any(|at| {
        let (log, row) = left[at];
        let mut after = twin.clone();
        let rest: Vec<_> =
            left.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, one)| *one).collect();
        row.invoked <= first_return
            && plays(terrain, &mut after, log, &row)
            && has_order(terrain, &after, &rest)
    })
}

fn plays(terrain: &Terrain, twin: &mut Twin, log: &Log, row: &Row) -> bool {
    if row.outcome == Outcome::Read {
        return row.version == twin.version() && row.state == state(terrain, twin);
    }
    let verdict = twin.commit(row.base, &step(terrain, &log.attempt(row)));
    match (row.outcome, verdict) {
        (Outcome::Unknown, Verdict::Committed(_)) => true,
        (Outcome::Committed, Verdict::Committed(made)) => {
            made == row.version && row.state == state(terrain, twin)
        }
        (Outcome::Refused, Verdict::Conflict(conflicts)) => {
            let conflicts: BTreeSet<(Place, u64)> = conflicts.into_iter().collect();
            let told =
                log.told(row).iter().map(|told| (terrain.spot(told.place).place.clone(), told.version));
            row.version == twin.version() && told.collect::<BTreeSet<_>>() == conflicts
        }
        _ => false,
    }
}

fn agree(seed: u64, operations: u64, spoilt: u64) -> (bool, bool) {
    let (terrain, mut traffic) = (terrain(), Traffic::new(seed));
    let mut history = possible(&terrain, &mut traffic, operations);
    for _ in 0..spoilt {
        if !history.logs.is_empty() {
            spoil(&mut history, &mut traffic);
        }
    }
    let rows: Vec<(&Log, Row)> = history.logs.iter().map(|log| (log, log.rows()[0])).collect();
    let brute = has_order(&terrain, &Twin::new(Node::new()), &rows);
    let verdict = Checker::new(terrain).round(&history);
    assert_eq!(verdict.is_clean(), brute, "seed {seed}: {:?}\n{history:#?}", verdict.findings);
    (brute, verdict.is_clean())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_possible_passes(seed: u64, operations in 1u64..=6) {
        prop_assert_eq!(agree(seed, operations, 0), (true, true));
    }

    #[test]
    fn the_checker_and_all_orders_agree(seed: u64, operations in 1u64..=6, spoilt in 1u64..=3) {
        agree(seed, operations, spoilt);
    }
}

#[test]
fn both_verdicts_are_common_among_the_spoilt() {
    let possible = (0..1_000).filter(|seed| agree(*seed, 6, 1).0).count();
    assert!((100..=900).contains(&possible), "{possible} of 1000 are possible");
}
