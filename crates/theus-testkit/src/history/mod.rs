//! Histories: what many clients did with one store and saw of it, and whether a strictly serializable store can have
//! made it.
//!
//! What: [`record`] runs real threads against a [`Subject`] and notes each operation as a [`Row`] in a [`Log`] of the
//! client's own. A [`Checker`] judges the [`History`], round by round, and gives a [`Verdict`] with typed
//! [`Finding`]s that name the rows. A [`Terrain`] is the small set of places that all is about.
//! What not: no fairness, no waiting times, no crash (a killed client is an operation of unknown end).
//!
//! # What is checked
//!
//! | | Rule | Findings |
//! |---|---|---|
//! | 1 | versions are dense and each is made once | `Gap`, `Duplicate`, `Backwards`, `NeverMade` |
//! | 2 | a commit's base fits its mode: strict, one less; smart, no place that it writes was written since; serializable, nor one that it has read | `StaleBase`, `LostUpdate`, `WriteSkew` |
//! | 3 | order by version never contradicts return-before-call | `Inversion` |
//! | 4 | a refusal tells each conflict that there was, with its newest version, and no other; it was not refused by what had not been called, nor at a version known to be old | `FalseConflict`, `UntoldConflict`, `NeedlessRefusal`, `FutureRefusal`, `StaleRefusal` |
//! | 5 | a read saw no commit that had not been called, all that had returned or been seen by one that had returned, and the state that the commits make | `FutureRead`, `StaleRead`, `TornState` |
//! | 6 | an operation of unknown end took effect once or never, an acknowledged one once | `Gap`, `Duplicate`, `AppliedTwice`, `TornState` |
//! | 7 | if there is a trail, it has one record for each version, in order, of the row that made it | `TrailDisorder`, `NotInTrail`, `AppliedTwice` |
//!
//! Rules 3, 4 and 5 of time are one rule for all rows: stood in order of versions, a commit before those that saw it,
//! none had returned before an earlier one was called. With rule 2 and the states this is strict serializability
//! (Herlihy and Wing, TOPLAS 1990, for the order; Adya, 1999, for the modes). Smart mode is weaker by its definition:
//! there a commit is judged by what it writes.
//!
//! # What it finds
//!
//! Each [`Fault`] is planted in a good recorded history by the tests, and its finding must come:
//!
//! | Fault | What is done to the history | Finding |
//! |---|---|---|
//! | `DroppedCommit` | a commit is taken out | `Gap` |
//! | `DuplicatedCommit` | a commit is there twice | `Duplicate` |
//! | `SwappedVersions` | two commits, one after the other, exchange versions and states | `Inversion` |
//! | `EarlyCommit` | a commit returns before one of a lower version is called | `Inversion` |
//! | `VersionGap` | all versions above one are one higher | `Gap` |
//! | `VersionReused` | a commit makes the version with which all began | `Backwards` |
//! | `StaleRead` | a read sees what was before a commit that had returned | `StaleRead` |
//! | `FutureRead` | a read sees a commit that is called later | `FutureRead` |
//! | `NeverMade` | a read sees a version far ahead | `NeverMade` |
//! | `TornRead`, `TornCommit` | one bit of a state's hash is other | `TornState` |
//! | `LostCommit` | an acknowledged commit is in no state | `TornState` |
//! | `LostUpdate` | a commit was accepted from a base before a write of what it writes | `LostUpdate` |
//! | `WriteSkew` | a serializable commit was accepted from a base before a write of what it has read | `WriteSkew` |
//! | `StrictStale` | a strict commit was accepted from an older base | `StaleBase` |
//! | `FalseConflict` | a refusal blames a version that wrote elsewhere | `FalseConflict` |
//! | `UntoldConflict` | a refusal keeps one conflict to itself | `UntoldConflict` |
//! | `NeedlessRefusal` | a refusal from the newest base, without a conflict | `NeedlessRefusal` |
//! | `StaleRefusal` | a refusal calls a version current that was known to be old | `StaleRefusal` |
//! | `FutureRefusal` | a refusal by a commit that is called later | `FutureRefusal` |
//! | `KilledTwice` | an operation of unknown end took effect again | `AppliedTwice` |
//! | `RecordTwice` | as before, and the trail says so | `AppliedTwice` |
//! | `RecordMissing` | an acknowledged commit is not in the trail | `NotInTrail` |
//! | `RecordsSwapped` | two records of the trail exchange their rows | `TrailDisorder` |
//!
//! # Limits
//!
//! Two times that are equal order nothing. Among operations of unknown end that would all lead to the same state,
//! only the last few guesses are tried anew after a contradiction (see `check/replay.rs`): with very many of them,
//! and without a trail, an impossible-looking history may in theory have an explanation that is not found. A
//! deletion of what is absent leaves no mark in the state: an operation of unknown end that does only this can stand
//! for a missing version.

mod check;
mod drive;
mod fault;
mod finding;
mod log;
mod model;
mod row;
mod terrain;
mod traffic;
mod write;

pub use check::Checker;
pub use drive::{Load, Subject, record};
pub use fault::Fault;
pub use finding::{Finding, Verdict};
pub use log::{Clock, History, Log};
pub use model::{Model, fingerprint};
pub use row::{Outcome, Row, RowId, Span, Told};
pub use terrain::{Holds, Spot, Terrain};
pub use traffic::Traffic;
pub use write::{Action, Attempt, Write};
