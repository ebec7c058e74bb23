//! The frames in the bytes of one file, one after the other, with a buffer of bounded size.
//!
//! What not: whether a frame follows the one before rightly (see `scan`).

use std::io::{ErrorKind, Read};

use sha2::{Digest, Sha256};

use super::frame::{Frame, HEAD, Kind, MAGIC, MAX_FRAME, MIN_FRAME};
use super::marks::CheckpointMark;
use super::scan::Flaw;
use crate::tree::Hash;

/// How much is read at once.
const BUFFER: usize = 64 << 10;
/// The length of a checkpoint frame without its note.
const BARE_CHECKPOINT: usize = MIN_FRAME + 44;
/// No checkpoint frame is longer: its note has three lines and one signature, all bounded by the longest origin.
const LONGEST_CHECKPOINT: usize = BARE_CHECKPOINT + (1 << 10);

/// Reads the frames of one file, from its first byte.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    input: R,
    buffer: Vec<u8>,
    /// What of the buffer was read and not yet given.
    start: usize,
    end: usize,
    /// Where in the file `start` is.
    offset: u64,
    ended: bool,
}

/// What comes next in a file.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// A whole frame.
    Frame(Frame<'a>),
    /// The file ends here, behind a whole frame.
    End,
    /// No frame, from [`Reader::offset`] on.
    Flaw(Flaw),
}

/// What lies behind the last frame of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) bytes: u64,
    /// SHA-256 of them.
    pub(crate) hash: Hash,
    /// The number of a whole checkpoint frame in them that covers what is missing, if there is one: then no crash made it so.
    pub(crate) covering: Option<u64>,
}

impl<R: Read> Reader<R> {
    pub(crate) fn new(input: R) -> Self {
        Reader { input, buffer: Vec::new(), start: 0, end: 0, offset: 0, ended: false }
    }

    /// Where in the file the next frame begins: how many bytes before it are good.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next frame. After anything but a frame it says the same again.
    ///
    /// # Errors
    /// Only those of the input.
    pub(crate) fn next(&mut self) -> std::io::Result<Step<'_>> {
        if self.offset == 0 {
            self.fill(MAGIC.len())?;
            if !self.buffer[..self.end].starts_with(&MAGIC) {
                return Ok(Step::Flaw(Flaw::Magic));
            }
            self.consume(MAGIC.len());
        }
        self.fill(MIN_FRAME)?;
        let left = &self.buffer[self.start..self.end];
        if left.is_empty() {
            return Ok(Step::End);
        }
        let length = left.first_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize);
        if (MIN_FRAME..=MAX_FRAME).contains(&length) {
            self.fill(length)?;
        }
        match Frame::parse(&self.buffer[self.start..self.end]) {
            Ok(frame) => {
                self.start += frame.length();
                self.offset += frame.length() as u64;
                Ok(Step::Frame(frame))
            }
            Err(error) => Ok(Step::Flaw(Flaw::Frame(error))),
        }
    }

    /// Reads from [`Reader::offset`] to the end of the file, where frame `number` should have been.
    ///
    /// # Errors
    /// Only those of the input.
    pub(crate) fn rest(&mut self, number: u64) -> std::io::Result<Rest> {
        let mut hasher = Sha256::new();
        let mut rest = Rest { bytes: 0, hash: [0; 32], covering: None };
        loop {
            self.fill(BUFFER)?;
            let here = &self.buffer[self.start..self.end];
            if here.is_empty() {
                rest.hash = hasher.finalize().into();
                return Ok(rest);
            }
            // A frame that begins further on may not be here to its end.
            let whole = if self.ended { here.len() } else { here.len() - LONGEST_CHECKPOINT };
            if rest.covering.is_none() {
                rest.covering = (0..whole).find_map(|at| covering(&here[at..], number));
            }
            hasher.update(&here[..whole]);
            rest.bytes += whole as u64;
            self.consume(whole);
        }
    }

    /// Has at least so many bytes ready, or all that are left.
    fn fill(&mut self, count: usize) -> std::io::Result<()> {
        if self.end - self.start >= count || self.ended {
            return Ok(());
        }
        if self.buffer.len() < count.max(BUFFER) {
            let mut larger = vec![0; count.max(BUFFER)];
            larger[..self.end - self.start].copy_from_slice(&self.buffer[self.start..self.end]);
            self.buffer = larger;
        } else {
            self.buffer.copy_within(self.start..self.end, 0);
        }
        self.end -= self.start;
        self.start = 0;
        while self.end < count {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        self.offset += count as u64;
    }
}

/// The number of the checkpoint frame that the bytes begin with, if they do and it covers frame `number`.
///
/// The cheap tests come first: a hostile file must not have a long checksum computed at every byte.
fn covering(bytes: &[u8], number: u64) -> Option<u64> {
    let length = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
    if bytes[4..].first() != Some(&(Kind::Checkpoint as u8)) || length > LONGEST_CHECKPOINT {
        return None;
    }
    let note = bytes.get(HEAD + 40..)?.first_chunk().map(|length| u32::from_le_bytes(*length) as usize)?;
    if note.checked_add(BARE_CHECKPOINT) != Some(length) {
        return None;
    }
    let frame = Frame::parse(bytes).ok()?;
    let checkpoint = CheckpointMark::read(frame.payload)?;
    (checkpoint.size >= number && frame.number > number).then_some(frame.number)
}
