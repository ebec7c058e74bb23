//! Syncs of a trail's file that are shared: whoever comes while one runs waits for the next, and one of them makes it for all.
//!
//! What not: the files and their numbers, which the caller gives.
//!
//! Invariant: a number counts as synced only after a sync that began when its frame was written has not failed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::disk::{DiskFile, Gate};

#[derive(Default)]
pub(crate) struct Syncs {
    turn: Mutex<Turn>,
    ended: Condvar,
}

#[derive(Default)]
struct Turn {
    /// All frames up to this number are on the disk.
    durable: u64,
    running: bool,
}

impl Syncs {
    pub(crate) fn durable(&self) -> u64 {
        self.lock().durable
    }

    /// Sees to it that the frames up to `number` are on the disk. `written` gives the newest file and the number of the newest
    /// frame in it, all of whose forerunners are in it or synced; it must reach `number`.
    ///
    /// `refuse` makes an error of what a sync has said, now or earlier.
    pub(crate) fn reach<E>(
        &self,
        number: u64,
        gate: &Gate,
        written: impl FnOnce() -> Result<(Arc<dyn DiskFile>, u64), E>,
        refuse: impl FnOnce(&Arc<std::io::Error>) -> E,
    ) -> Result<(), E> {
        let mut turn = self.lock();
        loop {
            if turn.durable >= number {
                return Ok(());
            }
            if let Some(error) = gate.broken() {
                drop(turn);
                return Err(refuse(error));
            }
            if !turn.running {
                break;
            }
            turn = self.ended.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        turn.running = true;
        drop(turn);
        let mut lead = Lead { syncs: self, durable: 0 };
        let (file, newest) = written()?;
        gate.sync(&*file).map_err(|error| refuse(&error))?;
        lead.durable = newest;
        Ok(())
    }

    /// Makes the last sync: waits for its turn, and `end` says of what, after which nothing more is written. Who waits
    /// meanwhile has what was written.
    pub(crate) fn finish(&self, gate: &Gate, end: impl FnOnce() -> Option<(Arc<dyn DiskFile>, u64)>) {
        let turn = self.lock();
        let mut turn =
            self.ended.wait_while(turn, |turn| turn.running).unwrap_or_else(PoisonError::into_inner);
        turn.running = true;
        drop(turn);
        let mut lead = Lead { syncs: self, durable: 0 };
        if let Some((file, newest)) = end()
            && gate.sync(&*file).is_ok()
        {
            lead.durable = newest;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of whoever syncs for all. It ends with the value, even by a panic, so that nobody waits for ever.
struct Lead<'a> {
    syncs: &'a Syncs,
    durable: u64,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut turn = self.syncs.lock();
        turn.running = false;
        turn.durable = turn.durable.max(self.durable);
        drop(turn);
        self.syncs.ended.notify_all();
    }
}
