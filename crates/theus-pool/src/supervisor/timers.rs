//! Timers: events that come at a time, acted on by one thread.
//!
//! What they are not: exact. An event comes at its time or after it; acting on the events before it may delay it.
//! Invariants: an event is either acted on, or taken back by its key, or handed out by `stop`, exactly one of the
//! three; once stopped nothing is planned any more. Events that are taken back leave no memory behind.

use std::collections::BTreeMap;
use std::time::Instant;
use theus_sync::{Condvar, Mutex};

/// One planned event; keys sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey {
    at: Instant,
    number: u64,
}

struct Planned<E> {
    events: BTreeMap<TimerKey, E>,
    next: u64,
    /// When the thread looks next by itself.
    looks: Option<Instant>,
    stopped: bool,
}

/// The planned events.
pub(crate) struct Timers<E> {
    planned: Mutex<Planned<E>>,
    sooner: Condvar,
}

impl<E> Timers<E> {
    pub(crate) fn new() -> Self {
        let planned = Planned { events: BTreeMap::new(), next: 0, looks: None, stopped: false };
        Timers { planned: Mutex::new(planned), sooner: Condvar::new() }
    }

    /// Plans what `make` makes of the key (None: the timers have stopped), in one step with what `make` does.
    pub(crate) fn plan<R>(
        &self,
        at: Instant,
        make: impl FnOnce(Option<TimerKey>) -> Result<E, R>,
    ) -> Result<TimerKey, R> {
        let mut planned = self.planned.lock();
        let key = TimerKey { at, number: planned.next };
        planned.next += 1;
        let event = make((!planned.stopped).then_some(key))?;
        planned.events.insert(key, event);
        let sooner = planned.looks.is_none_or(|looks| at < looks);
        drop(planned);
        if sooner {
            self.sooner.notify_one();
        }
        Ok(key)
    }

    /// Takes an event back, unless it has come.
    pub(crate) fn cancel(&self, key: TimerKey) -> Option<E> {
        self.planned.lock().events.remove(&key)
    }

    /// Ends the thread and hands out the events that have not come.
    pub(crate) fn stop(&self) -> Vec<E> {
        let mut planned = self.planned.lock();
        planned.stopped = true;
        let rest = std::mem::take(&mut planned.events);
        drop(planned);
        self.sooner.notify_one();
        rest.into_values().collect()
    }

    /// The thread: acts on events at their time, with no lock held, until stopped.
    pub(crate) fn run(&self, mut act: impl FnMut(E)) {
        while let Some(event) = self.next() {
            act(event);
        }
    }

    fn next(&self) -> Option<E> {
        let mut planned = self.planned.lock();
        while !planned.stopped {
            let Some(first) = planned.events.first_entry() else {
                planned.looks = None;
                self.sooner.wait(&mut planned);
                continue;
            };
            let at = first.key().at;
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Some(first.remove());
            }
            planned.looks = Some(at);
            self.sooner.wait_for(&mut planned, left);
        }
        None
    }
}
