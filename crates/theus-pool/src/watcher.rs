//! The watcher: one thread that waits for what no worker tells: that it died, that a time has come.
//!
//! Keepers sleep on futexes, which a dead worker does not ring; the watcher sleeps on process descriptors, which the
//! kernel does. It holds no lock while it acts.

use crate::launch::Line;
use std::cmp::Ordering as Order;
use std::collections::BinaryHeap;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use theus_shm::pidfd;
use theus_sync::{Arc, Mutex};

/// Something to do at a time.
pub(crate) struct Timer<E> {
    pub(crate) at: Instant,
    pub(crate) event: E,
}

impl<E> PartialEq for Timer<E> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<E> Eq for Timer<E> {}

impl<E> PartialOrd for Timer<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Timer<E> {
    /// Earliest first out of a max-heap.
    fn cmp(&self, other: &Self) -> Order {
        other.at.cmp(&self.at)
    }
}

struct Watched<E> {
    lines: Vec<Arc<Line>>,
    timers: BinaryHeap<Timer<E>>,
    /// When the thread looks at the timers next by itself.
    planned: Option<Instant>,
    stopped: bool,
}

/// What the watcher's thread and everybody else share.
pub(crate) struct Watcher<E> {
    watched: Mutex<Watched<E>>,
    wake: PipeWriter,
}

impl<E: Send> Watcher<E> {
    /// A watcher, and the end of its pipe that its thread reads.
    pub(crate) fn new() -> std::io::Result<(Self, PipeReader)> {
        let (reader, wake) = std::io::pipe()?;
        let watched = Watched { lines: Vec::new(), timers: BinaryHeap::new(), planned: None, stopped: false };
        Ok((Watcher { watched: Mutex::new(watched), wake }, reader))
    }

    /// Watches a worker until it is gone.
    pub(crate) fn watch(&self, line: &Arc<Line>) {
        self.watched.lock().lines.push(Arc::clone(line));
        self.nudge();
    }

    /// Stops watching a worker that its keeper has reaped.
    pub(crate) fn forget(&self, line: &Arc<Line>) {
        self.watched.lock().lines.retain(|watched| !Arc::ptr_eq(watched, line));
    }

    /// Plans an event.
    pub(crate) fn plan(&self, at: Instant, event: E) {
        let mut watched = self.watched.lock();
        watched.timers.push(Timer { at, event });
        let sooner = watched.planned.is_none_or(|planned| at < planned);
        drop(watched);
        if sooner {
            self.nudge();
        }
    }

    /// All events that were planned and have not come yet.
    pub(crate) fn take_all(&self) -> Vec<E> {
        std::mem::take(&mut self.watched.lock().timers).into_iter().map(|timer| timer.event).collect()
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.watched.lock().stopped = true;
        self.nudge();
    }

    fn nudge(&self) {
        // The pipe's reader lives as long as the thread; a full pipe has woken it already.
        let _written = (&self.wake).write(&[0]);
    }

    /// The thread: buries dead workers and acts on events until stopped.
    pub(crate) fn run(&self, mut pipe: PipeReader, mut act: impl FnMut(E)) {
        loop {
            let (lines, due, timeout, stopped) = self.plan_round();
            if stopped {
                return;
            }
            for event in due {
                act(event);
            }
            let mut descriptors = vec![pipe.as_fd()];
            descriptors.extend(lines.iter().map(|line| line.pidfd()));
            let Ok(readable) = pidfd::poll(&descriptors, timeout) else { continue };
            if readable.first() == Some(&true) {
                let _drained = pipe.read(&mut [0_u8; 64]);
            }
            for (line, dead) in lines.iter().zip(readable.iter().skip(1)) {
                if *dead {
                    self.forget(line);
                    line.bury();
                }
            }
        }
    }

    fn plan_round(&self) -> (Vec<Arc<Line>>, Vec<E>, Option<Duration>, bool) {
        let mut watched = self.watched.lock();
        let now = Instant::now();
        let mut due = Vec::new();
        while watched.timers.peek().is_some_and(|timer| timer.at <= now) {
            due.extend(watched.timers.pop().map(|timer| timer.event));
        }
        watched.planned = watched.timers.peek().map(|timer| timer.at);
        // A round with due events must look again at once, for acting on them takes time.
        let timeout = if due.is_empty() {
            watched.planned.map(|at| at.saturating_duration_since(now))
        } else {
            Some(Duration::ZERO)
        };
        (watched.lines.clone(), due, timeout, watched.stopped)
    }
}
