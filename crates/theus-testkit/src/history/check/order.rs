//! Real time: whoever had returned before another was called comes before it.
//!
//! What not: no states. Invariant: commits, reads and refusals stand in one order, by version, a commit before those
//! that saw its version; a row is judged against the first return of all that come after it. So nothing is missed:
//! if any pair contradicts time, the pair with that first return does.

use super::versions::Versions;
use crate::history::finding::{Finding, Verdict};
use crate::history::log::History;
use crate::history::row::{Outcome, Row, RowId};

pub(super) fn judge(history: &History, versions: &Versions, verdict: &mut Verdict) {
    let mut returned = 0;
    for (id, row) in history.rows() {
        if id.seq == 0 {
            returned = 0;
        }
        if row.invoked < returned || row.returned < row.invoked {
            verdict.add(Finding::Disordered { row: id });
        }
        // One of unknown end had not returned when its client went on, so nothing follows from when it ends.
        returned = if row.outcome == Outcome::Unknown { row.invoked } else { row.returned };
        if let Some(finding) = inversion(history, versions, id, row) {
            verdict.add(finding);
        }
    }
}

fn inversion(history: &History, versions: &Versions, id: RowId, row: &Row) -> Option<Finding> {
    let line = &versions.lines[versions.index(row.version)?];
    let version = row.version;
    match row.outcome {
        Outcome::Unknown => None,
        Outcome::Committed => {
            let later = line.after_commit;
            (later.time < row.invoked).then(|| match history.at(later.row).1.outcome {
                Outcome::Read => Finding::FutureRead { read: later.row, commit: id },
                Outcome::Refused => Finding::FutureRefusal { refusal: later.row, commit: id },
                _ => Finding::Inversion { early: id, late: later.row },
            })
        }
        Outcome::Read => (line.after_read.time < row.invoked).then_some(Finding::StaleRead {
            read: id,
            version,
            newer: line.after_read.row,
        }),
        Outcome::Refused => (line.after_read.time < row.invoked).then_some(Finding::StaleRefusal {
            refusal: id,
            current: version,
            newer: line.after_read.row,
        }),
    }
}
