//! The bell: how one end of a link wakes the other without a system call when nobody sleeps.
//!
//! One word holds a count of rings and three flags. All changes are read-modify-write operations on that one word, so
//! they have one total order, and that order alone carries the argument:
//!
//! * A ringer first publishes its frame, then adds to the word and looks at the flags it found there.
//! * A sleeper first sets its flag, then looks at the ring once more, then waits for the word to change.
//! * If the ringer's addition comes first, the sleeper's flag-setting reads from it and so sees the frame. If it
//!   comes second, the ringer finds the flag and wakes, and the word has changed under the sleeper in any case.
//!
//! On the Brain's end two parties may listen: the *keeper* thread of the worker, always there, and a *leader*: a caller
//! that waits for the result and receives it itself, which saves a thread switch. While a leader is present the keeper
//! is left asleep. A leader that leaves clears its flag and looks at the ring once more; by the same argument a frame
//! is either seen by it, or its ringer found the flag cleared and woke the keeper.
//!
//! Only acquire and release are used, no sequential consistency, so that loom's model is ours (`tests/model`).

use super::cells::Cells;
use std::time::Duration;

/// The keeper sleeps; also its wake mask.
const KEEPER: u32 = 1;
/// A leader is present: leave the keeper asleep.
const LEADER: u32 = 2;
/// The leader sleeps; also its wake mask.
const LEADER_ASLEEP: u32 = 4;
/// One ring; the count fills the rest of the word and wraps.
const RING: u32 = 8;

/// One end's bell in the shared memory.
#[derive(Clone, Copy, Debug)]
pub struct Bell {
    word: usize,
}

impl Bell {
    /// The bell whose word lies at this offset.
    pub const fn at(word: usize) -> Self {
        Bell { word }
    }

    /// Tells the other end that something was published. Call it after publishing.
    pub fn ring<C: Cells>(&self, cells: &C) {
        let before = cells.fetch_add(self.word, RING);
        if before & LEADER != 0 {
            if before & LEADER_ASLEEP != 0 {
                cells.wake(self.word, LEADER_ASLEEP);
            }
        } else if before & KEEPER != 0 {
            cells.wake(self.word, KEEPER);
        }
    }

    /// Wakes everybody who listens, whatever the flags say: for the death of the other end.
    pub fn alarm<C: Cells>(&self, cells: &C) {
        cells.fetch_add(self.word, RING);
        cells.wake(self.word, KEEPER | LEADER_ASLEEP);
    }

    /// Sleeps as the keeper until a ring, unless `idle` is false once the flag is up.
    pub fn sleep<C: Cells>(&self, cells: &C, timeout: Option<Duration>, idle: impl FnOnce() -> bool) {
        self.sleep_as(cells, KEEPER, timeout, idle);
    }

    /// Becomes the leader; false if there already is one.
    pub fn lead<C: Cells>(&self, cells: &C) -> bool {
        cells.fetch_or(self.word, LEADER) & LEADER == 0
    }

    /// Sleeps as the leader until a ring, unless `idle` is false once the flag is up.
    pub fn sleep_leading<C: Cells>(&self, cells: &C, timeout: Option<Duration>, idle: impl FnOnce() -> bool) {
        self.sleep_as(cells, LEADER_ASLEEP, timeout, idle);
    }

    /// Stops leading. If `idle` is false afterwards the keeper is woken to take what is left.
    pub fn resign<C: Cells>(&self, cells: &C, idle: impl FnOnce() -> bool) {
        cells.fetch_and(self.word, !(LEADER | LEADER_ASLEEP));
        if !idle() {
            cells.wake(self.word, KEEPER);
        }
    }

    fn sleep_as<C: Cells>(
        &self,
        cells: &C,
        flag: u32,
        timeout: Option<Duration>,
        idle: impl FnOnce() -> bool,
    ) {
        let seen = cells.fetch_or(self.word, flag) | flag;
        if idle() {
            cells.wait(self.word, seen, flag, timeout);
        }
        cells.fetch_and(self.word, !flag);
    }
}
