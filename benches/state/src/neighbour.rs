//! [`beside`]: a reader is timed while a writer on another core commits, at a pace or without a pause; and [`alone`].
//!
//! What not: no rates. Invariants: the two have a core each; a batch during which the writer stood still
//! (the machine had no core for it) does not count, so that no figure of an undisturbed reader passes for one beside a
//! writer. Batches are short and the median of several counts, so that one that the machine interrupted does not
//! count either.

use crate::race::median;
use crate::{Root, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use theus_value::Key;

/// The writer prepares so many commits at a time.
const PREPARED: usize = 64;
/// So many tries for each batch that is wanted; a writer that gets to run less than that leaves fewer of them.
const TRIES: usize = 50;
const READER: usize = 0;
const WRITER: usize = 1;

/// The median of `batches` runs of `read` on the reader's core.
pub fn alone(batches: usize, mut read: impl FnMut() -> f64 + Send) -> f64 {
    on_its_core(|| median((0..batches).map(|_| read()).collect()))
}

fn on_its_core(measure: impl FnOnce() -> f64 + Send) -> f64 {
    let reader = || {
        pin(READER);
        measure()
    };
    thread::scope(|scope| scope.spawn(reader).join().unwrap_or(f64::NAN))
}

/// The median of `batches` runs of `read` on the reader's core while another thread changes `written` in `root`, one key after the other, one
/// each `pace` (zero: without a pause).
pub fn beside<R: Root>(
    root: &R,
    written: &[Key],
    pace: Duration,
    batches: usize,
    read: impl FnMut() -> f64 + Send,
) -> f64 {
    let (done, stop) = (&AtomicUsize::new(0), &AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(move || write(root, written, pace, (done, stop)));
        let taken = on_its_core(|| disturbed(done, batches, read));
        stop.store(true, Ordering::Relaxed);
        taken
    })
}

fn write<R: Root>(root: &R, written: &[Key], pace: Duration, (done, stop): (&AtomicUsize, &AtomicBool)) {
    pin(WRITER);
    let mut next = 0;
    let mut due = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let job = |ahead: usize| root.job(ahead, &written[(next + ahead) % written.len()], 7);
        let jobs: Vec<R::Job> = (0..PREPARED).map(job).collect();
        for job in jobs {
            if !pace.is_zero() {
                due += pace;
                // A writer that was off its core does not make up for it.
                due = due.max(Instant::now());
                while Instant::now() < due {
                    std::hint::spin_loop();
                }
            }
            root.commit(job);
            next += 1;
            done.store(next, Ordering::Relaxed);
        }
    }
}

/// Only batches during which commits were `done`.
fn disturbed(done: &AtomicUsize, batches: usize, mut read: impl FnMut() -> f64) -> f64 {
    while done.load(Ordering::Relaxed) == 0 {
        thread::yield_now();
    }
    let mut taken = Vec::with_capacity(batches);
    for _ in 0..batches * TRIES {
        let before = done.load(Ordering::Relaxed);
        let each = read();
        if done.load(Ordering::Relaxed) > before {
            taken.push(each);
        }
        if taken.len() == batches {
            break;
        }
    }
    median(taken)
}
