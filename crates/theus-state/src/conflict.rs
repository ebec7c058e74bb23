//! Why a commit was refused: [`Conflict`], [`CommitError`], [`CommitRefused`].
//!
//! What not: no decision about trying again (see [`Backoff`](crate::Backoff)).
//! Invariant: every refusal hands the update back, so the caller can rebase it without a copy.

use crate::commit::{Commit, Isolation};
use crate::ticket::Requester;
use std::fmt;
use theus_value::{ApplyError, Path, Update};

/// A path that a commit depends on and that changed after its base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The path, as the commit named it.
    pub path: Path,
    /// The newest version that changed it.
    pub version: u64,
}

/// Why a commit did not become a version. The state is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// What the commit depends on has changed after its base.
    #[error("{}", conflict_text(*isolation, *base, *current, conflicts))]
    Conflict {
        /// The update, handed back.
        update: Update,
        /// The version it was computed from.
        base: u64,
        /// The version of now.
        current: u64,
        /// The mode that refused it.
        isolation: Isolation,
        /// What changed, in the order in which the commit names it. In strict mode possibly none, since there any
        /// other version refuses.
        conflicts: Vec<Conflict>,
    },
    /// The update does not fit the state.
    #[error("{error}")]
    Apply {
        /// The update, handed back.
        update: Update,
        /// Why.
        #[source]
        error: ApplyError,
    },
    /// Another requester holds the priority ticket. Whether the commit would have conflicted was not looked at.
    #[error(
        "System Busy (VIP Access Only): \"{holder}\" holds the priority ticket and commits next; computed from version \
         {base}, the state is at version {current}. Wait until the ticket is given back, then take a fresh snapshot"
    )]
    Busy {
        /// The update, handed back.
        update: Update,
        /// The version it was computed from.
        base: u64,
        /// The version of now.
        current: u64,
        /// Who holds the ticket.
        holder: Requester,
    },
}

impl CommitError {
    pub(crate) fn busy(commit: Commit, current: u64, holder: Requester) -> Self {
        CommitError::Busy { update: commit.update, base: commit.base, current, holder }
    }

    /// Takes the update back.
    pub fn into_update(self) -> Update {
        match self {
            CommitError::Conflict { update, .. }
            | CommitError::Apply { update, .. }
            | CommitError::Busy { update, .. } => update,
        }
    }
}

/// Why [`Store::commit_checked`](crate::Store::commit_checked) refused. The state is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitRefused<E> {
    /// The store refused.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The caller's check refused the pending state.
    #[error("the pending state was refused: {error}")]
    Check {
        /// The update, handed back.
        update: Update,
        /// What the check said.
        error: E,
    },
}

fn conflict_text(isolation: Isolation, base: u64, current: u64, conflicts: &[Conflict]) -> impl fmt::Display {
    let title = if isolation == Isolation::Strict { "Strict CAS Mismatch" } else { "CAS Version Mismatch" };
    let changed: Vec<String> =
        conflicts.iter().map(|c| format!("\"{}\" in version {}", c.path, c.version)).collect();
    let changed =
        if changed.is_empty() { String::new() } else { format!("; changed since: {}", changed.join(", ")) };
    format!(
        "{title}: computed from version {base}, the state is at version {current}{changed}. \
         Take a fresh snapshot and compute again"
    )
}
