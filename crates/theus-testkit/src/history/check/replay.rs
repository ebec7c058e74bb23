//! [`Replay`]: makes the versions of a round again, one after another, and judges what depends on their states.
//!
//! What not: no time, but for this: an operation of unknown end can have made a version only if it had been called
//! before anybody returned with that version or a later one.
//!
//! Who made a version that nobody was told of is a guess among the operations of unknown end: those whose mode allows
//! it there and whose state fits what was read of it. Where a guess leads to a contradiction, others are tried (the
//! last [`GUESSES`] open ones, back to [`HORIZON`] versions). A guess that was once confirmed by a hash, and has no
//! alternative without a contradiction, stands, and the contradictions are reported.
//!
//! Invariant: a history without operations of unknown end is replayed once, without a guess.

use super::refusal;
use super::trail;
use super::versions::Versions;
use crate::history::finding::{Finding, Verdict};
use crate::history::log::{History, Log};
use crate::history::model::Model;
use crate::history::row::{Outcome, Row, RowId};
use crate::history::terrain::Terrain;
use theus_state::Isolation;

/// So many guesses are open at once; older ones stand as they are.
const GUESSES: usize = 4;
/// A contradiction so many versions after a guess is not blamed on it.
const HORIZON: usize = 256;

pub(super) struct Replay<'a> {
    terrain: &'a Terrain,
    history: &'a History,
    versions: &'a Versions,
    /// The refusals, by the version that they call current.
    refusals: Vec<RowId>,
    /// The operations of unknown end, by when they were called.
    unknown: Vec<RowId>,
    /// For each version what it wrote, the hash of its state, and who was found to have made it.
    written: Vec<u64>,
    fingerprints: Vec<u64>,
    found: Vec<Option<RowId>>,
    now: Moment,
    guesses: Vec<Guess>,
    /// What the next guess must be: this row, or nobody.
    forced: Option<Option<RowId>>,
}

/// Before the version at `index` is made.
#[derive(Clone)]
struct Moment {
    index: usize,
    model: Model,
    /// Operations of unknown end that may still have made a version.
    open: Vec<RowId>,
    next_unknown: usize,
    next_refusal: usize,
}

struct Guess {
    at: Moment,
    options: Vec<RowId>,
    next: usize,
    /// The first option after which a hash was right.
    confirmed: Option<RowId>,
}

/// What a replay leaves.
pub(super) struct Replayed {
    pub(super) model: Model,
    /// The hash of each state, as far as they are known.
    pub(super) fingerprints: Vec<u64>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(
        terrain: &'a Terrain,
        history: &'a History,
        versions: &'a Versions,
        model: Model,
    ) -> Self {
        let of = |outcome| -> Vec<RowId> {
            history.rows().filter(|(_, row)| row.outcome == outcome).map(|(id, _)| id).collect()
        };
        let (mut refusals, mut unknown) = (of(Outcome::Refused), of(Outcome::Unknown));
        refusals.retain(|id| versions.index(history.at(*id).1.version).is_some());
        refusals.sort_by_cached_key(|id| history.at(*id).1.version);
        unknown.sort_by_key(|id| history.at(*id).1.invoked);
        let count = versions.lines.len();
        let now = Moment { index: 0, model, open: vec![], next_unknown: 0, next_refusal: 0 };
        Self {
            terrain,
            history,
            versions,
            refusals,
            unknown,
            written: vec![0; count],
            fingerprints: vec![0; count],
            found: vec![None; count],
            now,
            guesses: vec![],
            forced: None,
        }
    }

    pub(super) fn run(mut self, verdict: &mut Verdict) -> Replayed {
        while self.now.index < self.versions.lines.len() {
            let mut found = Vec::new();
            let known = self.step(&mut found);
            if !found.is_empty() && self.retry() {
                continue;
            }
            found.into_iter().for_each(|finding| verdict.add(finding));
            if !known {
                verdict.unjudged_from = Some(self.versions.start + self.now.index as u64);
                self.report_gaps_after(verdict);
                break;
            }
            self.now.index += 1;
        }
        self.fingerprints.truncate(self.now.index);
        Replayed { model: self.now.model, fingerprints: self.fingerprints }
    }

    /// Makes one version; false if nobody can have made it.
    fn step(&mut self, found: &mut Vec<Finding>) -> bool {
        let index = self.now.index;
        self.guesses.retain(|guess| guess.at.index + HORIZON > index);
        if index > 0 && !self.make(index, found) {
            return false;
        }
        self.fingerprints[index] = self.now.model.fingerprint();
        self.judge_refusals(index, found);
        true
    }

    fn make(&mut self, index: usize, found: &mut Vec<Finding>) -> bool {
        let (history, version) = (self.history, self.versions.start + index as u64);
        let line = &self.versions.lines[index];
        let guess = if line.maker.is_none() { self.guess(index) } else { None };
        let Some(id) = line.maker.or(guess) else {
            found.push(Finding::Gap { version });
            return self.again(index, found);
        };
        let (log, row) = history.at(id);
        if line.maker.is_some() {
            found.extend(self.wrong_base(log, row, id));
        }
        self.found[index] = guess;
        self.written[index] = self.now.model.apply(self.terrain, log.writes(row), version);
        let print = self.now.model.fingerprint();
        if line.maker.is_some() && row.state != print {
            found.push(Finding::TornState { row: id, version });
        } else if line.maker.is_some() || line.seen == Some(print) {
            for guess in &mut self.guesses {
                guess.confirmed = guess.confirmed.or(Some(guess.options[guess.next - 1]));
            }
        }
        true
    }

