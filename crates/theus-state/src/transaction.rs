//! [`Transaction`]: several updates that become one version, or nothing.
//!
//! What not: no lock is held while it is open. Others commit meanwhile; the end finds out whether that matters.
//!
//! Invariants
//! - Nothing is seen by others before the commit, and then all at once. Dropping it leaves nothing behind.
//! - The version it commits against is the one it began on, so it never loses another's update.
//! - An update that does not fit leaves the transaction as it was.

use crate::commit::{Commit, Committed, Isolation};
use crate::conflict::CommitError;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::ticket::Requester;
use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};
use theus_value::{ApplyError, Combined, Map, Path, Update, Value};

/// How a [`Transaction`] shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionOptions {
    /// Which changes of others refuse it.
    pub isolation: Isolation,
    /// The longest time from its begin to its commit.
    pub life: Duration,
    /// The longest time between two calls of it.
    pub idle: Duration,
    /// Who commits.
    pub requester: Option<Requester>,
}

impl Default for TransactionOptions {
    /// Smart mode, five seconds of life, as many of idleness, nobody in particular.
    fn default() -> Self {
        let limit = Duration::from_secs(5);
        Self { isolation: Isolation::default(), life: limit, idle: limit, requester: None }
    }
}

/// Why a call of a [`Transaction`] failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// It took too long. It is over: every further call fails so as well, and nothing was committed.
    #[error(
        "the transaction timed out: its {limit} limit is {} ms and {} ms have passed; nothing was committed. Begin anew, \
         do the slow work before it, or allow more time", allowed.as_millis(), passed.as_millis()
    )]
    TimedOut {
        /// The update given to this call, handed back; at the commit all updates as one; at a read an empty one.
        update: Update,
        /// Which limit.
        limit: Limit,
        /// How much it allows.
        allowed: Duration,
        /// How much time has passed.
        passed: Duration,
    },
    /// The update does not fit the pending state. The transaction is as it was before the call.
    #[error("{error}")]
    Apply {
        /// The update, handed back.
        update: Update,
        /// Why.
        #[source]
        error: ApplyError,
    },
    /// The commit was refused; nothing was written.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Which of its limits a transaction exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The time from its begin.
    Life,
    /// The time since its last call.
    Idle,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Limit::Life => "time",
            Limit::Idle => "idle",
        })
    }
}

/// Several updates that become one version or nothing.
///
/// ```
/// use theus_state::{Store, TransactionOptions};
/// use theus_value::{Map, Path, Update, Value};
///
/// let store = Store::new(Map::new());
/// let count = Path::parse("domain.count")?;
/// let mut transaction = store.transaction(TransactionOptions::default());
/// for n in 1..=3 {
///     let mut update = Update::new();
///     update.set(count.clone(), Value::from(n));
///     transaction.update(update)?;
/// }
/// assert_eq!(transaction.get(&count)?, Some(Value::from(3)));
/// assert_eq!(store.snapshot().get(&count), None);
///
/// assert_eq!(transaction.commit()?.version, 1);
/// assert_eq!(store.snapshot().get(&count), Some(&Value::from(3)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Transaction {
    store: Store,
    base: Snapshot,
    pending: Map,
    written: Combined,
    reads: BTreeSet<Path>,
    isolation: Isolation,
    requester: Option<Requester>,
    clock: Clock,
}

impl Transaction {
    pub(crate) fn new(store: Store, options: TransactionOptions) -> Self {
        let TransactionOptions { isolation, life, idle, requester } = options;
        let base = store.snapshot();
        let now = Instant::now();
        Self {
            store,
            pending: base.root().clone(),
            base,
            written: Combined::new(),
            reads: BTreeSet::new(),
            isolation,
            requester,
            clock: Clock { begun: now, touched: now, life, idle, over: None },
        }
    }

    /// Adds an update; later reads of this transaction see it. Only what the updates come to is kept (see [`Combined`]).
    ///
    /// # Errors
    /// [`TransactionError::Apply`] if it does not fit the pending state, which stays as it was;
    /// [`TransactionError::TimedOut`].
    pub fn update(&mut self, update: Update) -> Result<(), TransactionError> {
        if let Err(late) = self.clock.touch(Instant::now()) {
            return Err(late.error(update));
        }
        match update.apply(&self.pending) {
            Ok(pending) => {
                self.pending = pending;
                self.written.add(update);
                Ok(())
            }
            Err(error) => Err(TransactionError::Apply { update, error }),
        }
    }

