//! The keeper: one thread for each worker, which starts it, receives from it, and buries and replaces it.

use crate::crash::{CrashRecord, Ending};
use crate::job::{Job, Outcome};
use crate::launch::{Launched, Line, Process, launch};
use crate::link::Mailbox;
use crate::pool::{Shared, outcome_of};
use crate::slot::{Link, LinkError};
use std::time::Instant;
use theus_sync::Arc;

/// Starts in a row that may fail before the waiting tasks are told.
const START_TRIES: u32 = 3;

/// A keeper's thread: brings up workers in one slot for as long as tasks want them.
pub(crate) fn keep<J: Job>(shared: &Arc<Shared<J>>, slot: usize) {
    let mut failures = 0;
    loop {
        match serve(shared, slot) {
            Ok(()) => failures = 0,
            Err(why) => {
                failures += 1;
                if failures == START_TRIES {
                    give_up(shared, slot, &why);
                    return;
                }
            }
        }
        if !shared.queue.lock().wants_worker(slot) {
            shared.keeper_ended();
            return;
        }
    }
}

fn give_up<J: Job>(shared: &Arc<Shared<J>>, slot: usize, why: &str) {
    let stranded = {
        let mut queue = shared.queue.lock();
        queue.retire(slot);
        queue.stranded()
    };
    shared.give_up(stranded, why);
    shared.keeper_ended();
}

/// The life of one worker. An error when it was never ready.
fn serve<J: Job>(shared: &Arc<Shared<J>>, slot: usize) -> Result<(), String> {
    let Launched { process, line, control, writer, reader } = match launch(&shared.options.launch) {
        Ok(launched) => launched,
        Err(error) => {
            shared.queue.lock().withdraw(slot, false);
            return Err(error.to_string());
        }
    };
    {
        let mut state = shared.slots[slot].state.lock();
        state.link = Some(Link::new(Arc::clone(&line), control, writer, reader));
        state.broken = None;
        state.ready = false;
    }
    shared.watcher.watch(&line);
    // A shutdown kills the workers that it finds; one that came up meanwhile must not be the one it waits for.
    if shared.queue.lock().stopping {
        line.kill();
    }
    let too_late = listen(shared, slot, &line);
    bury(shared, slot, &line, process, too_late)
}

/// Receives until the worker is dead or must be; true if it was not ready in time.
fn listen<J: Job>(shared: &Arc<Shared<J>>, slot: usize, line: &Arc<Line>) -> bool {
    let ready_by = Instant::now() + shared.options.start_timeout;
    let mut ready = false;
    loop {
        if let Err(error) = shared.drain(slot, line) {
            condemn(shared, slot, line, error);
        }
        if line.is_dead() {
            return false;
        }
        ready = ready || shared.slots[slot].state.lock().ready;
        let left = (!ready).then(|| ready_by.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return true;
        }
        let Some(watch) = shared.watch(slot, line) else { return false };
        Mailbox::BRAIN_BELL.sleep(&line.mailbox, left, || watch.is_empty(&line.mailbox) && !line.is_dead());
    }
}

/// Notes why a worker must go, and wakes its keeper to see to it.
pub(crate) fn condemn<J: Job>(shared: &Shared<J>, slot: usize, line: &Arc<Line>, error: LinkError) {
    let mut state = shared.slots[slot].state.lock();
    if state.link.as_ref().is_some_and(|link| Arc::ptr_eq(&link.line, line)) && state.broken.is_none() {
        state.broken = Some(error);
    }
    drop(state);
    line.bury();
}

/// Ends what is left of a worker and settles the attempt that it took along.
fn bury<J: Job>(
    shared: &Arc<Shared<J>>,
    slot: usize,
    line: &Arc<Line>,
    process: Process,
    too_late: bool,
) -> Result<(), String> {
    let condemned = shared.slots[slot].state.lock().broken.is_some();
    let ending = process.reap();
    if !condemned {
        // What it had published before it died counts; what it did wrong there no longer matters.
        let _last_words = shared.drain(slot, line);
    }
    shared.watcher.forget(line);
    let (running, ready, broken) = {
        let mut state = shared.slots[slot].state.lock();
        state.link = None;
        (state.running.take(), state.ready, state.broken.take())
    };
    shared.queue.lock().withdraw(slot, ready);
    shared.counters.lost();
    let ending = if broken.is_some() { Ending::Expelled } else { ending };
    if let Some(running) = running {
        running.task.cell.place(None);
        let outcome = match running.task.cell.verdict() {
            Some(verdict) => outcome_of(verdict),
            None => Outcome::Crashed(CrashRecord {
                task: running.attempt.task,
                attempt: running.attempt.number,
                worker: line.pid,
                ending,
                reason: broken.as_ref().map(|error| error.to_string()),
            }),
        };
        shared.settle(running.task, running.attempt, outcome);
    }
    if ready {
        Ok(())
    } else if too_late {
        Err(format!("worker {} was not ready within {:?}", line.pid, shared.options.start_timeout))
    } else {
        Err(format!("worker {} {ending} before it was ready; its error output says why", line.pid))
    }
}
