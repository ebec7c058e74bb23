//! A cell: where the output of one task arrives, and what all threads may know of the task meanwhile.
//!
//! Invariants
//! * It ends exactly once: filled with an output, or abandoned if the owner's code failed to give one (P1).
//! * A verdict, once passed, stays. Whoever moves a task says where it goes and learns in the same step whether a
//!   verdict was passed; whoever passes a verdict learns in the same step where the task is. So one of both acts on it.
//! * The cell's lock is the innermost: nothing is locked and no foreign code runs under it.

use crate::shield::shielded;
use crate::supervisor::TimerKey;
use std::time::{Duration, Instant};
use theus_sync::{Arc, Condvar, Mutex};

/// Why a task shall end before its function has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Cancelled,
    TimedOut,
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// On its way in some thread's hands, which will say where it goes.
    Between,
    /// In the queue, under this number.
    Queued(i64),
    /// With the timers, until its next attempt may begin.
    Delayed(TimerKey),
    /// With the worker of this slot.
    Slot(usize),
}

type Callback<O> = Box<dyn FnOnce(&O) + Send>;

struct CellState<O> {
    output: Option<Arc<O>>,
    ended: bool,
    callbacks: Vec<Callback<O>>,
    verdict: Option<Verdict>,
    place: Place,
}

/// Where one task's output arrives.
pub(crate) struct Cell<O> {
    pub(crate) id: u64,
    made: Instant,
    state: Mutex<CellState<O>>,
    changed: Condvar,
}

impl<O> Cell<O> {
    pub(crate) fn new(id: u64) -> Self {
        let state = CellState {
            output: None,
            ended: false,
            callbacks: Vec::new(),
            verdict: None,
            place: Place::Between,
        };
        Cell { id, made: Instant::now(), state: Mutex::new(state), changed: Condvar::new() }
    }

    /// How long ago the task was handed in.
    pub(crate) fn age(&self) -> Duration {
        self.made.elapsed()
    }

    pub(crate) fn output(&self) -> Option<Arc<O>> {
        self.state.lock().output.clone()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.lock().ended
    }

    pub(crate) fn slot(&self) -> Option<usize> {
        match self.state.lock().place {
            Place::Slot(slot) => Some(slot),
            _ => None,
        }
    }

    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.state.lock().verdict
    }

    /// Moves the task, unless a verdict was passed: then it stays where it was and the verdict comes back.
    pub(crate) fn enter(&self, place: Place) -> Option<Verdict> {
        let mut state = self.state.lock();
        if state.verdict.is_none() {
            state.place = place;
        }
        state.verdict
    }

    /// The task is in some thread's hands again.
    pub(crate) fn leave(&self) {
        self.state.lock().place = Place::Between;
    }

    /// Passes a verdict on a task that has not ended; the first one stands. Returns where the task is.
    pub(crate) fn judge(&self, verdict: Verdict) -> Place {
        let mut state = self.state.lock();
        if !state.ended && state.verdict.is_none() {
            state.verdict = Some(verdict);
        }
        state.place
    }

    /// Ends the task with its output; a second ending changes nothing (P1).
    pub(crate) fn fill(&self, output: O) {
        let output = Arc::new(output);
        for callback in self.end(Some(Arc::clone(&output))) {
            // The others are called all the same.
            let _panicked = shielded(|| callback(&output));
        }
    }

    /// Ends the task without an output: the owner's code would not give one.
    pub(crate) fn abandon(&self) {
        let never_called = self.end(None);
        let _panicked = shielded(|| drop(never_called));
    }

    fn end(&self, output: Option<Arc<O>>) -> Vec<Callback<O>> {
        let mut state = self.state.lock();
        if state.ended {
            return Vec::new();
        }
        state.ended = true;
        state.output = output;
        state.place = Place::Between;
        let callbacks = std::mem::take(&mut state.callbacks);
        drop(state);
        self.changed.notify_all();
        callbacks
    }

    /// Keeps a callback for the end; gives it back with the output if the task has ended with one.
    pub(crate) fn call_back<F>(&self, callback: F) -> Option<(F, Arc<O>)>
    where
        F: FnOnce(&O) + Send + 'static,
    {
        let mut state = self.state.lock();
        if let Some(output) = state.output.clone() {
            return Some((callback, output));
        }
        if !state.ended {
            state.callbacks.push(Box::new(callback));
        }
        None
    }

    /// Sleeps until the task has ended or the time is over; may return early.
    pub(crate) fn sleep(&self, timeout: Option<Duration>) {
        let mut state = self.state.lock();
        if state.ended {
            return;
        }
        match timeout {
            Some(timeout) => {
                self.changed.wait_for(&mut state, timeout);
            }
            None => self.changed.wait(&mut state),
        }
    }
}
