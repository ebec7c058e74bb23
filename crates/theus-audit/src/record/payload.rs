//! An attempt as the payload of a frame; the module `log` draws the layout.
//!
//! Invariant: [`read`] accepts exactly what [`write`] makes, so a payload has one meaning and an entry one payload.

use crate::log::frame::take;
use crate::{ChangedPath, Entry, Outcome};
use std::time::Duration;

const VERSION: u8 = 1;
const SIGNAL: u8 = 2;
const WORKER: u8 = 4;
const ERROR: u8 = 8;
const INPUTS: u8 = 16;
const UPDATE: u8 = 32;
const REQUESTER: u8 = 64;
const REASON: u8 = 128;

/// The part of fixed length.
const FIXED: usize = 70;

/// Adds the payload of a bounded entry to the buffer.
pub(crate) fn write(entry: &Entry, buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(&fixed(entry));
    for digest in [&entry.inputs, &entry.update].into_iter().flatten() {
        buffer.extend_from_slice(digest);
    }
    buffer.extend_from_slice(entry.process.as_bytes());
    for text in
        [entry.error.as_deref(), entry.requester.as_deref(), entry.reason.as_deref()].into_iter().flatten()
    {
        buffer.extend_from_slice(text.as_bytes());
    }
    for changed in &entry.paths {
        buffer.extend_from_slice(&length(changed.path.len()));
        buffer.extend_from_slice(changed.path.as_bytes());
        buffer.extend_from_slice(&changed.hash);
    }
}

fn fixed(entry: &Entry) -> [u8; FIXED] {
    let present = [
        (VERSION, entry.version.is_some()),
        (SIGNAL, entry.signal.is_some()),
        (WORKER, entry.worker.is_some()),
        (ERROR, entry.error.is_some()),
        (INPUTS, entry.inputs.is_some()),
        (UPDATE, entry.update.is_some()),
        (REQUESTER, entry.requester.is_some()),
        (REASON, entry.reason.is_some()),
    ];
    let nanoseconds = u64::try_from(entry.duration.as_nanos()).unwrap_or(u64::MAX);
    let text = |text: Option<&str>| length(text.map_or(0, str::len));
    let mut fixed = [0; FIXED];
    fixed[0] = entry.outcome.code();
    fixed[1] = present.into_iter().filter(|(_, there)| *there).fold(0, |bits, (bit, _)| bits | bit);
    fixed[2..10].copy_from_slice(&entry.task.to_le_bytes());
    fixed[10..14].copy_from_slice(&entry.attempt.to_le_bytes());
    fixed[14..22].copy_from_slice(&entry.base_version.to_le_bytes());
    fixed[22..30].copy_from_slice(&entry.version.unwrap_or_default().to_le_bytes());
    fixed[30..34].copy_from_slice(&entry.signal.unwrap_or_default().to_le_bytes());
    fixed[34..38].copy_from_slice(&entry.worker.unwrap_or_default().to_le_bytes());
    fixed[38..46].copy_from_slice(&nanoseconds.to_le_bytes());
    fixed[46..50].copy_from_slice(&length(entry.process.len()));
    fixed[50..54].copy_from_slice(&text(entry.error.as_deref()));
    fixed[54..58].copy_from_slice(&text(entry.requester.as_deref()));
    fixed[58..62].copy_from_slice(&text(entry.reason.as_deref()));
    fixed[62..66].copy_from_slice(&length(entry.paths.len()));
    fixed[66..70].copy_from_slice(&entry.more_paths.to_le_bytes());
    fixed
}

/// Lengths fit: entries are bounded far below.
fn length(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes()
}

