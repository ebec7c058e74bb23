//! What a trail and its thread share: the state, and for a trail on disk its syncs and checkpoints.
//!
//! Invariants: locks are taken in this order: the notary, then the state or the turn to sync; no sync and no signature is
//! made under the state's lock, save the two syncs when one file follows another.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{ThreadId, current};
use std::time::Duration;

use super::Opened;
use super::notary::Notary;
use super::state::{Ended, State};
use super::syncs::Syncs;
use crate::disk::{DiskFile, Durability, Gate, Input, TrailError, Unwritten, Writer, file_path};
use crate::log::Kind;
use crate::log::marks::CheckpointMark;
use crate::verify::{Finding, Report, Verifier, VerifyOptions};

pub(crate) struct Shared {
    pub(crate) now: fn() -> u64,
    pub(crate) state: Mutex<State>,
    /// None: the trail is in memory only.
    pub(crate) disk: Option<OnDisk>,
}

/// What only a trail on disk has.
pub(crate) struct OnDisk {
    pub(crate) path: PathBuf,
    pub(crate) opened: Opened,
    pub(crate) durability: Durability,
    pub(crate) checkpoint_records: u64,
    pub(crate) checkpoint_every: Duration,
    pub(crate) syncs: Syncs,
    pub(crate) notary: Mutex<Notary>,
    /// Who is handing a checkpoint to the sink, a stranger's function that may come back here.
    pub(crate) telling: Mutex<Option<ThreadId>>,
    pub(crate) gate: Arc<Gate>,
}

