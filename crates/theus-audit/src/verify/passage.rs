//! Making proofs: two passages through the files of a trail, one for the checkpoints and one for the hashes.

use std::path::Path;

use super::proof::Proof;
use super::records::{FrameWalk, ReadError};
use crate::checkpoint::{Checkpoint, CheckpointNote};
use crate::log::frame::{Frame, Kind};
use crate::log::marks::CheckpointMark;
use crate::tree::Prover;

/// Which checkpoint of a trail is meant.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// The newest in the trail.
    Newest,
    /// The one in the trail that is about so many frames.
    Size(u64),
    /// This one, kept elsewhere.
    Kept(&'a CheckpointNote),
}

/// Why a proof cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The trail cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The checkpoint does not cover the frame.
    #[error(
        "frame {number} is not covered: the checkpoint is about the first {size} frames; wait for a later one, or make one"
    )]
    Uncovered {
        /// The frame.
        number: u64,
        /// What the checkpoint covers; 0: there is none.
        size: u64,
    },
    /// There is no such checkpoint.
    #[error("the trail has no checkpoint about {size} frames")]
    NoCheckpoint {
        /// The size.
        size: u64,
    },
    /// The trail is not what the checkpoint says.
    #[error("the trail is not what the kept checkpoint of size {size} says; check it with that checkpoint")]
    Contradiction {
        /// The size.
        size: u64,
    },
    /// The older checkpoint has no frames, or more than the newer.
    #[error(
        "no proof leads from {older} frames to {newer}: the older checkpoint comes first and is about one frame at least"
    )]
    Order {
        /// The size of the one that was given first.
        older: u64,
        /// The size of the other.
        newer: u64,
    },
}

/// Proves that the trail whose first file is `path` has the frame with this number, by a checkpoint.
///
/// # Errors
/// When the trail cannot be read or is flawed, or the checkpoint does not cover the frame or fit the trail.
pub fn prove_record(path: &Path, number: u64, by: Which<'_>) -> Result<Proof, ProveError> {
    let [checkpoint] = find(path, [by])?;
    let size = checkpoint.as_ref().map_or(0, |note| note.checkpoint().size);
    let (Some(checkpoint), Some(mut prover)) =
        (checkpoint, number.checked_sub(1).and_then(|index| Prover::inclusion(index, size)))
    else {
        return Err(ProveError::Uncovered { number, size });
    };
    let mut entry = Vec::new();
    let mut walk = FrameWalk::of(path)?;
    let mut take = |frame: &Frame<'_>, leaf| {
        prover.push(leaf);
        if frame.number == number {
            entry = frame.entry.to_vec();
        }
    };
    while walk.frames() < size && walk.next(&mut take)?.is_some() {}
    let path = prover.path().ok_or(ProveError::Uncovered { number, size: walk.frames() })?;
    Ok(Proof::Inclusion { number, entry, path, checkpoint })
}

/// Proves that the trail whose first file is `path` grew from one checkpoint to another.
///
/// # Errors
/// When the trail cannot be read or is flawed, or a checkpoint is not there or does not fit the trail.
pub fn prove_consistency(path: &Path, older: Which<'_>, newer: Which<'_>) -> Result<Proof, ProveError> {
    let [older, newer] = find(path, [older, newer])?;
    let (Some(older), Some(newer)) = (older, newer) else {
        return Err(ProveError::NoCheckpoint { size: 0 });
    };
    let (first, second) = (older.checkpoint().size, newer.checkpoint().size);
    let order = ProveError::Order { older: first, newer: second };
    let mut prover = Prover::consistency(first, second).ok_or(order)?;
    let mut walk = FrameWalk::of(path)?;
    while walk.frames() < second && walk.next(|_, leaf| prover.push(leaf))?.is_some() {}
    let path = prover.path().ok_or(ProveError::NoCheckpoint { size: second })?;
    Ok(Proof::Consistency { path, older, newer })
}

/// The checkpoints that are meant, each found in the trail or shown to fit it. None: the trail has none at all.
fn find<const N: usize>(
    path: &Path,
    wanted: [Which<'_>; N],
) -> Result<[Option<CheckpointNote>; N], ProveError> {
    let mut found = wanted.map(|which| match which {
        Which::Kept(note) => Some(note.clone()),
        Which::Newest | Which::Size(_) => None,
    });
    let fits = |checkpoint: &Checkpoint, walk: &mut FrameWalk| {
        checkpoint.size != walk.frames()
            || checkpoint.root == walk.root() && Some(&*checkpoint.origin) == walk.origin()
    };
    let mut walk = FrameWalk::of(path)?;
    while let Some(note) = walk.next(|frame, _| note_of(frame))? {
        for (which, found) in wanted.iter().zip(&mut found) {
            match (which, &note) {
                (Which::Kept(kept), _) if !fits(kept.checkpoint(), &mut walk) => {
                    return Err(ProveError::Contradiction { size: kept.checkpoint().size });
                }
                (Which::Newest, Some(note)) => *found = Some(note.clone()),
                (Which::Size(size), Some(note)) if *size == note.checkpoint().size => {
                    *found = Some(note.clone())
                }
                _ => {}
            }
        }
    }
    for which in wanted {
        match which {
            Which::Kept(kept) if kept.checkpoint().size > walk.frames() => {
                return Err(ProveError::Contradiction { size: kept.checkpoint().size });
            }
            _ => {}
        }
    }
    let missing = wanted.iter().zip(&found).find_map(|(which, found)| match (which, found) {
        (Which::Size(size), None) => Some(*size),
        _ => None,
    });
    missing.map_or(Ok(found), |size| Err(ProveError::NoCheckpoint { size }))
}

fn note_of(frame: &Frame<'_>) -> Option<CheckpointNote> {
    let mark = CheckpointMark::read(frame.payload).filter(|_| frame.kind == Kind::Checkpoint)?;
    CheckpointNote::parse(&mark.note).ok()
}
