//! [`ConflictManager`]: counts conflicts in a row, says how long to wait, and lines up those who always lose.
//!
//! What not: it does not commit and does not sleep.
//!
//! Memory: each requester with conflicts since its last success has one entry. One that vanished without reporting
//! leaves its entry behind; when there are more than [`MOST`], the half that reported longest ago is forgotten. Being
//! forgotten costs a requester its place in the line and its count, never an update. One in the line that reports nothing
//! for as long as a lease loses its place at the next report of anybody.

use super::backoff::Backoff;
use super::priority::Priority;
use super::requester::Requester;
use crate::store::Store;
use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};
use theus_sync::Mutex;

/// Requesters that are counted at a time.
const MOST: usize = 4096;
/// How long a requester that is the next to commit may take, and one that vanished hinders the others.
const LEASE: Duration = Duration::from_secs(5);
/// The wait of one that holds the ticket: nobody else commits, so there is nothing to wait for.
const HOLDER_WAIT: Duration = Duration::from_millis(1);
/// The wait of one that waits for the ticket.
const QUEUED_WAIT: Duration = Duration::from_millis(50);

/// What to do after a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryDecision {
    /// Whether to try again. Always true: whoever fails too often is let through by the ticket.
    pub should_retry: bool,
    /// How long to wait before.
    pub wait: Duration,
}

/// Decides what happens after conflicts on one store, by requester.
///
/// ```
/// use std::time::Duration;
/// use theus_state::{ConflictManager, Requester, Store};
/// use theus_value::Map;
///
/// let manager = ConflictManager::new(Store::new(Map::new()), 2, Duration::from_millis(2));
/// let (slow, fast) = (Requester::new("slow"), Requester::new("fast"));
/// assert!(manager.report_conflict(&slow).wait >= Duration::from_micros(1_600));
/// manager.report_conflict(&slow);
/// assert!(!manager.is_blocked(Some(&fast)));
///
/// // Once too often: all others wait.
/// assert_eq!(manager.report_conflict(&slow).wait, Duration::from_millis(1));
/// assert!(manager.is_blocked(Some(&fast)) && !manager.is_blocked(Some(&slow)));
/// manager.report_success(&slow);
/// assert!(!manager.is_blocked(Some(&fast)));
/// ```
pub struct ConflictManager {
    store: Store,
    max_retries: u32,
    lease: Duration,
    counts: Mutex<Counts>,
}

struct Counts {
    losers: HashMap<Requester, Loser>,
    backoff: Backoff,
}

/// One with conflicts since its last success.
struct Loser {
    conflicts: u32,
    last: Instant,
    priority: Option<Priority>,
}

impl ConflictManager {
    /// Grants `max_retries` retries with waits from `base` on before a requester lines up for the ticket.
    pub fn new(store: Store, max_retries: u32, base: Duration) -> Self {
        let seed = u64::from(std::process::id());
        let counts = Counts { losers: HashMap::new(), backoff: Backoff::with_base(seed, base) };
        Self { store, max_retries, lease: LEASE, counts: Mutex::new(counts) }
    }

    /// The same manager with another lease than five seconds.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// A commit of `requester` was refused. Says how long to wait before the next try: the back-off for the number of
    /// conflicts in a row; past the granted retries 1 ms if it holds the ticket, 50 ms while it is in the line for it.
    pub fn report_conflict(&self, requester: &Requester) -> RetryDecision {
        let mut counts = self.counts.lock();
        let Counts { losers, backoff } = &mut *counts;
        if losers.len() >= MOST && !losers.contains_key(requester) {
            forget_half(losers);
        }
        let now = Instant::now();
        // One in the line that has not asked for as long as a lease has gone: its turn would keep all others out in vain.
        let gone = |loser: &&mut Loser| now.saturating_duration_since(loser.last) > self.lease;
        losers.values_mut().filter(gone).for_each(|loser| loser.priority = None);
        let loser =
            losers.entry(requester.clone()).or_insert(Loser { conflicts: 0, last: now, priority: None });
        loser.conflicts = loser.conflicts.saturating_add(1);
        loser.last = now;
        let wait = if loser.conflicts <= self.max_retries {
            backoff.wait(loser.conflicts)
        } else if self.next_in_line(requester, &mut loser.priority) {
            HOLDER_WAIT
        } else {
            QUEUED_WAIT
        };
        RetryDecision { should_retry: true, wait }
    }

    /// A commit of `requester` went through: clears its count and gives its ticket back.
    pub fn report_success(&self, requester: &Requester) {
        let loser = self.counts.lock().losers.remove(requester);
        drop(loser);
    }

    /// The conflicts of `requester` since its last success.
    pub fn failure_count(&self, requester: &Requester) -> u32 {
        self.counts.lock().losers.get(requester).map_or(0, |loser| loser.conflicts)
    }

    /// True if another holds the ticket, so that a commit of `requester` would be refused.
    pub fn is_blocked(&self, requester: Option<&Requester>) -> bool {
        self.store.blocked(requester).is_some()
    }

    /// Lines `requester` up if it is not in the line, or no longer. True if it holds the ticket.
    fn next_in_line(&self, requester: &Requester, priority: &mut Option<Priority>) -> bool {
        if priority.as_ref().is_none_or(|place| !place.stands()) {
            *priority = Some(self.store.priority(requester.clone(), self.lease));
        }
        priority.as_ref().is_some_and(Priority::holds)
    }
}

fn forget_half(losers: &mut HashMap<Requester, Loser>) {
    let mut times: Vec<Instant> = losers.values().map(|loser| loser.last).collect();
    let middle = times.len() / 2;
    let (_, &mut middle, _) = times.select_nth_unstable(middle);
    losers.retain(|_, loser| loser.last > middle);
}

impl fmt::Debug for ConflictManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConflictManager").field("max_retries", &self.max_retries).finish_non_exhaustive()
    }
}
