//! [`Priority`]: a place in the line for a store's ticket, given back on drop.
//!
//! What not: it does not commit; the owner does, as the requester that holds.

use super::line::Place;
use super::requester::Requester;
use crate::store::Store;
use std::fmt;
use std::time::{Duration, Instant};

/// A place in the line for the ticket of a store; the first in line holds it.
///
/// While a ticket is held, only commits of requesters that its holder [covers](Requester::covers) pass; all others are
/// refused as [`Busy`](crate::CommitError::Busy). Dropping the place, be it by a panic, leaves the line; the next in
/// line holds the ticket then. So does the end of the lease, which starts when the ticket is obtained: a holder that
/// hangs or was leaked hinders the others no longer than that. A commit does not give the ticket back; the owner may
/// make several.
///
/// ```
/// use std::time::Duration;
/// use theus_state::{Commit, CommitError, Requester, Store};
/// use theus_value::{Map, Update};
///
/// let store = Store::new(Map::new());
/// let slow = Requester::new("slow");
/// let priority = store.priority(slow.clone(), Duration::from_secs(5));
/// assert!(priority.holds());
/// assert!(matches!(store.commit(Commit::new(0, Update::new())), Err(CommitError::Busy { .. })));
/// store.commit(Commit::new(0, Update::new()).requester(slow))?;
///
/// drop(priority);
/// store.commit(Commit::new(1, Update::new()))?;
/// # Ok::<(), CommitError>(())
/// ```
pub struct Priority {
    store: Store,
    place: Place,
    requester: Requester,
}

impl Priority {
    pub(crate) fn new(store: Store, requester: Requester, lease: Duration) -> Self {
        let place = store.shared.with_line(|line, now| line.join(requester.clone(), lease, now));
        Self { store, place, requester }
    }

    /// Who lined up.
    pub fn requester(&self) -> &Requester {
        &self.requester
    }

    /// True while it holds the ticket. Once its lease has run out it never does again; line up anew.
    pub fn holds(&self) -> bool {
        self.store.shared.with_line(|line, now| {
            line.settle(now);
            line.held_by() == Some(self.place)
        })
    }

    /// True while it holds the ticket or waits for it.
    pub(crate) fn stands(&self) -> bool {
        self.store.shared.with_line(|line, now| {
            line.settle(now);
            line.has(self.place)
        })
    }

    /// Blocks until it holds the ticket, its lease has run out, or `timeout` is over. True if it holds it.
    pub fn wait(&self, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        let settled = self.store.shared.wait_line(deadline, |line| {
            let holds = line.held_by() == Some(self.place);
            (holds || !line.has(self.place)).then_some(holds)
        });
        settled.unwrap_or(false)
    }
}

impl Drop for Priority {
    fn drop(&mut self) {
        self.store.shared.with_line(|line, now| line.leave(self.place, now));
    }
}

impl fmt::Debug for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Priority").field("requester", &self.requester).finish_non_exhaustive()
    }
}
