//! [`Shared`]: what all handles of a store have in common, and the locking around it.
//!
//! What not: no conflict check (see [`State`]), no public face (see [`Store`](crate::Store)).
//!
//! Invariants
//! - `current` is replaced only while `writer` is held.
//! - Whenever the ticket changes hands, `handed` is notified before `writer` is given back.
//! - The only lock taken while `writer` is held is that of an observer's queue.

use crate::observer::Feeds;
use crate::snapshot::State;
use crate::ticket::{Line, Place, Requester};
use std::time::Instant;
use theus_sync::{ArcCell, Condvar, Mutex, MutexGuard};

pub(crate) struct Shared {
    pub(crate) current: ArcCell<State>,
    pub(crate) writer: Mutex<Writer>,
    handed: Condvar,
}

/// What the writers' lock guards.
#[derive(Default)]
pub(crate) struct Writer {
    line: Line,
    pub(crate) feeds: Feeds,
}

impl Shared {
    pub(crate) fn new(current: ArcCell<State>) -> Self {
        Self { current, writer: Mutex::new(Writer::default()), handed: Condvar::new() }
    }

    /// The lock, if a commit of `requester`, or of this place in the line, may pass; else who holds the ticket.
    ///
    /// Without a ticket, which is the rule, this is the lock and one comparison.
    pub(crate) fn turn(
        &self,
        requester: Option<&Requester>,
        place: Option<Place>,
    ) -> Result<MutexGuard<'_, Writer>, Requester> {
        let mut turn = self.writer.lock_after_spinning();
        if turn.line.is_free() {
            return Ok(turn);
        }
        let refused = self.on_line(&mut turn, |line, now| {
            line.settle(now);
            line.refuses(requester, place).cloned()
        });
        match refused {
            None => Ok(turn),
            Some(holder) => Err(holder),
        }
    }

    /// Does something to the line.
    pub(crate) fn with_line<R>(&self, act: impl FnOnce(&mut Line, Instant) -> R) -> R {
        self.on_line(&mut self.writer.lock(), act)
    }

    /// Blocks until `seen` finds what it looks for in the line, or the deadline is over.
    pub(crate) fn wait_line<R>(
        &self,
        deadline: Option<Instant>,
        mut seen: impl FnMut(&Line) -> Option<R>,
    ) -> Option<R> {
        let mut turn = self.writer.lock();
        loop {
            let (found, now) = self.on_line(&mut turn, |line, now| {
                line.settle(now);
                (seen(line), now)
            });
            if found.is_some() || deadline.is_some_and(|deadline| deadline <= now) {
                return found;
            }
            // Nobody tells when a lease runs out, so whoever waits wakes up for it.
            match [deadline, turn.line.until()].into_iter().flatten().min() {
                Some(end) => drop(self.handed.wait_for(&mut turn, end.saturating_duration_since(now))),
                None => self.handed.wait(&mut turn),
            }
        }
    }

    fn on_line<R>(&self, turn: &mut MutexGuard<'_, Writer>, act: impl FnOnce(&mut Line, Instant) -> R) -> R {
        let before = turn.line.held_by();
        let result = act(&mut turn.line, Instant::now());
        if turn.line.held_by() != before {
            self.handed.notify_all();
        }
        result
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.writer.get_mut().feeds.close();
    }
}
