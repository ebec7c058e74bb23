//! Puts frames at the end of a trail's newest file, and begins the next file.
//!
//! What not: what frames say and how they are numbered (see `trail`), when the file is synced, and what was there before
//! (see `opening`). The caller's lock makes calls come one at a time.
//!
//! Invariants: a frame is written by one call of the system, right behind the one before; what is half written is cut
//! before anything else is; a frame waits in memory only behind or as the first that the disk has refused.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::file::{Disk, DiskFile, file_path, write_all};
use super::gate::Gate;
use super::{OnFull, Unwritten};
use crate::log::frame::{Kind, MAGIC};
use crate::log::marks::{FileMark, Identity};
use crate::trail::Tail;

/// Most bytes of frames that wait in memory while work may begin.
const MOST_WAITING: usize = 64 << 20;

pub(crate) struct Writer {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) trail: PathBuf,
    pub(crate) identity: Identity,
    /// The first file, kept open for its lock, which says that the trail is being written.
    pub(crate) lock: Arc<dyn DiskFile>,
    pub(crate) newest: Newest,
    pub(crate) max_file: u64,
    pub(crate) on_full: OnFull,
    pub(crate) waiting: Waiting,
    /// What syncs the files.
    pub(crate) gate: Arc<Gate>,
}

/// The file that is written to.
#[derive(Clone, Debug)]
pub(crate) struct Newest {
    pub(crate) file: Arc<dyn DiskFile>,
    /// Which file of the trail it is, from 1.
    pub(crate) index: u32,
    /// Where the next frame goes.
    pub(crate) end: u64,
    /// Half a frame may lie behind the end.
    pub(crate) torn: bool,
    /// The number of the newest frame in it.
    pub(crate) written: u64,
    /// At which length the next file is begun.
    pub(crate) full_at: u64,
}

/// The frames that the disk has refused, in order.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    frames: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Newest {
    pub(crate) fn new(file: Arc<dyn DiskFile>, index: u32, end: u64, written: u64, max_file: u64) -> Self {
        Newest { file, index, end, torn: false, written, full_at: max_file }
    }

    /// Writes one frame, or nothing.
    pub(crate) fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        if self.torn {
            self.file.set_length(self.end)?;
            self.torn = false;
        }
        if let Err(error) = write_all(&*self.file, frame, self.end) {
            self.torn = self.file.set_length(self.end).is_err();
            return Err(error);
        }
        self.end += frame.len() as u64;
        self.written += 1;
        Ok(())
    }

    /// Writes one frame where a torn end begins, and then cuts what is left of that end.
    ///
    /// A crash in between leaves the frame with the torn end behind it, which the next opening cuts: the zeros see to it that
    /// nothing in there is taken for the next frame.
    pub(crate) fn write_over(&mut self, frame: &[u8]) -> io::Result<()> {
        write_all(&*self.file, &[frame, &[0; 4]].concat(), self.end)?;
        self.file.sync()?;
        self.end += frame.len() as u64;
        self.written += 1;
        self.file.set_length(self.end)?;
        self.file.sync()
    }
}

impl Writer {
    /// Writes what waits, and begins the next file if this one is full.
    pub(crate) fn prepare(&mut self, tail: &mut Tail, now: u64) -> Result<(), Unwritten> {
        self.write_waiting()?;
        if self.newest.end >= self.newest.full_at
            && self.gate.broken().is_none()
            && self.begin_next(tail, now).is_err()
        {
            // This file goes on, and is not asked again at every frame.
            self.newest.full_at = self.newest.end.saturating_add(self.max_file);
        }
        Ok(())
    }

    /// Writes a frame that nothing waits before. On an error nothing was written.
    pub(crate) fn write(&mut self, frame: &[u8]) -> Result<(), Unwritten> {
        self.newest.write(frame).map_err(|error| self.refused(error))
    }

    /// Writes a frame, or lets it wait: behind others, or because the disk refuses it.
    pub(crate) fn write_or_wait(&mut self, frame: &[u8]) {
        if !self.waiting.frames.is_empty() || self.newest.write(frame).is_err() {
            self.waiting.bytes += frame.len();
            self.waiting.frames.push_back(frame.to_vec());
        }
    }

    /// Whether a frame that must be written may be appended: else why not.
    pub(crate) fn check(&mut self) -> Result<(), Unwritten> {
        if let Some(error) = self.gate.broken() {
            return Err(self.unwritten(error, true));
        }
        match self.write_waiting() {
            Err(refusal) if self.on_full == OnFull::Block || self.waiting.bytes > MOST_WAITING => {
                Err(refusal)
            }
            _ => Ok(()),
        }
    }

    /// How many frames wait in memory.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.frames.len()
    }

    pub(crate) fn path(&self) -> PathBuf {
        file_path(&self.trail, self.newest.index)
    }

    pub(crate) fn write_waiting(&mut self) -> Result<(), Unwritten> {
        while let Some(frame) = self.waiting.frames.pop_front() {
            if let Err(error) = self.newest.write(&frame) {
                self.waiting.frames.push_front(frame);
                return Err(self.refused(error));
            }
            self.waiting.bytes -= frame.len();
        }
        Ok(())
    }

    fn refused(&self, error: io::Error) -> Unwritten {
        self.unwritten(&Arc::new(error), false)
    }

    pub(crate) fn unwritten(&self, error: &Arc<io::Error>, broken: bool) -> Unwritten {
        Unwritten { path: self.path(), waiting: self.waiting.frames.len(), broken, source: Arc::clone(error) }
    }

    /// Begins the next file, and leaves everything as it is when that fails.
    fn begin_next(&mut self, tail: &mut Tail, now: u64) -> Result<(), Arc<io::Error>> {
        // A file that another follows is whole on the disk, so that only the newest can be torn.
        self.gate.sync(&*self.newest.file)?;
        let index = self.newest.index + 1;
        let path = file_path(&self.trail, index);
        let mut after = tail.clone();
        let bytes = beginning(&self.identity, index, &mut after, now);
        let file = self.disk.open(&path, true)?;
        let written = write_all(&*file, &bytes, 0).and_then(|()| file.sync());
        if let Err(error) = written.and_then(|()| self.disk.sync_name(&path)) {
            // The frames that this file gets instead must not have a rival in the next.
            let gone = self.disk.remove(&path).and_then(|()| self.disk.sync_name(&path));
            let gone = gone.or_else(|_| file.set_length(0).and_then(|()| file.sync()));
            return Err(if gone.is_err() { self.gate.fail(error) } else { Arc::new(error) });
        }
        self.newest = Newest::new(file, index, bytes.len() as u64, after.frontier().size(), self.max_file);
        *tail = after;
        Ok(())
    }
}

/// The beginning of a file: magic and file frame, which is pushed.
pub(crate) fn beginning(identity: &Identity, index: u32, tail: &mut Tail, now: u64) -> Vec<u8> {
    let mark = FileMark { identity: identity.clone(), index, before: tail.frontier().clone() };
    let mut frame = Vec::new();
    tail.mark(Kind::File, now, &mut frame, |buffer| mark.write(buffer));
    [&MAGIC[..], &frame].concat()
}
