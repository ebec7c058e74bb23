//! What can go wrong with a trail on disk: one error for opening, one for a record that must be written, one for syncing.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::checkpoint::NoteError;
use crate::verify::Finding;

/// Why a trail on disk was not opened. Nothing was changed, unless a torn end had been cut before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Somebody else writes to it.
    #[error("the audit trail {} is being written by another engine: close that one, or take another path", path.display())]
    InUse {
        /// The trail.
        path: PathBuf,
    },
    /// Somebody else writes to the second file.
    #[error("the checkpoint file {} is in use by another engine: close that one, or give each trail a file of its own", path.display())]
    CheckpointsInUse {
        /// The second file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("the audit trail {} cannot be opened: {doing}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was refused.
        doing: &'static str,
        /// The system's words.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{} is no audit trail; it is left as it is: take another path", path.display())]
    NotATrail {
        /// The file.
        path: PathBuf,
    },
    /// A file is not as it was written, and no crash explains it.
    #[error("the audit trail is not as it was written, and no crash explains it: {}: {finding}; it is left as it is", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        finding: Finding,
    },
    /// The signer is not the one of the trail.
    #[error("the audit trail {} {reason}", path.display())]
    Signer {
        /// The trail.
        path: PathBuf,
        /// How they differ, and what to do.
        reason: &'static str,
    },
    /// The origin is not the one of the trail, or none that can be used.
    #[error("the audit trail {} cannot have the origin {origin:?}: {reason}", path.display())]
    Origin {
        /// The trail.
        path: PathBuf,
        /// The origin that was given.
        origin: String,
        /// Why not.
        reason: String,
    },
    /// The second file knows of more, or of something else.
    #[error("the audit trail {} is not the one of the checkpoints in {}: {reason}", path.display(), checkpoints.display())]
    RolledBack {
        /// The trail.
        path: PathBuf,
        /// The second file.
        checkpoints: PathBuf,
        /// How they differ.
        reason: String,
    },
}

/// A record was not written, and nothing was appended.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct Unwritten {
    /// The file.
    pub path: PathBuf,
    /// How many frames wait in memory.
    pub waiting: usize,
    /// A sync failed, so that nobody knows what the disk holds: the trail takes nothing more until it is opened again.
    pub broken: bool,
    /// The system's words.
    pub source: Arc<io::Error>,
}

impl Unwritten {
    fn text(&self) -> String {
        let Unwritten { path, waiting, broken, source } = self;
        let path = path.display();
        if *broken {
            return format!(
                "the disk failed to keep the audit trail {path}: {source}; nothing more is recorded until the trail is opened \
                 again, which checks it"
            );
        }
        if source.kind() == io::ErrorKind::NotConnected {
            return format!("the audit record cannot be written to {path}: {source}");
        }
        let waiting = match waiting {
            0 => String::new(),
            1 => "; 1 record waits in memory".to_owned(),
            more => format!("; {more} records wait in memory"),
        };
        format!(
            "the audit record cannot be written to {path}: {source}{waiting}; make room on the disk, or let work go on \
             unrecorded for a while (on_full = pass)"
        )
    }
}

/// Why a trail is not known to be on the disk.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrailError {
    /// A record is not even written.
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
    /// The checkpoint cannot be signed.
    #[error("the checkpoint cannot be made: {0}")]
    Note(#[from] NoteError),
    /// The second file of the checkpoints cannot be written.
    #[error("the checkpoint cannot be written to {}: {source}", path.display())]
    CheckpointFile {
        /// The second file.
        path: PathBuf,
        /// The system's words.
        source: Arc<io::Error>,
    },
}
