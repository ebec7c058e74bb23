//! The payloads of the frames that are no records: file, checkpoint and opened. The module above draws them.
//!
//! What not: whether what they say is true of the frames around them.
//! Invariant: `read` accepts exactly what `write` makes.

use super::frame::take;
use crate::checkpoint::check_origin;
use crate::tree::{Frontier, Hash};

/// What all files of a trail say alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: [u8; 16],
    /// The Ed25519 public key that signs checkpoints.
    pub(crate) key: Option<[u8; 32]>,
    pub(crate) origin: String,
}

/// The payload of the first frame of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileMark {
    pub(crate) identity: Identity,
    /// Which file this is, from 1.
    pub(crate) index: u32,
    /// The tree of all frames before.
    pub(crate) before: Frontier,
}

impl FileMark {
    pub(crate) fn write(&self, buffer: &mut Vec<u8>) {
        let Identity { id, key, origin } = &self.identity;
        buffer.extend_from_slice(id);
        buffer.extend_from_slice(&self.index.to_le_bytes());
        let hashes = self.before.hashes();
        buffer.push(u8::try_from(hashes.len()).unwrap_or(u8::MAX));
        hashes.iter().for_each(|hash| buffer.extend_from_slice(hash));
        buffer.push(u8::from(key.is_some()));
        key.iter().for_each(|key| buffer.extend_from_slice(key));
        // An origin is checked before it becomes that of a trail.
        buffer.extend_from_slice(&u16::try_from(origin.len()).unwrap_or(u16::MAX).to_le_bytes());
        buffer.extend_from_slice(origin.as_bytes());
    }

    /// Reads the payload of the frame of this number; None if it is not as drawn, to the last byte.
    pub(crate) fn read(number: u64, payload: &[u8]) -> Option<Self> {
        let mut rest = payload;
        let id = take(&mut rest)?;
        let index = u32::from_le_bytes(take(&mut rest)?);
        let [count] = take(&mut rest)?;
        let hashes = (0..count).map(|_| take(&mut rest)).collect::<Option<Vec<Hash>>>()?;
        let before = Frontier::from_hashes(number.checked_sub(1)?, hashes).ok()?;
        let key = match take(&mut rest)? {
            [0] => None,
            [1] => Some(take(&mut rest)?),
            [_] => return None,
        };
        let length = u16::from_le_bytes(take(&mut rest)?);
        let origin = text(rest, usize::from(length))?;
        check_origin(&origin).ok()?;
        Some(FileMark { identity: Identity { id, key, origin }, index, before })
    }
}

/// The payload of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckpointMark {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    pub(crate) note: String,
}

impl CheckpointMark {
    pub(crate) fn write(&self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(&self.size.to_le_bytes());
        buffer.extend_from_slice(&self.root);
        // Origin, two numbers and a signature: far below.
        buffer.extend_from_slice(&u32::try_from(self.note.len()).unwrap_or(u32::MAX).to_le_bytes());
        buffer.extend_from_slice(self.note.as_bytes());
    }

    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let mut rest = payload;
        let size = u64::from_le_bytes(take(&mut rest)?);
        let root = take(&mut rest)?;
        let length = u32::from_le_bytes(take(&mut rest)?);
        let note = text(rest, usize::try_from(length).ok()?)?;
        Some(CheckpointMark { size, root, note })
    }
}

/// The payload of a frame that says that the trail was opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenedMark {
    /// The process that opened it.
    pub(crate) process: u32,
    /// How many bytes of a torn end were cut,
    pub(crate) cut_bytes: u64,
    /// at which offset,
    pub(crate) cut_at: u64,
    /// and SHA-256 of them; zeros if none were.
    pub(crate) cut_hash: Hash,
}

impl OpenedMark {
    pub(crate) fn write(&self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(&self.process.to_le_bytes());
        buffer.extend_from_slice(&self.cut_bytes.to_le_bytes());
        buffer.extend_from_slice(&self.cut_at.to_le_bytes());
        buffer.extend_from_slice(&self.cut_hash);
    }

    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let mut rest = payload;
        let mark = OpenedMark {
            process: u32::from_le_bytes(take(&mut rest)?),
            cut_bytes: u64::from_le_bytes(take(&mut rest)?),
            cut_at: u64::from_le_bytes(take(&mut rest)?),
            cut_hash: take(&mut rest)?,
        };
        let uncut = mark.cut_at == 0 && mark.cut_hash == [0; 32];
        (rest.is_empty() && (mark.cut_bytes != 0 || uncut)).then_some(mark)
    }
}

/// All of the rest, if it is a text of this length.
fn text(rest: &[u8], length: usize) -> Option<String> {
    (rest.len() == length).then(|| str::from_utf8(rest).ok().map(str::to_owned)).flatten()
}