    /// What is wrong with the base of a commit that is about to make the next version.
    fn wrong_base(&self, log: &Log, row: &Row, id: RowId) -> Option<Finding> {
        let (base, version) = (row.base, self.versions.start + self.now.index as u64);
        let changed = |places| self.now.model.changed(self.terrain, places, base);
        let path = |place| self.terrain.spot(place).path.clone();
        match row.mode {
            Isolation::Strict if base + 1 != version => Some(Finding::StaleBase { row: id, base, version }),
            Isolation::Strict => None,
            mode => {
                if let Some((place, by)) = changed(log.named(row)) {
                    return Some(Finding::LostUpdate { row: id, base, version, path: path(place), by });
                }
                let reads = if mode == Isolation::Serializable { row.reads } else { 0 };
                changed(reads).map(|(place, by)| Finding::WriteSkew {
                    row: id,
                    base,
                    version,
                    path: path(place),
                    by,
                })
            }
        }
    }

    fn judge_refusals(&mut self, index: usize, found: &mut Vec<Finding>) {
        let version = self.versions.start + index as u64;
        while let Some(id) = self.refusals.get(self.now.next_refusal).copied() {
            let (log, row) = self.history.at(id);
            if row.version != version {
                break;
            }
            let of_round = |version| self.versions.index(version).map(|index| self.written[index]);
            refusal::judge(self.terrain, &self.now.model, &of_round, (log, row, id), found);
            self.now.next_refusal += 1;
        }
    }

    /// Somebody who may have made the version at `index`.
    fn guess(&mut self, index: usize) -> Option<RowId> {
        let history = self.history;
        if let Some(forced) = self.forced.take() {
            self.now.open.retain(|id| Some(*id) != forced);
            return forced;
        }
        let line = &self.versions.lines[index];
        while let Some(id) = self.unknown.get(self.now.next_unknown)
            && history.at(*id).1.invoked <= line.after_commit.time
        {
            self.now.open.push(*id);
            self.now.next_unknown += 1;
        }
        let mut open = std::mem::take(&mut self.now.open);
        // Once too old, always too old.
        open.retain(|id| {
            let (log, row) = history.at(*id);
            self.wrong_base(log, row, *id).is_none()
                || row.mode == Isolation::Strict && row.base >= self.versions.start + index as u64
        });
        let version = self.versions.start + index as u64;
        let fits = |id: &RowId| {
            let (log, row) = history.at(*id);
            let named = history.trail.is_none() || trail::named(history, version) == Some(*id);
            named
                && self.wrong_base(log, row, *id).is_none()
                && line.seen.is_none_or(|seen| self.leads_to(log, row) == seen)
        };
        let options: Vec<RowId> = open.iter().copied().filter(fits).collect();
        self.now.open = open;
        let first = *options.first()?;
        if options.len() > 1 || line.seen.is_none() {
            if self.guesses.len() == GUESSES {
                self.guesses.remove(0);
            }
            self.guesses.push(Guess { at: self.now.clone(), options, next: 1, confirmed: None });
        }
        self.now.open.retain(|id| *id != first);
        Some(first)
    }

    fn leads_to(&self, log: &Log, row: &Row) -> u64 {
        let mut model = self.now.model.clone();
        model.apply(self.terrain, log.writes(row), 0);
        model.fingerprint()
    }

    /// Goes back to the last guess that has another option; false if the findings stand.
    fn retry(&mut self) -> bool {
        while let Some(mut guess) = self.guesses.pop() {
            if let Some(option) = guess.options.get(guess.next).copied() {
                self.now = guess.at.clone();
                self.forced = Some(Some(option));
                guess.next += 1;
                self.guesses.push(guess);
                return true;
            }
            if self.guesses.is_empty() {
                self.now = guess.at;
                self.forced = Some(guess.confirmed);
                return true;
            }
        }
        false
    }

    /// Looks for an operation of unknown end that took effect already and would explain the version at `index`.
    fn again(&mut self, index: usize, found: &mut Vec<Finding>) -> bool {
        let Some(seen) = self.versions.lines[index].seen else { return false };
        let (start, history) = (self.versions.start, self.history);
        let made = (0..).zip(&self.found[..index]).filter_map(|(first, id)| Some((first, (*id)?)));
        let twice = made
            .map(|(first, id)| (first, id, history.at(id)))
            .find(|(_, _, (log, row))| row.writes > 0 && self.leads_to(log, row) == seen);
        let Some((first, row, (log, noted))) = twice else { return false };
        let second = start + index as u64;
        self.written[index] = self.now.model.apply(self.terrain, log.writes(noted), second);
        found.push(Finding::AppliedTwice { row, first: start + first, second });
        true
    }

    fn report_gaps_after(&self, verdict: &mut Verdict) {
        let rest = (0..).zip(&self.versions.lines).skip(self.now.index + 1);
        let makers = rest.clone().filter(|(_, line)| line.maker.is_some()).map(|(index, _)| index).max();
        let missing = rest.filter(|(index, line)| line.maker.is_none() && Some(*index) < makers);
        // Some of them may be the work of the operations of unknown end that are left.
        let left = self.now.open.len() + self.unknown.len() - self.now.next_unknown;
        for (index, _) in missing.skip(left) {
            verdict.add(Finding::Gap { version: self.versions.start + index });
        }
    }
}
