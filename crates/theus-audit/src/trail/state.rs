//! What a trail is at one moment: all that its one lock guards.
//!
//! Invariant: a frame counts in the tail only once it is written, or waits behind others to be.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::observer::Feeds;
use super::ring::Ring;
use super::tail::Tail;
use crate::disk::{Disk, OnFull, Unwritten, Writer};
use crate::log::frame::{self, Kind};
use crate::{Counts, Entry, Record};

pub(crate) struct State {
    pub(crate) ring: Ring,
    pub(crate) counts: Counts,
    pub(crate) tail: Tail,
    pub(crate) feeds: Feeds,
    /// What writes the frames; None in memory, and when it was closed.
    pub(crate) writer: Option<Writer>,
    /// What was written until it was closed.
    pub(crate) ended: Option<Ended>,
    /// The number of the newest frame that is worth a checkpoint: a record, or that the trail was opened.
    pub(crate) news: u64,
    /// Where frames are encoded; kept, so that an append needs no memory for it.
    buffer: Vec<u8>,
}

/// The files of a trail that was closed.
#[derive(Clone)]
pub(crate) struct Ended {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) trail: PathBuf,
    /// How many files there are.
    pub(crate) files: u32,
    /// Where the newest ends.
    pub(crate) end: u64,
    /// The number of the newest frame in it.
    pub(crate) written: u64,
    /// How many frames the disk had refused by then: they are in memory only.
    pub(crate) lost: usize,
    /// Why nothing more is written.
    why: &'static str,
}

impl Ended {
    /// As far as this has written.
    pub(crate) fn of(writer: &Writer, why: &'static str) -> Self {
        Ended {
            disk: Arc::clone(&writer.disk),
            trail: writer.trail.clone(),
            files: writer.newest.index,
            end: writer.newest.end,
            written: writer.newest.written,
            lost: writer.waiting(),
            why,
        }
    }

    /// What became of the frames that waited.
    pub(crate) fn loss(&self) -> String {
        format!(
            "{} records waited in memory for room on the disk when the trail was closed, and are not in it",
            self.lost
        )
    }

    /// Why no record is written any more, or was not.
    pub(crate) fn refusal(&self) -> Unwritten {
        let why = if self.lost > 0 { self.loss() } else { self.why.to_owned() };
        let source = Arc::new(io::Error::new(io::ErrorKind::NotConnected, why));
        Unwritten { path: self.trail.clone(), waiting: 0, broken: false, source }
    }
}

/// A record that was appended, and the one that has left memory for it. Whoever drops them does so outside the lock.
pub(crate) struct Appended {
    pub(crate) record: Arc<Record>,
    pub(crate) leaving: Option<Arc<Record>>,
}

impl State {
    pub(crate) fn new(capacity: usize, tail: Tail, writer: Option<Writer>) -> Self {
        State {
            ring: Ring::new(capacity),
            counts: Counts::default(),
            tail,
            feeds: Feeds::default(),
            writer,
            ended: None,
            news: 0,
            buffer: Vec::new(),
        }
    }

    /// Gives away what writes the frames; none is written from now on.
    pub(crate) fn end(&mut self, why: &'static str) -> Option<Writer> {
        let writer = self.writer.take()?;
        self.ended = Some(Ended::of(&writer, why));
        Some(writer)
    }

    /// Appends what has happened.
    pub(crate) fn append(&mut self, entry: Entry, now: u64) -> Appended {
        self.prepare(now);
        let record = self.seal(entry, now);
        if let Some(writer) = &mut self.writer {
            writer.write_or_wait(&self.buffer);
        }
        self.push(record)
    }

    /// Whether a record that must be written may be appended.
    pub(crate) fn check(&mut self) -> Result<(), Unwritten> {
        match (&mut self.writer, &self.ended) {
            (Some(writer), _) => writer.check(),
            (None, Some(ended)) => Err(ended.refusal()),
            (None, None) => Ok(()),
        }
    }

    /// Appends what must not happen unrecorded.
    pub(crate) fn try_append(&mut self, entry: Entry, now: u64) -> Result<Appended, Unwritten> {
        self.prepare(now);
        // Only now, for the next file may have been begun, and that takes a sync.
        self.check()?;
        let record = self.seal(entry, now);
        match &mut self.writer {
            Some(writer) if writer.on_full == OnFull::Block => writer.write(&self.buffer)?,
            Some(writer) => writer.write_or_wait(&self.buffer),
            None => {}
        }
        Ok(self.push(record))
    }

    /// Appends a frame that is no record, if nothing has to wait and it can be written.
    pub(crate) fn mark(
        &mut self,
        kind: Kind,
        now: u64,
        payload: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Unwritten> {
        if let Some(writer) = &mut self.writer {
            writer.prepare(&mut self.tail, now)?;
        }
        self.mark_in_newest(kind, now, payload)
    }

    /// As [`State::mark`], in the present file whatever its length. Nothing may be waiting.
    pub(crate) fn mark_in_newest(
        &mut self,
        kind: Kind,
        now: u64,
        payload: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Unwritten> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let mut after = self.tail.clone();
        self.buffer.clear();
        after.mark(kind, now, &mut self.buffer, payload);
        writer.write(&self.buffer)?;
        self.tail = after;
        Ok(())
    }

    /// Makes room in the file. What cannot be done is tried again with the frame itself.
    fn prepare(&mut self, now: u64) {
        if let Some(writer) = &mut self.writer {
            let _refused = writer.prepare(&mut self.tail, now);
        }
    }

    /// The record as the next frame, which lies in the buffer, ready to be written.
    fn seal(&mut self, entry: Entry, now: u64) -> Record {
        self.buffer.clear();
        let record = self.tail.seal(entry, now, &mut self.buffer);
        if self.writer.is_some() {
            frame::close(&mut self.buffer);
        }
        record
    }

    fn push(&mut self, record: Record) -> Appended {
        let record = Arc::new(record);
        self.tail.push(record.digest, record.time);
        self.news = record.number;
        self.counts.add(record.outcome);
        self.feeds.tell(&record);
        let leaving = self.ring.push(Arc::clone(&record));
        Appended { record, leaving }
    }
}
