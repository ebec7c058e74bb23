//! Holdings: which of the Brain's blocks this worker keeps, and whether the Brain knows.
//!
//! What it is not: the mapping of blocks. Whoever lets anybody see a block's memory keeps a [`Hold`] for as long.
//!
//! Invariant: from the moment that a block is no longer held until the Brain is told, `stale` is set.

use std::collections::HashMap;
use theus_sync::{Arc, Mutex};

#[derive(Debug, Default)]
struct State {
    /// How many holds there are of a block, by its serial.
    held: HashMap<u64, usize>,
    /// The Brain believes something else than what is.
    stale: bool,
}

/// All holds of one worker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holdings {
    state: Arc<Mutex<State>>,
}

/// Keeps a block of the Brain in use for as long as it lives. Dropping the last one of a block gives it back, once the
/// Brain is told: with the next result, or by [`Worker::tell`](crate::Worker::tell).
#[derive(Debug)]
pub struct Hold {
    serial: u64,
    holdings: Holdings,
}

impl Holdings {
    /// Holds the block of this serial.
    pub(crate) fn hold(&self, serial: u64) -> Hold {
        *self.state.lock().held.entry(serial).or_insert(0) += 1;
        Hold { serial, holdings: self.clone() }
    }

    /// A frame came with blocks of which the Brain does not know whether they are kept.
    pub(crate) fn granted(&self) {
        self.state.lock().stale = true;
    }

    /// The serials of all blocks that are held, if the Brain has to be told.
    pub(crate) fn news(&self) -> Option<Vec<u64>> {
        let mut state = self.state.lock();
        std::mem::take(&mut state.stale).then(|| state.held.keys().copied().collect())
    }
}

impl Hold {
    /// The serial of the block.
    pub fn serial(&self) -> u64 {
        self.serial
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.holdings.state.lock();
        let State { held, stale } = &mut *state;
        if let Some(count) = held.get_mut(&self.serial) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.serial);
                *stale = true;
            }
        }
    }
}
