//! Makes checkpoints: signs them, and hands them to whoever keeps them elsewhere.
//!
//! What not: when one is due (see `keeper`), and its form (see `checkpoint`).
//!
//! Invariant: no checkpoint is for fewer frames than one before it, nor for frames that are not on the disk yet.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::checkpoint::{Checkpoint, CheckpointNote, NoteError, Signer};
use crate::disk::{CheckpointSink, TrailError, Witness};
use crate::tree::Frontier;

pub(crate) struct Notary {
    pub(crate) origin: String,
    pub(crate) signer: Option<Signer>,
    pub(crate) sink: Option<CheckpointSink>,
    pub(crate) witness: Witness,
    /// How many frames the last checkpoint covers.
    pub(crate) covered: u64,
}

impl Notary {
    /// The text of the checkpoint of these frames.
    pub(crate) fn note(&self, head: &Frontier) -> Result<String, NoteError> {
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: head.size(), root: head.root() };
        let note = match &self.signer {
            Some(signer) => CheckpointNote::signed(checkpoint, signer)?,
            None => CheckpointNote::unsigned(checkpoint),
        };
        Ok(note.to_string())
    }

    /// Hands out the text of a checkpoint that stands in the trail: to the second file first.
    pub(crate) fn publish(&mut self, note: &str) -> Result<(), TrailError> {
        self.witness.write(note).map_err(|source| TrailError::CheckpointFile {
            path: self.witness.path(),
            source: Arc::new(source),
        })?;
        if let Some(sink) = &self.sink {
            // A stranger's function: what it breaks is its own.
            let _panicked = catch_unwind(AssertUnwindSafe(|| sink(note)));
        }
        Ok(())
    }
}
