//! The thread of a trail on disk: syncs what was written, and makes the checkpoints that are due.
//!
//! What not: how either is done.
//! Invariant: the thread ends before the trail is gone.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How often at most. A shorter pause would be a loop.
const SHORTEST: Duration = Duration::from_millis(1);

pub(crate) struct Keeper {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Keeper {
    /// Calls `keep` at this pace, with the time since it last said that it has made a checkpoint.
    pub(crate) fn start(
        every: Duration,
        mut keep: impl FnMut(Duration) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let stopped = Arc::clone(&stop);
        let thread = Builder::new().name("theus-audit".to_owned()).spawn(move || {
            let mut last = Instant::now();
            while !stopped.within(every.max(SHORTEST)) {
                if keep(last.elapsed()) {
                    last = Instant::now();
                }
            }
        })?;
        Ok(Keeper { stop, thread: Some(thread) })
    }

    /// Ends the thread and waits until it has.
    pub(crate) fn stop(&mut self) {
        *self.stop.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed by then, and takes nothing with it that the trail needs.
            let _panicked = thread.join();
        }
    }
}

impl Drop for Keeper {
    /// Asks the thread to end where nobody waited for it: it may be the one that drops this.
    fn drop(&mut self) {
        // In a process that was forked off the lock may be held for ever.
        if let Ok(mut asked) = self.stop.asked.try_lock() {
            *asked = true;
        }
        self.stop.changed.notify_all();
    }
}

impl Stop {
    /// Waits this long at most; whether the end was asked for.
    fn within(&self, time: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(asked, time, |asked| !*asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
