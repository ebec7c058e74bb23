//! [`Contention`]: what the conflicts of one task have cost it, and its place in the line for the priority ticket.
//!
//! A task that conflicts is run again [`MAX_RETRIES`] times, after waits that double; then it lines up for the ticket
//! and is run once with it; then come the retries that its caller added. Waiting for somebody's ticket is no attempt.
//!
//! What not: it does not sleep, commit or record. Invariants: the number of attempts is bounded; a task has at most one
//! place in the line and gives it back however it ends (the place is dropped with the task); a place is only taken
//! between attempts, so the holder's next attempt begins on a snapshot that nobody else can outdate while it holds; a task
//! that sleeps before a retry has no place, so that nobody is kept out meanwhile.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use theus_state::{Backoff, MAX_RETRIES, Priority, Requester, Store};

/// The wait of who has just taken the ticket: no longer than a thread needs to look again.
const AT_ONCE: Duration = Duration::from_millis(1);
/// How often a task looks whether somebody's ticket is free again.
const LOOK: Duration = Duration::from_millis(10);
/// A holder keeps the ticket for this long and this many times its longest attempt: enough for the work as it was seen
/// to take, so that a holder that hangs does not keep the others out for long. Never for longer than they may wait.
const LEASE: (Duration, u32) = (Duration::from_secs(1), 4);

/// What the conflicts of one task have cost it.
#[derive(Debug)]
pub(crate) struct Contention {
    requester: Requester,
    /// How long a task may wait for somebody's ticket.
    patience: Duration,
    conflicts: u32,
    /// Attempts that the caller added.
    extra: u32,
    longest: Duration,
    /// It has lost too often: its attempts shall have the ticket.
    starving: bool,
    /// Its place in the line.
    place: Option<Priority>,
    /// Attempts that were refused because of somebody's ticket.
    busy: u32,
    /// Since when it waits for somebody's ticket.
    since: Option<Instant>,
    /// How long it waited so before its last attempt.
    waited: Duration,
}

impl Contention {
    pub(crate) fn new(process: &Arc<str>, task: u64, patience: Duration) -> Self {
        let requester = Requester { process: Arc::clone(process), task: Some(task) };
        Contention {
            requester,
            patience,
            conflicts: 0,
            extra: 0,
            longest: Duration::ZERO,
            starving: false,
            place: None,
            busy: 0,
            since: None,
            waited: Duration::ZERO,
        }
    }

    /// Who commits: the process, and the task, since another task of the same process is a rival too.
    pub(crate) fn requester(&self) -> Requester {
        self.requester.clone()
    }

    pub(crate) fn allow(&mut self, extra: u32) {
        self.extra = extra;
    }

    /// An attempt begins, on a snapshot that is taken after this.
    pub(crate) fn begin(&mut self, store: &Store) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        // The lease may have run out while the task waited for a worker.
        if self.starving && !self.place.as_ref().is_some_and(Priority::holds) {
            self.line_up(store);
        }
    }

    /// The attempt, which took this long, conflicted. After how long the next one may begin; None when there is none.
    pub(crate) fn conflict(&mut self, waits: &Mutex<Backoff>, took: Duration) -> Option<Duration> {
        self.longest = self.longest.max(took);
        self.conflicts = self.conflicts.saturating_add(1);
        self.place = None;
        match self.conflicts.checked_sub(MAX_RETRIES) {
            None | Some(0) => Some(waits.lock().wait(self.conflicts)),
            Some(1) => {
                self.starving = true;
                Some(AT_ONCE)
            }
            // The attempt with the ticket lost it to its lease, or its own body spoilt it.
            Some(more) if more - 1 <= self.extra => Some(waits.lock().uniform(more - 1)),
            Some(_) => None,
        }
    }

    /// The attempt was refused because of somebody's ticket. After how long to look again; None when it has waited
    /// too long by now.
    pub(crate) fn busy(&mut self, took: Duration) -> Option<Duration> {
        self.longest = self.longest.max(took);
        self.busy = self.busy.saturating_add(1);
        // If it had one, its lease has run out; and who meets one ticket after the other would starve behind them.
        self.place = None;
        self.starving |= self.busy > MAX_RETRIES;
        (self.waiting() <= self.patience).then_some(LOOK)
    }

    /// Asked before an attempt: after how long to ask again, while somebody else's ticket would refuse its commit.
    pub(crate) fn ready(&mut self, store: &Store) -> Option<Duration> {
        if self.starving && self.place.is_none() {
            self.line_up(store);
        }
        store.blocked(Some(&self.requester))?;
        // Out of patience, it runs into the refusal that its caller is told of.
        (self.waiting() <= self.patience).then_some(LOOK)
    }

    /// It waits for somebody's ticket: how long it has done so, the time of its attempts not counted.
    fn waiting(&mut self) -> Duration {
        self.waited + self.since.get_or_insert_with(Instant::now).elapsed()
    }

    /// The task has ended: its place in the line goes to the next.
    pub(crate) fn end(&mut self) {
        self.place = None;
    }

    fn line_up(&mut self, store: &Store) {
        // The old place first: two places of one task would make it wait for itself.
        self.place = None;
        self.place = Some(store.priority(self.requester.clone(), lease(self.longest, self.patience)));
    }
}

fn lease(longest: Duration, patience: Duration) -> Duration {
    let (least, times) = LEASE;
    least.saturating_add(longest.saturating_mul(times)).min(patience.max(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_follows_the_work_as_far_as_others_may_wait() {
        let seconds = Duration::from_secs;
        for (longest, patience, expected) in [(0, 300, 1), (2, 300, 9), (3600, 300, 300), (2, 0, 1)] {
            assert_eq!(lease(seconds(longest), seconds(patience)), seconds(expected));
        }
        assert_eq!(lease(Duration::MAX, Duration::MAX), Duration::MAX);
    }
}
