//! Whether a refusal was right: each conflict it tells was one, and it tells each that was.
//!
//! What not: no time; that the commits it blames had been called is judged with the order of all rows.

use crate::history::finding::Finding;
use crate::history::log::Log;
use crate::history::model::Model;
use crate::history::row::{Row, RowId, Told};
use crate::history::terrain::{Terrain, bits};
use theus_state::Isolation;

/// Judges one refusal by the state at the version that it calls current. `written` says which places a version of
/// this round wrote, nothing for older ones.
pub(super) fn judge(
    terrain: &Terrain,
    model: &Model,
    written: &dyn Fn(u64) -> Option<u64>,
    (log, row, id): (&Log, &Row, RowId),
    found: &mut Vec<Finding>,
) {
    let reads = if row.mode == Isolation::Serializable { row.reads } else { 0 };
    let depends = log.named(row) | reads;
    let told = log.told(row);
    let path = |place: u8| terrain.spot(place).path.clone();
    let was_written = |told: &Told| {
        let overlaps = terrain.spot(told.place).overlaps;
        let newest = model.newest(terrain, told.place);
        told.version == newest || written(told.version).is_some_and(|places| places & overlaps != 0)
    };
    for one in told {
        let depended = depends >> one.place & 1 == 1;
        if !depended || one.version <= row.base || one.version > row.version || !was_written(one) {
            let (base, told) = (row.base, one.version);
            found.push(Finding::FalseConflict { row: id, base, path: path(one.place), told });
        }
    }
    let mut none = told.is_empty();
    for place in bits(depends) {
        let by = model.newest(terrain, place);
        if by > row.base && !told.contains(&Told { place, version: by }) {
            none = false;
            found.push(Finding::UntoldConflict { row: id, base: row.base, path: path(place), by });
        }
    }
    // A strict commit is refused by any other version, also by one that wrote elsewhere.
    if none && (row.mode != Isolation::Strict || row.base == row.version) {
        found.push(Finding::NeedlessRefusal { row: id, base: row.base, current: row.version });
    }
}
