//! [`Finding`]: one way in which a history is impossible; and [`Verdict`], all of them for one round.
//!
//! What not: no guess at the cause. Invariant: each names the rows that contradict each other, so that they can be
//! looked up in the logs.

use super::row::RowId;
use theus_value::Path;

/// One contradiction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A version that nobody made.
    #[error("version {version} is missing: no commit says that it made it, and none of unknown end can have")]
    Gap {
        /// The version.
        version: u64,
    },
    /// A version that was made twice.
    #[error("version {version} was made twice: by {first} and by {second}")]
    Duplicate {
        /// The version.
        version: u64,
        /// Who made it.
        first: RowId,
        /// Who made it too.
        second: RowId,
    },
    /// A version that was there before the round began, made or seen as the newest again.
    #[error("{row} names version {version} as new or newest, but the round began at version {start}")]
    Backwards {
        /// The row.
        row: RowId,
        /// Its version.
        version: u64,
        /// The version at which the round began.
        start: u64,
    },
    /// A version seen that nobody ever made.
    #[error("{row} saw version {version}, which nobody has made; the newest is {newest}")]
    NeverMade {
        /// The row.
        row: RowId,
        /// What it saw.
        version: u64,
        /// The newest version that was made.
        newest: u64,
    },
    /// A strict commit was accepted though another came between.
    #[error("{row} made version {version} in strict mode from base {base}: the base must be one less")]
    StaleBase {
        /// The commit.
        row: RowId,
        /// Its base.
        base: u64,
        /// What it made.
        version: u64,
    },
    /// A commit was accepted though a place that it writes was written after its base.
    #[error(
        "{row} made version {version} from base {base}, though version {by} had written what it writes, {path}"
    )]
    LostUpdate {
        /// The commit.
        row: RowId,
        /// Its base.
        base: u64,
        /// What it made.
        version: u64,
        /// The place.
        path: Path,
        /// Who wrote it in between.
        by: u64,
    },
    /// A serializable commit was accepted though a place that it has read was written after its base.
    #[error(
        "{row} made version {version} from base {base}, though version {by} had written what it has read, {path}"
    )]
    WriteSkew {
        /// The commit.
        row: RowId,
        /// Its base.
        base: u64,
        /// What it made.
        version: u64,
        /// The place.
        path: Path,
        /// Who wrote it in between.
        by: u64,
    },
    /// The order of versions contradicts time.
    #[error("{late} had returned before {early} was called, but its version is the higher one")]
    Inversion {
        /// Has the lower version.
        early: RowId,
        /// Has the higher version.
        late: RowId,
    },
    /// A read that did not see what was known already.
    #[error("{read} saw version {version}, though {newer} had returned before with a newer one")]
    StaleRead {
        /// The read.
        read: RowId,
        /// What it saw.
        version: u64,
        /// Who had shown a newer version.
        newer: RowId,
    },
    /// A read that saw a commit, or a later one, before it was called.
    #[error("{read} had returned before {commit} was called, but saw its version or a later one")]
    FutureRead {
        /// The read.
        read: RowId,
        /// The commit.
        commit: RowId,
    },
    /// A refusal by a version that was not the newest any more.
    #[error(
        "{refusal} was refused at version {current}, though {newer} had returned before with a newer one"
    )]
    StaleRefusal {
        /// The refusal.
        refusal: RowId,
        /// The version that it calls current.
        current: u64,
        /// Who had shown a newer version.
        newer: RowId,
    },
    /// A refusal because of a commit that had not been called.
    #[error(
        "{refusal} had returned before {commit} was called, but was refused at its version or a later one"
    )]
    FutureRefusal {
        /// The refusal.
        refusal: RowId,
        /// The commit.
        commit: RowId,
    },
    /// A conflict with what was not written.
    #[error(
        "{row} was told that version {told} changed {path} after base {base}; it did not, or the commit does not depend on it"
    )]
    FalseConflict {
        /// The refusal.
        row: RowId,
        /// Its base.
        base: u64,
        /// The place.
        path: Path,
        /// The version told.
        told: u64,
    },
    /// A conflict that was not told, or told with an older version than the newest.
    #[error("{row} was not told that version {by} changed {path} after base {base}")]
    UntoldConflict {
        /// The refusal.
        row: RowId,
        /// Its base.
        base: u64,
        /// The place.
        path: Path,
        /// The newest version that changed it.
        by: u64,
    },
    /// A refusal without a reason.
    #[error("{row} was refused at version {current} from base {base}, but nothing it depends on had changed")]
    NeedlessRefusal {
        /// The refusal.
        row: RowId,
        /// Its base.
        base: u64,
        /// The version it was refused at.
        current: u64,
    },
    /// A state that is not what the commits up to its version make.
    #[error("the state that {row} calls version {version} is not what the commits up to it make")]
    TornState {
        /// The row.
        row: RowId,
        /// The version.
        version: u64,
    },
    /// An operation of unknown end took effect more than once.
    #[error("{row} took effect twice: in version {first} and in version {second}")]
    AppliedTwice {
        /// The commit.
        row: RowId,
        /// The version it made.
        first: u64,
        /// The version it made too.
        second: u64,
    },
    /// The trail does not have a commit that was acknowledged.
    #[error("the trail has no record of {row}, which was told that it made version {version}")]
    NotInTrail {
        /// The commit.
        row: RowId,
        /// Its version.
        version: u64,
    },
    /// The trail says something else than the client.
    #[error(
        "record {at} of the trail says version {version} by {row}: out of order, or not what that client did"
    )]
    TrailDisorder {
        /// Which record, counted from 0.
        at: usize,
        /// Its version.
        version: u64,
        /// Who is said to have made it.
        row: RowId,
    },
    /// The log itself is broken: a client called before it had returned.
    #[error(
        "{row} was called before its client's last operation had returned, or returned before it was called"
    )]
    Disordered {
        /// The row.
        row: RowId,
    },
}

/// What the check of a round came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The first contradictions, at most [`Verdict::KEPT`].
    pub findings: Vec<Finding>,
    /// How many more there were.
    pub more: usize,
    /// After a version that nobody made the states are not known, so nothing that depends on them was judged from
    /// here on.
    pub unjudged_from: Option<u64>,
    /// How many rows were looked at.
    pub rows: usize,
}

impl Verdict {
    /// So many findings are kept.
    pub const KEPT: usize = 64;

    /// True if the history is possible.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        if self.findings.len() < Self::KEPT { self.findings.push(finding) } else { self.more += 1 }
    }
}