impl Shared {
    /// A panic under the lock (out of memory, a clock that panics) comes before the first change, so what a poisoned lock
    /// guards is whole.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait_durable(&self, number: u64) -> Result<(), TrailError> {
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        match (disk.durability, disk.gate.broken()) {
            (Durability::Each, _) => self.reach(disk, number),
            (Durability::Batched, None) => Ok(()),
            (Durability::Batched, Some(error)) => Err(self.refuse(disk, error).into()),
        }
    }

    pub(crate) fn sync(&self) -> Result<(), TrailError> {
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        let number = self.lock().tail.frontier().size();
        self.reach(disk, number)
    }

    /// Syncs, and makes a checkpoint of what was there; gives its text. None where nothing is new.
    pub(crate) fn checkpoint(&self) -> Result<Option<String>, TrailError> {
        let Some(disk) = &self.disk else {
            return Ok(None);
        };
        if self.is_telling() {
            return self.sync().map(|()| None);
        }
        let mut notary = disk.notary.lock().unwrap_or_else(PoisonError::into_inner);
        let head = {
            let mut state = self.lock();
            if state.news <= notary.covered || state.ended.is_some() {
                drop(state);
                return self.sync().map(|()| None);
            }
            if let Some(writer) = &mut state.writer {
                writer.write_waiting()?;
            }
            state.tail.frontier().clone()
        };
        self.reach(disk, head.size())?;
        let note = notary.note(&head)?;
        let mark = CheckpointMark { size: head.size(), root: head.root(), note };
        self.lock().mark(Kind::Checkpoint, (self.now)(), |buffer| mark.write(buffer))?;
        notary.covered = mark.size;
        *disk.telling.lock().unwrap_or_else(PoisonError::into_inner) = Some(current().id());
        let published = notary.publish(&mark.note);
        *disk.telling.lock().unwrap_or_else(PoisonError::into_inner) = None;
        published?;
        Ok(Some(mark.note))
    }

    /// Whether this very thread is handing out a checkpoint: then it holds the notary already.
    pub(crate) fn is_telling(&self) -> bool {
        let telling =
            self.disk.as_ref().map(|disk| *disk.telling.lock().unwrap_or_else(PoisonError::into_inner));
        telling.flatten() == Some(current().id())
    }

    /// What the trail's thread does at its pace: `since` is the time since the last checkpoint. Says whether it made one.
    pub(crate) fn keep(&self, since: Duration) -> bool {
        let Some(disk) = &self.disk else {
            return false;
        };
        let covered = disk.notary.lock().unwrap_or_else(PoisonError::into_inner).covered;
        let (news, written) = {
            let mut state = self.lock();
            let written = state.writer.as_mut().map_or(0, |writer| {
                // What the disk refuses waits on; the next append says so.
                let _refused = writer.write_waiting();
                writer.newest.written
            });
            (state.news, written)
        };
        let new = news.saturating_sub(covered);
        if new >= disk.checkpoint_records.max(1) || new > 0 && since >= disk.checkpoint_every {
            // What fails is tried again, and a sync that fails is told to whoever appends.
            return self.checkpoint().is_ok();
        }
        if written > disk.syncs.durable() {
            let _failed = self.reach(disk, written);
        }
        false
    }

    pub(crate) fn verify(&self) -> Report {
        let mut state = self.lock();
        if let Some(writer) = &mut state.writer {
            let _waiting = writer.write_waiting();
        }
        let Some(written) =
            state.writer.as_ref().map(|writer| Ended::of(writer, "")).or_else(|| state.ended.clone())
        else {
            return state.ring.verify(&state.tail);
        };
        let head = state.tail.frontier().clone();
        let whole = written.written == head.size();
        let lost = if state.writer.is_none() { written.lost } else { 0 };
        drop(state);
        let mut verifier = Verifier::new(&VerifyOptions::default());
        for index in 1..=written.files {
            let path = file_path(&written.trail, index);
            let read = written.disk.open(&path, false).and_then(|file| {
                // What is appended meanwhile is not looked at, for the last of it may be half there.
                let end = if index == written.files { written.end } else { u64::MAX };
                verifier.file(Input::new(&file).take(end))
            });
            if let Err(error) = read {
                let finding = Finding::new(None, format!("{} cannot be read: {error}", path.display()));
                return Report { finding: Some(finding), ..Report::default() };
            }
        }
        let replaced = whole && *verifier.head() != head;
        let mut report = verifier.finish();
        if lost > 0 {
            report.notes.push(written.loss());
        }
        if replaced {
            let reason =
                "the files are whole, and yet not what was written to them: others were put in their place";
            report.finding.get_or_insert(Finding::new(None, reason));
        }
        report
    }

    /// Lets go of the files; what they hold is on the disk then, if the disk does not fail.
    pub(crate) fn close(&self) {
        let Some(disk) = &self.disk else { return };
        // No checkpoint is half made then, and no note is written once somebody else may have the second file.
        let mut notary = disk.notary.lock().unwrap_or_else(PoisonError::into_inner);
        let mut closed = None;
        disk.syncs.finish(&disk.gate, || {
            closed = self.lock().end("it was closed");
            closed.as_ref().map(|writer| (Arc::clone(&writer.newest.file), writer.newest.written))
        });
        notary.witness.close();
        if let Some(writer) = closed {
            // Where that fails it goes with the file.
            let _unlocked = writer.lock.unlock();
        }
    }

    fn reach(&self, disk: &OnDisk, number: u64) -> Result<(), TrailError> {
        let reached =
            disk.syncs.reach(number, &disk.gate, || self.written(), |error| self.refuse(disk, error));
        let Err(refused) = reached else { return Ok(()) };
        // The trail may have been closed, meanwhile too: what it wrote is synced, what came later is in memory only.
        match &self.lock().ended {
            Some(ended) if disk.gate.broken().is_none() && disk.syncs.durable() >= ended.written => {
                if ended.lost == 0 { Ok(()) } else { Err(ended.refusal().into()) }
            }
            _ => Err(refused.into()),
        }
    }

    /// The newest file, and the number of the newest frame in it, after what waits was written.
    fn written(&self) -> Result<(Arc<dyn DiskFile>, u64), Unwritten> {
        let mut state = self.lock();
        let Some(writer) = &mut state.writer else {
            return Err(missing());
        };
        writer.write_waiting()?;
        Ok((Arc::clone(&writer.newest.file), writer.newest.written))
    }

    fn refuse(&self, disk: &OnDisk, error: &Arc<io::Error>) -> Unwritten {
        let refusal = self.lock().writer.as_ref().map(|writer: &Writer| writer.unwritten(error, true));
        refusal.unwrap_or_else(|| Unwritten {
            path: disk.path.clone(),
            source: Arc::clone(error),
            ..missing()
        })
    }
}

/// A trail on disk has a writer until it is gone.
fn missing() -> Unwritten {
    Unwritten {
        path: PathBuf::new(),
        waiting: 0,
        broken: true,
        source: Arc::new(io::ErrorKind::NotFound.into()),
    }
}