    /// The value at `path`, own writes included; nothing for the root. In [`Isolation::Serializable`] the read counts at
    /// the commit, an absent place too.
    ///
    /// # Errors
    /// [`TransactionError::TimedOut`].
    pub fn get(&mut self, path: &Path) -> Result<Option<Value>, TransactionError> {
        self.clock.touch(Instant::now()).map_err(|late| late.error(Update::new()))?;
        if self.isolation == Isolation::Serializable && !self.reads.contains(path) {
            self.reads.insert(path.clone());
        }
        Ok(self.pending.get_path(path).cloned())
    }

    /// The state as it would be. What is read here does not count at the commit; [`get`](Self::get) does.
    pub fn pending(&self) -> &Map {
        &self.pending
    }

    /// The state that it began on.
    pub fn base(&self) -> &Snapshot {
        &self.base
    }

    /// Makes one version of all updates, be there none, if nothing that it depends on changed since it began.
    ///
    /// # Errors
    /// [`TransactionError::Commit`] and [`TransactionError::TimedOut`], with all updates as one; the state is as it was.
    pub fn commit(mut self) -> Result<Committed, TransactionError> {
        let commit = self.take_commit()?;
        Ok(self.store.commit(commit)?)
    }

    /// Takes out what [`commit`](Self::commit) would commit, for who has more to ask before. The updates and reads are
    /// gone from the transaction then.
    ///
    /// # Errors
    /// [`TransactionError::TimedOut`], with all updates as one.
    pub fn take_commit(&mut self) -> Result<Commit, TransactionError> {
        let update = std::mem::take(&mut self.written).finish();
        if let Err(late) = self.clock.touch(Instant::now()) {
            return Err(late.error(update));
        }
        let reads = std::mem::take(&mut self.reads).into_iter().collect();
        let (base, requester) = (self.base.version(), self.requester.clone());
        Ok(Commit { base, update, isolation: self.isolation, reads, requester })
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("base", &self.base.version()).finish_non_exhaustive()
    }
}

/// The limits of a transaction and what has become of them.
#[derive(Debug)]
struct Clock {
    begun: Instant,
    touched: Instant,
    life: Duration,
    idle: Duration,
    over: Option<Late>,
}

/// A limit that was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Late {
    limit: Limit,
    allowed: Duration,
    passed: Duration,
}

impl Clock {
    /// A call at `now`. Once a limit was exceeded, always the same answer.
    fn touch(&mut self, now: Instant) -> Result<(), Late> {
        let (life, idle) = (now.duration_since(self.begun), now.duration_since(self.touched));
        self.touched = now;
        if self.over.is_none() && life >= self.life {
            self.over = Some(Late { limit: Limit::Life, allowed: self.life, passed: life });
        } else if self.over.is_none() && idle >= self.idle {
            self.over = Some(Late { limit: Limit::Idle, allowed: self.idle, passed: idle });
        }
        self.over.map_or(Ok(()), Err)
    }
}

impl Late {
    fn error(self, update: Update) -> TransactionError {
        let Late { limit, allowed, passed } = self;
        TransactionError::TimedOut { update, limit, allowed, passed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock(life: u32, idle: u32) -> (Clock, Instant) {
        let now = Instant::now();
        (Clock { begun: now, touched: now, life: SECOND * life, idle: SECOND * idle, over: None }, now)
    }

    #[test]
    fn each_call_begins_the_idle_time_anew_but_not_the_life() {
        let (mut clock, begun) = clock(10, 2);
        for second in 1..10 {
            assert_eq!(clock.touch(begun + SECOND * second), Ok(()));
        }
        let late = Late { limit: Limit::Life, allowed: SECOND * 10, passed: SECOND * 10 };
        assert_eq!(clock.touch(begun + SECOND * 10), Err(late));
    }

    #[test]
    fn once_over_it_stays_over_for_the_same_reason() {
        let (mut clock, begun) = clock(10, 2);
        let late = Late { limit: Limit::Idle, allowed: SECOND * 2, passed: SECOND * 3 };
        for second in [3, 4, 20] {
            assert_eq!(clock.touch(begun + SECOND * second), Err(late));
        }
    }
}
