//! The watcher: one thread that waits for what no worker tells: that it died.
//!
//! Keepers sleep on futexes, which a dead worker does not ring; the watcher sleeps on process descriptors, which the
//! kernel does. Invariant: it runs no code of the pool's owner and waits for no lock that is held for long, so nothing
//! that an owner does can keep a death from being seen.

use super::Line;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use theus_shm::pidfd;
use theus_sync::{Arc, Mutex};

struct Watched {
    lines: Vec<Arc<Line>>,
    stopped: bool,
}

/// What the watcher's thread and everybody else share.
pub(crate) struct Watcher {
    watched: Mutex<Watched>,
    wake: PipeWriter,
}

impl Watcher {
    /// A watcher, and the end of its pipe that its thread reads.
    pub(crate) fn new() -> std::io::Result<(Self, PipeReader)> {
        let (reader, wake) = std::io::pipe()?;
        let watched = Watched { lines: Vec::new(), stopped: false };
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

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.watched.lock().stopped = true;
        self.nudge();
    }

    fn nudge(&self) {
        // The pipe's reader lives as long as the thread. The thread empties the pipe at each nudge and there are few
        // nudges, so the pipe is never full.
        let _written = (&self.wake).write(&[0]);
    }

    /// The thread: buries dead workers until stopped.
    pub(crate) fn run(&self, mut pipe: PipeReader) {
        while let Some(lines) = self.round() {
            let mut descriptors = vec![pipe.as_fd()];
            descriptors.extend(lines.iter().map(|line| line.pidfd()));
            let Ok(readable) = pidfd::poll(&descriptors, None) else { continue };
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

    fn round(&self) -> Option<Vec<Arc<Line>>> {
        let watched = self.watched.lock();
        (!watched.stopped).then(|| watched.lines.clone())
    }
}
