//! The frames and the records of a trail's files, one after the other.
//!
//! What not: keys and kept checkpoints; each frame is checked as `verify` does but for those.
//!
//! An end that is no frame is the end here, unless a checkpoint covers it: a trail that is being written has one now and then.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::files::trail_files;
use crate::Record;
use crate::log::frame::{Frame, MAGIC};
use crate::log::reader::{Reader, Step};
use crate::log::scan::{Flaw, Scan};
use crate::tree::Hash;

/// Why the files of a trail cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A frame is not as drawn.
    #[error("{}: frame {number}: {flaw}", path.display())]
    Flaw {
        /// The file.
        path: PathBuf,
        /// The frame's number.
        number: u64,
        /// What is wrong with it.
        flaw: Flaw,
    },
}

/// The records of a trail in order. After an error there are no more.
#[derive(Debug)]
pub struct Records {
    walk: Option<FrameWalk>,
}

/// The records of the trail whose first file is `path`, which may be open for writing meanwhile.
///
/// # Errors
/// When the first file is not there, or the folder cannot be read.
pub fn records_of(path: &Path) -> Result<Records, ReadError> {
    Ok(Records { walk: Some(FrameWalk::of(path)?) })
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let walk = self.walk.as_mut()?;
        loop {
            let end = match walk.next(|frame, _| Record::of_frame(frame)) {
                Ok(Some(None)) => continue,
                Ok(Some(Some(record))) => return Some(Ok(record)),
                Ok(None) => None,
                Err(error) => Some(Err(error)),
            };
            self.walk = None;
            return end;
        }
    }
}

/// Goes through the frames of a trail.
#[derive(Debug)]
pub(super) struct FrameWalk {
    /// Those not begun yet, the next one last.
    files: Vec<PathBuf>,
    open: Option<(PathBuf, Reader<File>)>,
    scan: Scan,
}

impl FrameWalk {
    pub(super) fn of(path: &Path) -> Result<Self, ReadError> {
        let files = trail_files(path).map_err(|source| ReadError::Io { path: path.to_path_buf(), source })?;
        let files = files.into_iter().rev().map(|(_, path)| path).collect();
        Ok(FrameWalk { files, open: None, scan: Scan::default() })
    }

    /// How many frames were passed.
    pub(super) fn frames(&self) -> u64 {
        self.scan.frames()
    }

    /// The root of the tree of them.
    pub(super) fn root(&mut self) -> Hash {
        self.scan.head().root()
    }

    /// The name under which the trail's checkpoints are signed, once its first frame was passed.
    pub(super) fn origin(&self) -> Option<&str> {
        self.scan.identity().map(|identity| &*identity.origin)
    }

    /// What `take` makes of the next frame and its leaf hash; None at the end.
    pub(super) fn next<T>(
        &mut self,
        take: impl FnOnce(&Frame<'_>, Hash) -> T,
    ) -> Result<Option<T>, ReadError> {
        loop {
            let Some((path, reader)) = &mut self.open else {
                let Some(path) = self.files.pop() else {
                    return Ok(None);
                };
                let file =
                    File::open(&path).map_err(|source| ReadError::Io { path: path.clone(), source })?;
                self.scan.begin_file();
                self.open = Some((path, Reader::new(file)));
                continue;
            };
            let step = reader.next().map_err(|source| ReadError::Io { path: path.clone(), source })?;
            let flaw = match step {
                Step::End if self.scan.in_file() => {
                    self.open = None;
                    continue;
                }
                Step::End => Flaw::NoFile,
                Step::Flaw(flaw) => flaw,
                Step::Frame(frame) => match self.scan.admit(&frame) {
                    Ok(leaf) => return Ok(Some(take(&frame, leaf))),
                    Err(flaw) => flaw,
                },
            };
            let number = self.scan.frames() + 1;
            let is_end = self.files.is_empty() && (flaw.is_tear() || !self.scan.in_file());
            let rest = reader.rest(number).map_err(|source| ReadError::Io { path: path.clone(), source })?;
            // No half frame has a checkpoint behind it, and no half beginning has more than one that is another.
            let is_beginning = flaw != Flaw::Magic || rest.bytes < MAGIC.len() as u64;
            if is_end && rest.covering.is_none() && is_beginning {
                return Ok(None);
            }
            return Err(ReadError::Flaw { path: path.clone(), number, flaw });
        }
    }
}
