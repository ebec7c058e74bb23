//! The engine: the one Brain. It alone owns the state, commits and keeps the audit trail.

use crate::attempt::Attempt;
use crate::audit::{Audit, AuditFault};
use crate::contract::HEAVY;
use crate::options::Builder;
use crate::process::Process;
use crate::remote::{RemoteTask, TaskOutput};
use crate::transaction::{Transaction, TransactionOptions};
use parking_lot::Mutex;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use theus_audit::Trail;
use theus_pool::{Launch, OnRefused, Pool, PoolOptions, PoolStats, TaskHandle};
use theus_shm::session::Listener;
use theus_shm::{Arena, ArenaOptions};
use theus_state::{
    Backoff, ConflictManager, Isolation, MAX_RETRIES, Requester, RetryDecision, Snapshot, Store,
};
use thiserror::Error;

/// How long a worker process may take until it is ready.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The first wait after a conflict that a caller reports.
const BACKOFF: Duration = Duration::from_millis(2);

/// The engine was shut down, or belongs to another process.
#[derive(Debug, Error)]
pub enum Closed {
    /// It was shut down.
    #[error("the engine is shut down and takes no more work")]
    ShutDown,
    /// The calling process is a forked child.
    #[error("the engine belongs to process {owner}; a forked child must make its own")]
    Forked {
        /// The process that made the engine.
        owner: u32,
    },
    /// The pool cannot be made.
    #[error("the worker pool cannot be made: {0}")]
    Pool(#[from] io::Error),
    /// The audit has stopped the engine, or its trail cannot take the records of more work.
    #[error(transparent)]
    Audit(#[from] AuditFault),
}

struct Inner {
    store: Store,
    audit: Audit,
    arena: Arc<Arena>,
    isolation: Mutex<Isolation>,
    pool: Mutex<PoolState>,
    pool_size: usize,
    launch: Mutex<Launch>,
    next_task: AtomicU64,
    next_function: AtomicU32,
    backoff: Mutex<Backoff>,
    conflicts: ConflictManager,
    write_limit: Duration,
    process: u32,
    /// Of named sessions.
    listeners: Mutex<Vec<Listener>>,
}

enum PoolState {
    Unused,
    Running(Arc<Pool<RemoteTask>>),
    Closed,
}

/// An engine. Cloning gives another handle of the same one.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

impl Engine {
    /// Begins to make an engine.
    ///
    /// ```
    /// use theus::{Engine, Value};
    /// let initial = [("domain".into(), Value::from(theus_value::Map::new()))].into_iter().collect();
    /// let engine = Engine::builder().initial(initial).heap_bytes(64 << 20).pool_size(2).build();
    /// assert_eq!(engine.snapshot().version(), 1);
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn from_builder(builder: Builder) -> Self {
        let arena = Arena::new(ArenaOptions { capacity: builder.heap_bytes });
        Engine::with_arena(builder, arena)
    }

    pub(crate) fn with_arena(builder: Builder, arena: Arc<Arena>) -> Self {
        let process = std::process::id();
        let store = Store::new(builder.initial);
        let inner = Inner {
            conflicts: ConflictManager::new(store.clone(), MAX_RETRIES, BACKOFF),
            store,
            audit: Audit::new(builder.audit),
            arena,
            isolation: Mutex::new(builder.isolation),
            pool: Mutex::new(PoolState::Unused),
            pool_size: builder.pool_size,
            launch: Mutex::new(builder.launch),
            next_task: AtomicU64::new(1),
            next_function: AtomicU32::new(1),
            backoff: Mutex::new(Backoff::new(u64::from(process))),
            write_limit: builder.write_limit,
            process,
            listeners: Mutex::new(Vec::new()),
        };
        Engine { inner: Arc::new(inner) }
    }

    /// The state as it is now.
    pub fn snapshot(&self) -> Snapshot {
        self.inner.store.snapshot()
    }

    /// The audit: trail, rules and counters.
    pub fn audit(&self) -> &Audit {
        &self.inner.audit
    }

    /// The audit trail.
    pub fn trail(&self) -> &Trail {
        self.inner.audit.trail()
    }

    /// The heavy zone's memory.
    pub fn arena(&self) -> &Arc<Arena> {
        &self.inner.arena
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn listeners(&self) -> &Mutex<Vec<Listener>> {
        &self.inner.listeners
    }

    /// Which changes beside a commit refuse it.
    pub fn isolation(&self) -> Isolation {
        *self.inner.isolation.lock()
    }

    /// Sets which changes beside a commit refuse it, from the next attempt on.
    pub fn set_isolation(&self, isolation: Isolation) {
        *self.inner.isolation.lock() = isolation;
    }

    /// The waits after conflicts, with jitter.
    pub(crate) fn backoff(&self) -> &Mutex<Backoff> {
        &self.inner.backoff
    }

    /// How long an attempt may wait for somebody else's priority ticket.
    pub(crate) fn write_limit(&self) -> Duration {
        self.inner.write_limit
    }

    /// A commit of `requester`, a caller who runs a loop of its own, conflicted: how long to wait before it tries again.
    /// Past the granted retries it lines up for the priority ticket, under its name.
    pub fn report_conflict(&self, requester: &str) -> RetryDecision {
        self.inner.conflicts.report_conflict(&Requester::new(requester))
    }

    /// A commit of `requester` went through, or it gives up: clears its count and gives its ticket back.
    pub fn report_success(&self, requester: &str) {
        self.inner.conflicts.report_success(&Requester::new(requester));
    }

    /// Begins a transaction of the caller on the state of now.
    ///
    /// # Errors
    /// When the engine is shut down.
    ///
    /// ```
    /// use theus::{Authority, Engine, Path, TransactionOptions, Update, Value};
    /// let engine = Engine::builder().build();
    /// let log = Path::parse("domain.log_events")?;
    ///
    /// let mut transaction = engine.transaction(TransactionOptions::default())?;
    /// let mut update = Update::new();
    /// update.append(log.clone(), vec![Value::from("begun")]);
    /// transaction.update(update)?;
    /// assert_eq!(transaction.commit()?, 1);
    ///
    /// let clear = || {
    ///     let mut update = Update::new();
    ///     update.delete(log.clone());
    ///     update
    /// };
    /// let refused = engine.compare_and_swap(1, clear()).unwrap_err();
    /// assert!(refused.to_string().contains("DELETE capability required"));
    /// let authority = Authority::Admin { reason: "a new season".into() };
    /// let mut transaction = engine.transaction(TransactionOptions { authority, ..TransactionOptions::default() })?;
    /// transaction.update(clear())?;
    /// assert_eq!(transaction.commit()?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transaction(&self, options: TransactionOptions) -> Result<Transaction, Closed> {
        self.check_open()?;
        Ok(Transaction::new(self.clone(), options))
    }

    /// Begins the first attempt of a task in the calling thread.
    ///
    /// # Errors
    /// When the engine is shut down.
    pub fn begin(&self, process: &Process) -> Result<Attempt, Closed> {
        self.check_open()?;
        Ok(Attempt::begun(self.clone(), process.clone(), self.next_task()))
    }

    /// A number for a function that workers shall run.
    pub fn new_function_id(&self) -> u32 {
        self.inner.next_function.fetch_add(1, Ordering::Relaxed)
    }

    /// Hands a task to the workers.
    ///
    /// # Errors
    /// When the engine is shut down.
    pub fn submit(
        &self,
        task: RemoteTask,
        deadline: Option<Instant>,
    ) -> Result<TaskHandle<RemoteTask>, Closed> {
        self.inner.audit.check_open()?;
        let pool = self.pool()?;
        pool.submit(task.id(), task, deadline).map_err(|_| Closed::ShutDown)
    }

    pub(crate) fn next_task(&self) -> u64 {
        self.inner.next_task.fetch_add(1, Ordering::Relaxed)
    }

    /// How worker processes are started, from the next start of the pool on.
    pub fn set_launch(&self, launch: Launch) {
        *self.inner.launch.lock() = launch;
    }

    /// True once tasks were handed to workers.
    pub fn has_pool(&self) -> bool {
        matches!(*self.inner.pool.lock(), PoolState::Running(_))
    }

    /// What the workers are doing; None before the first task for them.
    pub fn pool_stats(&self) -> Option<PoolStats> {
        match &*self.inner.pool.lock() {
            PoolState::Running(pool) => Some(pool.stats()),
            _ => None,
        }
    }

    /// Ends the workers, gives running tasks this long before, and takes no more work. The heavy zone is gone then:
    /// memory that nobody holds any more is freed, and the trail on disk is whole, synced and free for others. Calling it again does
    /// nothing.
    pub fn shutdown(&self, timeout: Duration) {
        if self.is_forked() {
            return;
        }
        self.drain(timeout);
        // Snapshots and arrays that somebody holds keep theirs.
        self.inner.store.let_go(HEAVY);
        self.inner.arena.trim();
        // Last, so that what the shutdown ended has its records.
        self.inner.audit.trail().close();
    }

    /// The first half of [`shutdown`](Self::shutdown): takes no more work, gives running tasks this long, and ends the workers.
    /// Attempts whose bodies the host language runs can still be settled, and the trail takes their records.
    pub fn drain(&self, timeout: Duration) {
        if self.is_forked() {
            return;
        }
        let pool = std::mem::replace(&mut *self.inner.pool.lock(), PoolState::Closed);
        let listeners = std::mem::take(&mut *self.inner.listeners.lock());
        drop(listeners);
        if let PoolState::Running(pool) = pool {
            pool.shutdown(timeout);
        }
    }

    /// True in a forked child of the process that made the engine.
    pub(crate) fn is_forked(&self) -> bool {
        std::process::id() != self.inner.process
    }

    /// Asks whether work is taken.
    ///
    /// # Errors
    /// When the engine is shut down, or this is a forked child.
    pub fn check_open(&self) -> Result<(), Closed> {
        if self.is_forked() {
            return Err(Closed::Forked { owner: self.inner.process });
        }
        match *self.inner.pool.lock() {
            PoolState::Closed => Err(Closed::ShutDown),
            _ => Ok(self.inner.audit.check_open()?),
        }
    }

    /// A completion that comes too late, or of what its worker does not run, leaves a record of its own.
    fn record_refusals(&self) -> OnRefused {
        // The pool belongs to the engine, not the other way round.
        let engine = Arc::downgrade(&self.inner);
        OnRefused(Box::new(move |claimed| {
            if let Some(engine) = engine.upgrade() {
                engine.audit.refused(claimed.task, claimed.number, claimed.worker);
            }
        }))
    }

    fn pool(&self) -> Result<Arc<Pool<RemoteTask>>, Closed> {
        if self.is_forked() {
            return Err(Closed::Forked { owner: self.inner.process });
        }
        let mut state = self.inner.pool.lock();
        match &*state {
            PoolState::Running(pool) => Ok(Arc::clone(pool)),
            PoolState::Closed => Err(Closed::ShutDown),
            PoolState::Unused => {
                let pool = Arc::new(Pool::new(PoolOptions {
                    size: self.inner.pool_size,
                    launch: self.inner.launch.lock().clone(),
                    arena: Arc::clone(&self.inner.arena),
                    start_timeout: START_TIMEOUT,
                    on_refused: Some(self.record_refusals()),
                })?);
                *state = PoolState::Running(Arc::clone(&pool));
                Ok(pool)
            }
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine(version {})", self.snapshot().version())
    }
}

/// A handle of a task on the workers.
pub type Task = TaskHandle<RemoteTask>;

/// What a task on the workers ends with.
pub type Output = TaskOutput;
