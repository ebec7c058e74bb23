//! [`Versions`]: for each version of a round who made it, and who had returned first with it or with a later one.
//!
//! What not: no state. Invariant: the versions are dense from the one at which the round began, which nobody in it
//! made; rows with a version outside are reported and take no part in the rest of the check.

use crate::history::finding::{Finding, Verdict};
use crate::history::log::History;
use crate::history::row::{Outcome, Row, RowId};

/// The first return among some rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    pub(super) time: u64,
    pub(super) row: RowId,
}

impl Bound {
    const NONE: Bound = Bound { time: u64::MAX, row: RowId { client: u32::MAX, seq: u32::MAX } };

    fn min(self, other: Bound) -> Bound {
        if other.time < self.time { other } else { self }
    }
}

/// One version.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Who was told that it made it.
    pub(super) maker: Option<RowId>,
    /// The hash of its state, as one read of it says.
    pub(super) seen: Option<u64>,
    /// The first return among those that saw it or anything later.
    pub(super) after_commit: Bound,
    /// The first return among those that saw anything later.
    pub(super) after_read: Bound,
}

#[derive(Debug)]
pub(super) struct Versions {
    pub(super) start: u64,
    pub(super) lines: Vec<Line>,
}

/// So many versions may be missing before a commit counts as one from nowhere.
const SLACK: u64 = 1024;

impl Versions {
    pub(super) fn of(history: &History, start: u64, verdict: &mut Verdict) -> Self {
        let count = |outcome| history.count(outcome, None) as u64;
        let unknown = count(Outcome::Unknown);
        let most = start + count(Outcome::Committed) + unknown + SLACK;
        let made = history.rows().filter(|(_, row)| row.outcome == Outcome::Committed);
        let made = made.map(|(_, row)| row.version).filter(|version| *version <= most).max().unwrap_or(start);
        let possible = made.max(start) + unknown;
        let seen =
            history.rows().filter(|(_, row)| row.outcome != Outcome::Unknown).map(|(_, row)| row.version);
        let newest = seen.filter(|version| *version <= possible).max().unwrap_or(start).max(start);
        let line = Line { maker: None, seen: None, after_commit: Bound::NONE, after_read: Bound::NONE };
        let mut versions = Self { start, lines: vec![line; (newest - start) as usize + 1] };
        for (id, row) in history.rows() {
            versions.enter(id, row, verdict);
        }
        versions.bound(history);
        versions
    }

    /// Where a version stands; nothing for one outside of the round.
    pub(super) fn index(&self, version: u64) -> Option<usize> {
        let index = version.checked_sub(self.start)?;
        (index < self.lines.len() as u64).then_some(index as usize)
    }

    pub(super) fn newest(&self) -> u64 {
        self.start + self.lines.len() as u64 - 1
    }

    fn enter(&mut self, id: RowId, row: &Row, verdict: &mut Verdict) {
        if row.outcome == Outcome::Unknown {
            return;
        }
        let (start, newest, version) = (self.start, self.newest(), row.version);
        let made = row.outcome == Outcome::Committed;
        if version < start || made && version == start {
            return verdict.add(Finding::Backwards { row: id, version, start });
        }
        let Some(line) = self.index(version).map(|index| &mut self.lines[index]) else {
            return verdict.add(Finding::NeverMade { row: id, version, newest });
        };
        match (row.outcome, line.maker) {
            (Outcome::Committed, Some(first)) => {
                verdict.add(Finding::Duplicate { version, first, second: id });
            }
            (Outcome::Committed, None) => line.maker = Some(id),
            (outcome, _) => {
                // Until all rows are in, this is the first return of those that saw just this version.
                line.after_commit = line.after_commit.min(Bound { time: row.returned, row: id });
                if outcome == Outcome::Read {
                    line.seen.get_or_insert(row.state);
                }
            }
        }
    }

    /// From the newest version down: one running minimum.
    fn bound(&mut self, history: &History) {
        let mut first = Bound::NONE;
        for line in self.lines.iter_mut().rev() {
            line.after_read = first;
            first = first.min(line.after_commit);
            line.after_commit = first;
            if let Some(maker) = line.maker {
                first = first.min(Bound { time: history.at(maker).1.returned, row: maker });
            }
        }
    }
}
