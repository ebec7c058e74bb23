//! [`AuditSystem`]: counts failures, remembers what was said of them, and decides what they lead to.
//!
//! What not: the trail of attempts ([`Trail`](crate::Trail)); what a rule tests ([`Rule`](crate::Rule)).
//!
//! Invariants: counters and entries are per system; whoever passes while nothing is counted takes no lock; the lock is
//! never held while a caller's code runs.

mod judge;
mod log_entry;
mod tallies;
mod verdict;

pub use judge::Judgement;
pub use log_entry::LogEntry;
pub use verdict::{AuditRefusal, Verdict};

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{AuditRecipe, Level};
use tallies::Tallies;

/// Counts failures by key, keeps the newest log entries, and decides what a failure leads to. Shared by reference.
///
/// ```
/// use theus_audit::{AuditRecipe, AuditSystem, Level, Verdict};
///
/// let audit = AuditSystem::new(AuditRecipe { threshold_max: 1, ..AuditRecipe::default() }, 1000);
/// assert_eq!(audit.log_fail("greet", None, None), Verdict::Pass);
/// assert!(matches!(audit.log_fail("greet", None, None), Verdict::Refuse(_)));
/// audit.log_success("greet");
/// assert_eq!(audit.get_count("greet"), 0);
/// assert!(matches!(audit.log_fail("greet", Some(Level::Abort), None), Verdict::Refuse(_)));
/// ```
pub struct AuditSystem {
    recipe: AuditRecipe,
    now: fn() -> f64,
    /// Whether any key has a count, so that a success need not take the lock to find out that none has. Written under
    /// the lock.
    counting: AtomicBool,
    /// Whether a refusal is latched. Written under the lock.
    latched: AtomicBool,
    tallies: Mutex<Tallies>,
}

impl AuditSystem {
    /// How many log entries a system keeps unless it is told otherwise.
    pub const DEFAULT_CAPACITY: usize = 1000;

    /// A system without counts that keeps the newest `capacity` log entries.
    pub fn new(recipe: AuditRecipe, capacity: usize) -> Self {
        AuditSystem::with_clock(recipe, capacity, unix_seconds)
    }

    /// As [`AuditSystem::new`], with `now` as the clock: seconds since 1970-01-01 00:00 UTC.
    pub fn with_clock(recipe: AuditRecipe, capacity: usize, now: fn() -> f64) -> Self {
        AuditSystem {
            recipe,
            now,
            counting: AtomicBool::new(false),
            latched: AtomicBool::new(false),
            tallies: Mutex::new(Tallies::new(capacity)),
        }
    }

    /// The one system that the whole program shares, with the default recipe.
    ///
    /// ```
    /// use theus_audit::AuditSystem;
    ///
    /// assert!(std::sync::Arc::ptr_eq(AuditSystem::shared(), AuditSystem::shared()));
    /// ```
    pub fn shared() -> &'static Arc<AuditSystem> {
        static SHARED: LazyLock<Arc<AuditSystem>> = LazyLock::new(|| Arc::new(AuditSystem::default()));
        &SHARED
    }

    /// The settings.
    pub fn recipe(&self) -> &AuditRecipe {
        &self.recipe
    }

    /// Counts a failure of `key` and says what it leads to; `level` and `threshold_max` beat the recipe's.
    ///
    /// | Level | After counting |
    /// |---|---|
    /// | Stop, Abort | refused |
    /// | Block | refused if the count is above the threshold |
    /// | Count | passes |
    /// | Ignore | passes, and nothing was counted |
    /// | Block, Count | a warning while 0 < `threshold_min` <= count <= threshold |
    pub fn log_fail(&self, key: &str, level: Option<Level>, threshold_max: Option<u64>) -> Verdict {
        self.fail(key, level, threshold_max, None)
    }

    /// Sets the count of `key` to 0 if the recipe has `reset_on_success`.
    pub fn log_success(&self, key: &str) {
        if self.recipe.reset_on_success && self.counting.load(Ordering::Acquire) {
            let mut tallies = self.lock();
            let counting = tallies.forget(key);
            self.counting.store(counting, Ordering::Release);
        }
    }

    /// How many failures of `key` are counted.
    pub fn get_count(&self, key: &str) -> u64 {
        self.lock().count(key)
    }

    /// How many log entries there ever were.
    pub fn get_count_all(&self) -> u64 {
        self.lock().entries_ever()
    }

    /// Adds a log entry. The oldest leaves when there are more than are kept.
    pub fn log(&self, key: &str, message: &str) {
        let leaving = self.lock().add(key, message, self.now);
        // Freed outside the lock: a message may be long.
        drop(leaving);
    }

    /// The kept log entries, oldest first. They are shared, not copied.
    pub fn get_logs(&self) -> Vec<Arc<LogEntry>> {
        self.lock().entries()
    }

    /// How many log entries are kept now.
    pub fn ring_buffer_len(&self) -> usize {
        self.lock().kept()
    }

    /// How many log entries are kept at most.
    pub fn capacity(&self) -> usize {
        self.lock().capacity()
    }

    /// The first refusal of level Stop since the last reset, if the recipe latches it: nothing may run any more.
    ///
    /// ```
    /// use theus_audit::{AuditRecipe, AuditSystem, Level};
    ///
    /// let audit = AuditSystem::new(AuditRecipe { stop_latch: true, ..AuditRecipe::default() }, 1000);
    /// audit.log_fail("greet", Some(Level::Stop), None);
    /// assert_eq!(audit.stopped().map(|refusal| refusal.key), Some("greet".into()));
    /// audit.reset();
    /// assert_eq!(audit.stopped(), None);
    /// ```
    pub fn stopped(&self) -> Option<AuditRefusal> {
        if self.latched.load(Ordering::Acquire) { self.lock().stopped().cloned() } else { None }
    }

    /// Lifts the latch and sets all counts to 0. Log entries stay.
    pub fn reset(&self) {
        let mut tallies = self.lock();
        tallies.reset();
        self.latched.store(false, Ordering::Release);
        self.counting.store(false, Ordering::Release);
    }

    /// As [`AuditSystem::log_fail`]; with the words of a violation these go into the log and into a refusal.
    fn fail(
        &self,
        key: &str,
        level: Option<Level>,
        threshold_max: Option<u64>,
        violation: Option<&str>,
    ) -> Verdict {
        let level = level.unwrap_or(self.recipe.level);
        if level == Level::Ignore {
            return Verdict::Pass;
        }
        let threshold = threshold_max.unwrap_or(self.recipe.threshold_max);
        let mut tallies = self.lock();
        let leaving = violation.and_then(|words| tallies.add(key, &format!("VIOLATION: {words}"), self.now));
        let count = tallies.raise(key);
        self.counting.store(true, Ordering::Release);
        let verdict = verdict::verdict(&self.recipe, key, level, count, threshold, violation);
        if let Verdict::Refuse(refusal) = &verdict
            && level == Level::Stop
            && self.recipe.stop_latch
        {
            tallies.latch(refusal);
            self.latched.store(true, Ordering::Release);
        }
        drop(tallies);
        drop(leaving);
        verdict
    }

    /// No change under the lock can end halfway, so what a poisoned lock guards is whole.
    fn lock(&self) -> MutexGuard<'_, Tallies> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for AuditSystem {
    fn default() -> Self {
        AuditSystem::new(AuditRecipe::default(), AuditSystem::DEFAULT_CAPACITY)
    }
}

impl fmt::Debug for AuditSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditSystem").field("recipe", &self.recipe).finish_non_exhaustive()
    }
}

/// Seconds since 1970 by the system's clock; 0 if the clock stands before that.
fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
