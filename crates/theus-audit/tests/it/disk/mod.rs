//! The trail on disk: what it keeps, what it survives and what it refuses.

mod close;
mod fake;
mod full;
mod keep;
mod kill;
mod power;
mod refuse;
mod sync;
mod witness;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use theus_audit::{
    Entry, Frame, MAGIC, Outcome, Record, TrailOptions, VerifyOptions, records_of, verify_files,
};

/// A folder that is gone with the value.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("trail-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Place(path)
    }

    pub(crate) fn trail(&self) -> PathBuf {
        self.0.join("trail.theus")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// Nothing happens but what the test does: the thread sleeps for an hour.
pub(crate) fn quiet() -> TrailOptions {
    TrailOptions { sync_every: Duration::from_secs(3600), ..TrailOptions::new(*b"a trail's id: 16", 77) }
}

pub(crate) fn entry(task: u64) -> Entry {
    Entry::new("thumbnail", task, Outcome::Committed).version(task)
}

pub(crate) fn records(path: &Path) -> Vec<Record> {
    records_of(path).unwrap().map(|record| record.unwrap()).collect()
}

pub(crate) fn tasks(path: &Path) -> Vec<u64> {
    records(path).iter().map(|record| record.task).collect()
}

/// Panics unless the files are whole.
pub(crate) fn assert_whole(path: &Path) {
    let report = verify_files(path, &VerifyOptions::default()).unwrap();
    assert!(report.ok(), "{:?}", report.finding);
}

/// Where each frame of a file begins, with its kind, and where the last one ends.
pub(crate) fn frames(bytes: &[u8]) -> (Vec<(usize, Frame<'_>)>, usize) {
    let mut at = MAGIC.len();
    let mut frames = Vec::new();
    while let Ok(frame) = Frame::parse(bytes.get(at..).unwrap_or_default()) {
        let length = frame.length();
        frames.push((at, frame));
        at += length;
    }
    (frames, at)
}
