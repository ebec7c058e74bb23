//! The keeper: one thread for each worker, which starts it, receives from it, and buries and replaces it.
//!
//! Invariants: the thread that starts a worker outlives it (the kernel's parent-death signal is tied to that thread); a
//! worker that served no task counts as a failed start, so a program that dies at once is not started for ever.

use super::{Shared, Work};
use crate::crash::{CrashRecord, Ending};
use crate::deadline::Deadline;
use crate::hand::{Launched, Line, Link, Process, Running, launch};
use crate::job::{Job, Outcome};
use crate::link::Mailbox;
use std::time::Duration;
use theus_sync::Arc;

/// Starts in a row that may fail before the waiting tasks are told.
const START_TRIES: u32 = 3;
/// The pause after the first failed start; it doubles.
const START_PAUSE: Duration = Duration::from_millis(20);
/// Frames that are taken between two looks at the clock.
const BATCH: usize = 64;
/// More frames than a ring can hold: what a dead worker left.
const LAST_WORDS: usize = 8192;

/// A keeper's thread: brings up workers in one slot for as long as tasks want them.
pub(crate) fn keep<J: Job>(shared: &Arc<Shared<J>>, slot: usize) {
    let mut failures = 0;
    loop {
        match serve(shared, slot) {
            Ok(()) => failures = 0,
            Err(why) => {
                failures += 1;
                if failures == START_TRIES {
                    let stranded = shared.queue.lock().give_up(slot);
                    for task in stranded {
                        shared.work(Work::end(task, Outcome::Undeliverable(why.clone())));
                    }
                    break;
                }
                pause(shared, START_PAUSE * failures);
            }
        }
        if !shared.queue.lock().wants_worker(slot) {
            break;
        }
    }
    shared.queue.lock().keepers -= 1;
    shared.quiet.notify_all();
}

/// Waits a moment, or less when something ends meanwhile.
fn pause<J: Job>(shared: &Shared<J>, time: Duration) {
    let mut queue = shared.queue.lock();
    if !queue.stopping {
        shared.quiet.wait_for(&mut queue, time);
    }
}

/// The life of one worker. An error when it was of no use: never ready, or gone before it was given a task.
fn serve<J: Job>(shared: &Arc<Shared<J>>, slot: usize) -> Result<(), String> {
    let Launched { process, line, control, writer, reader } = match launch(&shared.options.launch) {
        Ok(launched) => launched,
        Err(error) => {
            shared.queue.lock().withdraw(slot);
            return Err(error.to_string());
        }
    };
    let link = Link::new(Arc::clone(&line), control, writer, reader);
    shared.slots[slot].seat(link);
    shared.watcher.watch(&line);
    // A shutdown ends the workers that it finds; one that came up meanwhile must not be the one it waits for.
    if shared.queue.lock().stopping {
        line.kill();
        line.bury();
    }
    let too_late = listen(shared, slot, &line);
    bury(shared, slot, &line, process, too_late)
}

/// Receives until the worker is dead or must be; true if it was not ready in time.
fn listen<J: Job>(shared: &Arc<Shared<J>>, slot: usize, line: &Arc<Line>) -> bool {
    let ready_by = Deadline::after(shared.options.start_timeout);
    let mut ready = false;
    loop {
        drain(shared, slot, line, BATCH);
        if line.is_dead() {
            return false;
        }
        ready = ready || shared.slots[slot].state.lock().ready;
        if !ready && ready_by.is_over() {
            return true;
        }
        let Some(watch) = shared.watch(slot, line) else { return false };
        let left = if ready { None } else { ready_by.left() };
        Mailbox::BRAIN_BELL.sleep(&line.mailbox, left, || watch.is_empty(&line.mailbox) && !line.is_dead());
    }
}

/// Takes what the worker sent, at most so many frames.
fn drain<J: Job>(shared: &Arc<Shared<J>>, slot: usize, line: &Arc<Line>, most: usize) {
    for _ in 0..most {
        match shared.receive(slot, line) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return shared.condemn(slot, line, error),
        }
    }
}

/// Ends what is left of a worker and settles the attempt that it took along.
fn bury<J: Job>(
    shared: &Arc<Shared<J>>,
    slot: usize,
    line: &Arc<Line>,
    process: Process,
    too_late: bool,
) -> Result<(), String> {
    // From here on nobody starts a task on it.
    line.bury();
    // What it did wrong in its last words no longer matters, unless it did before.
    let condemned = shared.slots[slot].state.lock().broken.is_some();
    let ending = process.reap();
    // What it had published before it died counts.
    drain(shared, slot, line, LAST_WORDS);
    shared.watcher.forget(line);
    let remains = shared.slots[slot].unseat();
    let stopping = {
        let mut queue = shared.queue.lock();
        queue.withdraw(slot);
        queue.stopping
    };
    shared.counters.lost();
    let broken = remains.broken.filter(|_| condemned);
    let ending = if broken.is_some() { Ending::Expelled } else { ending };
    if let Some(Running { task, attempt, .. }) = remains.running {
        task.cell.leave();
        let outcome = match task.cell.verdict() {
            Some(verdict) => verdict.into(),
            None if stopping => Outcome::Cancelled,
            None => Outcome::Crashed(CrashRecord {
                task: attempt.task,
                attempt: attempt.number,
                worker: line.pid,
                ending,
                reason: broken.as_ref().map(|error| error.to_string()),
            }),
        };
        shared.work(Work::Settle(task, attempt, outcome));
    }
    let (worker, reason) = (line.pid, broken.map(|error| format!(": {error}")).unwrap_or_default());
    if remains.used {
        Ok(())
    } else if remains.ready {
        Err(format!("worker {worker} {ending} before it was given a task{reason}"))
    } else if too_late {
        Err(format!("worker {worker} was not ready within {:?}", shared.options.start_timeout))
    } else {
        Err(format!("worker {worker} {ending} before it was ready{reason}; its error output says why"))
    }
}
