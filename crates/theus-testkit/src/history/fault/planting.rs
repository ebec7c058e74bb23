//! [`Planting`]: where in a history a fault can be, and what has to be changed for it.
//!
//! What not: no choice of the row. Invariants: the trail given is that of the good history, so it says who made which
//! version; where a fault cannot be, nothing is changed.

use super::Fault;
use crate::history::log::History;
use crate::history::model::Model;
use crate::history::row::{Outcome, Row, RowId};
use crate::history::terrain::{Terrain, bits};
use crate::history::write::Action;
use theus_state::Isolation;

pub(super) struct Planting<'a> {
    pub(super) terrain: &'a Terrain,
    pub(super) history: &'a mut History,
    pub(super) trail: Vec<(u64, RowId)>,
    pub(super) bit: u64,
}

impl Planting<'_> {
    /// Plants at this row, if it can be there.
    pub(super) fn at(&mut self, fault: Fault, id: RowId) -> bool {
        let row = *self.history.at(id).1;
        let done = match row.outcome {
            Outcome::Read => self.read(fault, &row),
            Outcome::Committed => match fault {
                Fault::DroppedCommit | Fault::DuplicatedCommit => return self.rewrite(fault, id, &row),
                Fault::VersionGap => return self.leave_gap(row.version),
                Fault::LostCommit => return self.lose(id, &row),
                Fault::RecordMissing | Fault::RecordsSwapped => return self.trail(fault, row.version),
                Fault::SwappedVersions => return self.swap(id, &row),
                _ => self.commit(fault, id, &row),
            },
            Outcome::Refused => match fault {
                Fault::FalseConflict => return self.blame(id, &row),
                _ => self.refusal(fault, &row),
            },
            Outcome::Unknown => return fault.needs_unknown() && self.twice(fault, id),
        };
        let Some(changed) = done else { return false };
        self.history.logs[id.client as usize].rows[id.seq as usize] = changed;
        true
    }

    fn read(&self, fault: Fault, row: &Row) -> Option<Row> {
        let (version, state) = match fault {
            Fault::TornRead => (row.version, row.state ^ 1 << self.bit),
            Fault::NeverMade => (row.version + 1_000_000, row.state),
            Fault::StaleRead => {
                let known = self.newest(row.version, |commit| commit.returned < row.invoked)?;
                let before = self.made(known.version - 1)?;
                (before.version, before.state)
            }
            Fault::FutureRead => {
                let later = self.newest(u64::MAX, |commit| commit.invoked > row.returned)?;
                (later.version, later.state)
            }
            _ => return None,
        };
        Some(Row { version, state, ..*row })
    }

    fn commit(&self, fault: Fault, id: RowId, row: &Row) -> Option<Row> {
        let base = match (fault, row.mode) {
            (Fault::TornCommit, _) => return Some(Row { state: row.state ^ 1 << self.bit, ..*row }),
            (Fault::VersionReused, _) => return Some(Row { version: 0, ..*row }),
            (Fault::EarlyCommit, _) => {
                let rival = self.newest(row.version - 1, |rival| rival.invoked > 0)?;
                let early = rival.invoked - 1;
                return Some(Row { invoked: early, returned: early, ..*row });
            }
            (Fault::StrictStale, Isolation::Strict) => row.base.checked_sub(1)?,
            (Fault::LostUpdate, Isolation::Smart | Isolation::Serializable) => {
                self.writer(row.version, self.history.at(id).0.named(row))? - 1
            }
            (Fault::WriteSkew, Isolation::Serializable) => {
                let by = self.writer(row.version, row.reads)?;
                let named = self.history.at(id).0.named(row);
                let hit = (by..row.version).any(|version| self.touches(version, named));
                return (!hit).then_some(Row { base: by - 1, ..*row });
            }
            _ => return None,
        };
        Some(Row { base, ..*row })
    }

    fn refusal(&self, fault: Fault, row: &Row) -> Option<Row> {
        match fault {
            Fault::UntoldConflict if row.told > 0 => Some(Row { told: row.told - 1, ..*row }),
            Fault::NeedlessRefusal => Some(Row { told: 0, base: row.version, ..*row }),
            Fault::StaleRefusal => {
                let known = self.newest(row.version, |commit| commit.returned < row.invoked)?;
                Some(Row { version: known.version - 1, ..*row })
            }
            Fault::FutureRefusal => {
                let later = self.newest(u64::MAX, |commit| commit.invoked > row.returned)?;
                Some(Row { version: later.version, ..*row })
            }
            _ => None,
        }
    }

    /// Takes a commit out, or puts it in twice.
    fn rewrite(&mut self, fault: Fault, id: RowId, row: &Row) -> bool {
        if row.version == self.trail.len() as u64 {
            return false;
        }
        let rows = &mut self.history.logs[id.client as usize].rows;
        if fault == Fault::DroppedCommit {
            rows.remove(id.seq as usize);
        } else {
            rows.insert(id.seq as usize + 1, Row { invoked: row.returned, ..*row });
        }
        true
    }

    fn leave_gap(&mut self, version: u64) -> bool {
        if version == self.trail.len() as u64 {
            return false;
        }
        let shift = |number: &mut u64| *number += u64::from(*number > version);
        for log in &mut self.history.logs {
            for row in &mut log.rows {
                shift(&mut row.version);
                shift(&mut row.base);
            }
            log.told.iter_mut().for_each(|told| shift(&mut told.version));
        }
        true
    }

    fn swap(&mut self, id: RowId, row: &Row) -> bool {
        let Some(&(_, next)) = self.trail.get(row.version as usize) else { return false };
        let other = *self.history.at(next).1;
        if other.outcome != Outcome::Committed || row.returned >= other.invoked {
            return false;
        }
        // Whoever saw the version before its commit had returned would be the first to contradict the exchange.
        let seen_early = |seen: &Row| {
            seen.outcome != Outcome::Committed && seen.version == row.version && seen.returned < row.returned
        };
        if self.history.logs.iter().any(|log| log.rows.iter().any(seen_early)) {
            return false;
        }
        for (id, row, other) in [(id, *row, other), (next, other, *row)] {
            let changed = Row { version: other.version, state: other.state, ..row };
            self.history.logs[id.client as usize].rows[id.seq as usize] = changed;
        }
        true
    }

    /// Makes all states anew without one commit.
    fn lose(&mut self, lost: RowId, row: &Row) -> bool {
        let mut states = vec![0];
        let mut model = Model::new(self.terrain);
        for &(version, id) in &self.trail {
            let (log, row) = self.history.at(id);
            if id != lost {
                model.apply(self.terrain, log.writes(row), version);
            }
            states.push(model.fingerprint());
        }
        if states[row.version as usize] == row.state {
            return false;
        }
        for log in &mut self.history.logs {
            let seen = |row: &&mut Row| matches!(row.outcome, Outcome::Read | Outcome::Committed);
            log.rows.iter_mut().filter(seen).for_each(|row| row.state = states[row.version as usize]);
        }
        true
    }

    fn blame(&mut self, id: RowId, row: &Row) -> bool {
        let Some(told) = self.history.at(id).0.told(row).first().copied() else { return false };
        let innocent = |version: &u64| !self.touches(*version, 1 << told.place);
        let Some(version) = (row.base + 1..=row.version).find(innocent) else { return false };
        self.history.logs[id.client as usize].told[row.first_told as usize].version = version;
        true
    }

    fn twice(&mut self, fault: Fault, id: RowId) -> bool {
        if !self.trail.iter().any(|(_, made)| *made == id) {
            return false;
        }
        let mut model = Model::new(self.terrain);
        for &(version, id) in &self.trail {
            let (log, row) = self.history.at(id);
            model.apply(self.terrain, log.writes(row), version);
        }
        let (version, before) = (self.trail.len() as u64 + 1, model.fingerprint());
        let (log, row) = self.history.at(id);
        model.apply(self.terrain, log.writes(row), version);
        let Some(last) = self.history.logs.last_mut().filter(|_| model.fingerprint() != before) else {
            return false;
        };
        let Some(read) = last.rows.last().copied() else { return false };
        let after = Row { invoked: read.returned, version, state: model.fingerprint(), ..read };
        last.rows.push(after);
        if fault == Fault::RecordTwice {
            self.trail.push((version, id));
            self.history.trail = Some(self.trail.clone());
        }
        true
    }

    fn trail(&mut self, fault: Fault, version: u64) -> bool {
        let at = version as usize - 1;
        if fault == Fault::RecordMissing {
            self.trail.remove(at);
        } else {
            let Some(next) = self.trail.get(at + 1).map(|(_, id)| *id) else { return false };
            let first = std::mem::replace(&mut self.trail[at].1, next);
            self.trail[at + 1].1 = first;
        }
        self.history.trail = Some(self.trail.clone());
        true
    }

    /// The acknowledged commit that made a version.
    fn made(&self, version: u64) -> Option<&Row> {
        let (_, id) = self.trail.get(version.checked_sub(1)? as usize)?;
        let (_, row) = self.history.at(*id);
        (row.outcome == Outcome::Committed).then_some(row)
    }

    /// The newest acknowledged commit up to a version that is so.
    fn newest(&self, version: u64, is_so: impl Fn(&Row) -> bool) -> Option<&Row> {
        let most = version.min(self.trail.len() as u64);
        (2..=most).rev().filter_map(|version| self.made(version)).find(|row| is_so(row))
    }

    /// The newest version below one that for certain wrote one of these places.
    fn writer(&self, version: u64, places: u64) -> Option<u64> {
        (1..version).rev().take(1000).find(|earlier| self.written(*earlier, places, false))
    }

    /// Whether a version may have written one of these places.
    fn touches(&self, version: u64, places: u64) -> bool {
        self.written(version, places, true)
    }

    fn written(&self, version: u64, places: u64, deletions_too: bool) -> bool {
        let Some((_, id)) = self.trail.get(version as usize - 1) else { return false };
        let (log, row) = self.history.at(*id);
        let writes = log.writes(row).iter().filter(|write| deletions_too || write.action != Action::Delete);
        let named = writes.fold(0, |all, write| all | write.named());
        bits(named).any(|at| self.terrain.spot(at).overlaps & places != 0)
    }
}
