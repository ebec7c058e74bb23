//! [`Fault`]: one thing that must not happen, planted in a good history to show that the checker finds it.
//!
//! What not: no store with a bug (those stand beside the tests). Invariant: what is planted contradicts the rest of
//! the history, whatever that is, if no operation in it is of unknown end.

mod planting;

use super::finding::Finding;
use super::log::History;
use super::row::RowId;
use super::terrain::Terrain;
use super::traffic::Traffic;
use planting::Planting;

/// What can be planted; the table of [the module](crate::history) says what each is and what it must be found as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the module has a table of them")]
pub enum Fault {
    DroppedCommit,
    DuplicatedCommit,
    SwappedVersions,
    EarlyCommit,
    VersionGap,
    VersionReused,
    StaleRead,
    FutureRead,
    NeverMade,
    TornRead,
    TornCommit,
    LostCommit,
    LostUpdate,
    WriteSkew,
    StrictStale,
    FalseConflict,
    UntoldConflict,
    NeedlessRefusal,
    StaleRefusal,
    FutureRefusal,
    KilledTwice,
    RecordTwice,
    RecordMissing,
    RecordsSwapped,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 24] = [
        Fault::DroppedCommit,
        Fault::DuplicatedCommit,
        Fault::SwappedVersions,
        Fault::EarlyCommit,
        Fault::VersionGap,
        Fault::VersionReused,
        Fault::StaleRead,
        Fault::FutureRead,
        Fault::NeverMade,
        Fault::TornRead,
        Fault::TornCommit,
        Fault::LostCommit,
        Fault::LostUpdate,
        Fault::WriteSkew,
        Fault::StrictStale,
        Fault::FalseConflict,
        Fault::UntoldConflict,
        Fault::NeedlessRefusal,
        Fault::StaleRefusal,
        Fault::FutureRefusal,
        Fault::KilledTwice,
        Fault::RecordTwice,
        Fault::RecordMissing,
        Fault::RecordsSwapped,
    ];

    /// True if it is about an operation of unknown end, which the history must have then.
    pub fn needs_unknown(self) -> bool {
        matches!(self, Fault::KilledTwice | Fault::RecordTwice)
    }

    /// True if this finding is the one that the fault must lead to.
    pub fn is_found_as(self, finding: &Finding) -> bool {
        use Fault as F;
        match finding {
            Finding::Gap { .. } => matches!(self, F::DroppedCommit | F::VersionGap),
            Finding::Duplicate { .. } => self == F::DuplicatedCommit,
            Finding::Backwards { .. } => self == F::VersionReused,
            Finding::NeverMade { .. } => self == F::NeverMade,
            Finding::StaleBase { .. } => self == F::StrictStale,
            Finding::LostUpdate { .. } => self == F::LostUpdate,
            Finding::WriteSkew { .. } => self == F::WriteSkew,
            Finding::Inversion { .. } => matches!(self, F::SwappedVersions | F::EarlyCommit),
            Finding::StaleRead { .. } => self == F::StaleRead,
            Finding::FutureRead { .. } => self == F::FutureRead,
            Finding::StaleRefusal { .. } => self == F::StaleRefusal,
            Finding::FutureRefusal { .. } => self == F::FutureRefusal,
            Finding::FalseConflict { .. } => self == F::FalseConflict,
            Finding::UntoldConflict { .. } => self == F::UntoldConflict,
            Finding::NeedlessRefusal { .. } => self == F::NeedlessRefusal,
            Finding::TornState { .. } => matches!(self, F::TornRead | F::TornCommit | F::LostCommit),
            Finding::AppliedTwice { .. } => matches!(self, F::KilledTwice | F::RecordTwice),
            Finding::NotInTrail { .. } => self == F::RecordMissing,
            Finding::TrailDisorder { .. } => self == F::RecordsSwapped,
            Finding::Disordered { .. } => false,
        }
    }

    /// Plants it somewhere, decided by the seed, in a history that began empty at version 0 and has a trail. False
    /// if there is no place for it; then the history is as it was. Faults that are not about the trail take it away.
    pub fn plant(self, terrain: &Terrain, history: &mut History, seed: u64) -> bool {
        let mut traffic = Traffic::new(seed);
        let mut rows: Vec<RowId> = history.rows().map(|(id, _)| id).collect();
        for at in (1..rows.len()).rev() {
            rows.swap(at, traffic.below(at as u64 + 1) as usize);
        }
        let Some(trail) = history.trail.clone() else { return false };
        let mut planting = Planting { terrain, history, trail, bit: traffic.below(64) };
        let done = rows.into_iter().any(|id| planting.at(self, id));
        let about_trail = matches!(self, Fault::RecordTwice | Fault::RecordMissing | Fault::RecordsSwapped);
        if done && !about_trail {
            history.trail = None;
        }
        done
    }
}
