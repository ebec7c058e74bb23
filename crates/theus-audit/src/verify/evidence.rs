//! What checkpoints that were kept elsewhere say about a trail.
//!
//! Invariant: each kept checkpoint is compared with the tree of just as many frames as it is about.

use super::{Finding, VerifyOptions};
use crate::checkpoint::{CheckpointNote, PublicKey};
use crate::log::scan::Scan;

#[derive(Clone, Debug)]
pub(super) struct Evidence {
    key: Option<PublicKey>,
    /// By size, the smallest first.
    notes: Vec<CheckpointNote>,
    /// How many of them agree.
    agreed: usize,
}

impl Evidence {
    pub(super) fn new(options: &VerifyOptions<'_>) -> Self {
        let mut notes = options.checkpoints.to_vec();
        notes.sort_by_key(|note| note.checkpoint().size);
        Evidence { key: options.key.cloned(), notes, agreed: 0 }
    }

    /// How many kept checkpoints the trail agrees with.
    pub(super) fn agreed(&self) -> u64 {
        self.agreed as u64
    }

    /// Compares with the frames so far, if a kept checkpoint is about just so many.
    pub(super) fn compare(&mut self, scan: &mut Scan) -> Option<Finding> {
        if scan.frames() == 1
            && let Some(finding) = self.compare_key(scan)
        {
            return Some(finding);
        }
        while let Some(note) = self.notes.get(self.agreed) {
            let checkpoint = note.checkpoint();
            if checkpoint.size > scan.frames() {
                return None;
            }
            // The empty tree is the beginning of every trail, and nothing else has size 0.
            let root = if checkpoint.size == 0 { crate::empty_root() } else { scan.head().root() };
            if let Some(reason) = self.stranger(note, scan) {
                return Some(Finding::new(None, reason));
            }
            if checkpoint.root != root {
                return Some(self.contradiction(checkpoint.size, scan));
            }
            self.agreed += 1;
        }
        None
    }

    /// The finding that there are kept checkpoints for more frames than the trail has.
    pub(super) fn beyond(&self, frames: u64) -> Option<Finding> {
        let size = self.notes.last()?.checkpoint().size;
        let reason = format!(
            "a kept checkpoint covers {size} frames and the trail has {frames}: {} are missing from its end",
            size.saturating_sub(frames)
        );
        (size > frames).then(|| Finding::new(Some(frames + 1), reason))
    }

    /// What is not shown of this many frames.
    pub(super) fn notes(&self, frames: u64) -> Vec<String> {
        let mut notes = Vec::new();
        let kept = self.notes.last().map_or(0, |note| note.checkpoint().size);
        if kept == 0 {
            notes.push(
                "no checkpoint that was kept elsewhere was given: a trail that was cut back to an older end, or written anew \
                 with its key, looks like this one"
                    .to_owned(),
            );
        } else if kept < frames {
            notes.push(format!(
                "the kept checkpoints end with frame {kept}: what was cut off or, with the key, written anew after it cannot be told"
            ));
        }
        if self.key.is_none() {
            notes.push(
                "no key was given: the trail was held to the key that it names itself, if it names one"
                    .to_owned(),
            );
        }
        notes
    }

    fn compare_key(&self, scan: &Scan) -> Option<Finding> {
        let expected = self.key.as_ref()?;
        let reason = match scan.key() {
            Some(found) if found == expected => return None,
            Some(found) => format!("the trail is signed with the key {found}, and not with {expected}"),
            None => format!("the trail names no key, and should be signed with {expected}"),
        };
        Some(Finding::new(Some(1), reason))
    }

    /// Why a kept checkpoint is not about this trail.
    fn stranger(&self, note: &CheckpointNote, scan: &Scan) -> Option<String> {
        let (checkpoint, origin) = (note.checkpoint(), &scan.identity()?.origin);
        let size = checkpoint.size;
        if checkpoint.origin != *origin {
            let other = &checkpoint.origin;
            return Some(format!(
                "the kept checkpoint of size {size} is of {other:?}, and the trail is {origin:?}"
            ));
        }
        match note.is_signed_by(self.key.as_ref().or(scan.key())?) {
            Ok(true) => None,
            Ok(false) => {
                Some(format!("the kept checkpoint of size {size} is not signed with the trail's key"))
            }
            Err(error) => Some(format!("the kept checkpoint of size {size}: {error}")),
        }
    }

    /// The trail is not what the next kept checkpoint says.
    fn contradiction(&self, size: u64, scan: &Scan) -> Finding {
        let own =
            |note: &&CheckpointNote| note.checkpoint().size == size && self.stranger(note, scan).is_none();
        let own: Vec<_> = self.notes.iter().filter(own).collect();
        if own.iter().any(|note| note.checkpoint().root != own[0].checkpoint().root) {
            let reason =
                format!("two kept checkpoints of size {size} have different roots: the trail was forked");
            return Finding::new(None, reason);
        }
        let shown = self.agreed.checked_sub(1).map_or(0, |last| self.notes[last].checkpoint().size);
        let reason = format!(
            "they are not those that the kept checkpoint of size {size} was made of: one of them was changed"
        );
        Finding::within(shown + 1, size, reason)
    }
}
