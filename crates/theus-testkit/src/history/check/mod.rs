//! [`Checker`]: says of each round of a history whether a strictly serializable store can have made it.
//!
//! What not: no search over orders. A row carries its version, so the order is known and the check costs O(n) in the
//! rows (and O(r log r) for r refusals, to bring them into that order). Only who made a version that nobody was told of
//! is worked out, among the operations of unknown end.
//!
//! Invariants: a round is judged from the state that the last one ended with; what is judged of a round is dropped
//! with it, so memory is bounded by the largest round. Beside the rows a version costs about 100 bytes while its
//! round is checked.

mod order;
mod refusal;
mod replay;
mod trail;
mod versions;

use super::finding::{Finding, Verdict};
use super::log::History;
use super::model::Model;
use super::row::Outcome;
use super::terrain::Terrain;
use replay::Replay;
use versions::Versions;

/// Judges rounds of one history, each from where the last one ended.
///
/// All clients of a round must have ended before the next one begins, and the round should end with a read of the
/// newest version: it shows what an operation of unknown end did last.
///
/// ```
/// use theus_testkit::history::{Checker, Clock, History, Log, Span, Terrain};
///
/// let (mut checker, mut log) = (Checker::new(Terrain::hot()), Log::default());
/// log.read(Span { invoked: 0, returned: 9 }, 0, 0);
/// let round = History { logs: vec![log], trail: None };
/// assert!(checker.round(&round).is_clean());
/// ```
#[derive(Clone, Debug)]
pub struct Checker {
    terrain: Terrain,
    version: u64,
    model: Model,
}

impl Checker {
    /// A checker of a store that begins empty, at version 0.
    pub fn new(terrain: Terrain) -> Self {
        let model = Model::new(&terrain);
        Self { terrain, version: 0, model }
    }

    /// The version at which the next round begins.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Judges a round and moves on to its end. After one that is not clean, judge no more rounds.
    pub fn round(&mut self, history: &History) -> Verdict {
        let mut verdict =
            Verdict { rows: history.logs.iter().map(|log| log.len()).sum(), ..Verdict::default() };
        let versions = Versions::of(history, self.version, &mut verdict);
        order::judge(history, &versions, &mut verdict);
        trail::judge(history, &versions, &mut verdict);
        let replayed = Replay::new(&self.terrain, history, &versions, self.model.clone()).run(&mut verdict);
        for (row, noted) in history.rows().filter(|(_, noted)| noted.outcome == Outcome::Read) {
            let made = versions.index(noted.version).and_then(|index| replayed.fingerprints.get(index));
            if made.is_some_and(|made| *made != noted.state) {
                verdict.add(Finding::TornState { row, version: noted.version });
            }
        }
        self.version = versions.newest();
        self.model = replayed.model;
        verdict
    }
}