/// Reads the payload of an attempt; None if it is not as drawn, to the last byte.
pub(crate) fn read(payload: &[u8]) -> Option<Entry> {
    let parts = Parts::of(payload)?;
    let [process, error, requester, reason] = parts.texts;
    let mut rest = parts.paths;
    let mut paths = Vec::with_capacity(parts.count as usize);
    for _ in 0..parts.count {
        let (path, hash) = path(&mut rest)?;
        paths.push(ChangedPath { path: path.to_owned(), hash });
    }
    Some(Entry {
        process: process.into(),
        task: parts.task,
        attempt: parts.attempt,
        base_version: parts.base_version,
        version: parts.has(VERSION).then_some(parts.version),
        outcome: parts.outcome,
        paths,
        more_paths: parts.more_paths,
        error: parts.has(ERROR).then(|| error.to_owned()),
        signal: parts.has(SIGNAL).then_some(parts.signal),
        worker: parts.has(WORKER).then_some(parts.worker),
        duration: parts.duration,
        requester: parts.has(REQUESTER).then(|| requester.into()),
        reason: parts.has(REASON).then(|| reason.to_owned()),
        inputs: parts.inputs,
        update: parts.update,
    })
}

/// Whether [`read`] would accept the payload. Takes no memory, for a check of millions of them.
pub(crate) fn is_drawn(payload: &[u8]) -> bool {
    Parts::of(payload).is_some()
}

/// A payload as drawn, its texts where they lie.
struct Parts<'a> {
    outcome: Outcome,
    present: u8,
    task: u64,
    attempt: u32,
    base_version: u64,
    version: u64,
    signal: i32,
    worker: u32,
    duration: Duration,
    inputs: Option<[u8; 32]>,
    update: Option<[u8; 32]>,
    /// Process, error, requester, reason.
    texts: [&'a str; 4],
    /// How many paths there are; each of them is whole.
    count: u32,
    paths: &'a [u8],
    more_paths: u32,
}

impl<'a> Parts<'a> {
    fn of(payload: &'a [u8]) -> Option<Self> {
        let mut rest = payload;
        let [outcome, present] = take(&mut rest)?;
        let task = u64::from_le_bytes(take(&mut rest)?);
        let attempt = u32::from_le_bytes(take(&mut rest)?);
        let base_version = u64::from_le_bytes(take(&mut rest)?);
        let version = u64::from_le_bytes(take(&mut rest)?);
        let signal = i32::from_le_bytes(take(&mut rest)?);
        let worker = u32::from_le_bytes(take(&mut rest)?);
        let duration = Duration::from_nanos(u64::from_le_bytes(take(&mut rest)?));
        let mut lengths = [0; 4];
        for length in &mut lengths {
            *length = u32::from_le_bytes(take(&mut rest)?) as usize;
        }
        let count = u32::from_le_bytes(take(&mut rest)?);
        let more_paths = u32::from_le_bytes(take(&mut rest)?);
        let inputs = if present & INPUTS != 0 { Some(take(&mut rest)?) } else { None };
        let update = if present & UPDATE != 0 { Some(take(&mut rest)?) } else { None };
        let mut texts = [""; 4];
        for (place, length) in texts.iter_mut().zip(lengths) {
            *place = text(&mut rest, length)?;
        }
        let paths = rest;
        for _ in 0..count {
            path(&mut rest)?;
        }
        let outcome = Outcome::ALL.into_iter().find(|known| known.code() == outcome)?;
        let parts = Parts {
            outcome,
            present,
            task,
            attempt,
            base_version,
            version,
            signal,
            worker,
            duration,
            inputs,
            update,
            texts,
            count,
            paths,
            more_paths,
        };
        (rest.is_empty() && parts.absent_is_empty()).then_some(parts)
    }

    /// A field that is absent and yet not empty would give a payload a twin that means the same.
    fn absent_is_empty(&self) -> bool {
        let [_, error, requester, reason] = self.texts.map(str::is_empty);
        let empty = [
            (VERSION, self.version == 0),
            (SIGNAL, self.signal == 0),
            (WORKER, self.worker == 0),
            (ERROR, error),
            (REQUESTER, requester),
            (REASON, reason),
        ];
        empty.into_iter().all(|(bit, empty)| self.has(bit) || empty)
    }

    fn has(&self, bit: u8) -> bool {
        self.present & bit != 0
    }
}

/// The path that the bytes begin with, and its hash.
fn path<'a>(rest: &mut &'a [u8]) -> Option<(&'a str, [u8; 32])> {
    let length = u32::from_le_bytes(take(rest)?) as usize;
    Some((text(rest, length)?, take(rest)?))
}

fn text<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a str> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    std::str::from_utf8(taken).ok()
}
