//! The trail against the logs: one record for each version, in order, of the row that made it.
//!
//! What not: no digests; whether a trail was edited is the audit crate's to say.

use super::versions::Versions;
use crate::history::finding::{Finding, Verdict};
use crate::history::log::History;
use crate::history::row::{Outcome, RowId};
use std::collections::HashMap;

pub(super) fn judge(history: &History, versions: &Versions, verdict: &mut Verdict) {
    let Some(trail) = &history.trail else { return };
    for (id, row) in history.rows().filter(|(_, row)| row.outcome == Outcome::Committed) {
        if named(history, row.version) != Some(id) {
            verdict.add(Finding::NotInTrail { row: id, version: row.version });
        }
    }
    let mut unknown: HashMap<RowId, u64> = HashMap::new();
    for (at, &(version, row)) in trail.iter().enumerate() {
        let noted = history.logs.get(row.client as usize).and_then(|log| log.rows().get(row.seq as usize));
        let fits = noted.is_some_and(|noted| match noted.outcome {
            Outcome::Committed => noted.version == version,
            outcome => outcome == Outcome::Unknown,
        });
        if !fits || version != versions.start + 1 + at as u64 {
            verdict.add(Finding::TrailDisorder { at, version, row });
        } else if noted.is_some_and(|noted| noted.outcome == Outcome::Unknown)
            && let Some(first) = unknown.insert(row, version)
        {
            verdict.add(Finding::AppliedTwice { row, first, second: version });
        }
    }
}

/// Who made a version, as the trail says. In a trail out of order it may not be found.
pub(super) fn named(history: &History, version: u64) -> Option<RowId> {
    let trail = history.trail.as_ref()?;
    let at = trail.binary_search_by_key(&version, |(version, _)| *version).ok()?;
    Some(trail[at].1)
}
