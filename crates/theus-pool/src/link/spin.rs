//! Spinning: how long to look before going to sleep.
//!
//! A wake-up of a sleeping thread costs tens of microseconds, looking for the same time costs a core. So each listener
//! has a budget of looks. It cannot learn from looking alone, for with a small budget looking never pays; it learns from
//! how long the waits turn out to be, those that ended in sleep included. On a one-core machine nobody spins.

use std::time::{Duration, Instant};
use theus_sync::atomic::{AtomicBool, AtomicU32, Ordering};
use theus_sync::{hint, thread};

/// Looks of one round at the most; each takes some ten nanoseconds.
const MOST: u32 = 4096;
/// Looks of one round where waits are long.
const LEAST: u32 = 64;
/// A wait that was over in this time, the wake-up included, would have been over within a full round.
const SHORT: Duration = Duration::from_micros(150);

/// One wait in this many looks for a full round, whatever the budget: where wake-ups are slow, sleeping makes every wait
/// long, and only looking can tell that it would have been short.
const TRIAL: u32 = 16;

/// One listener's budget.
#[derive(Debug)]
pub(crate) struct Spin {
    budget: AtomicU32,
    /// Counts the waits.
    waits: AtomicU32,
    enabled: bool,
}

impl Spin {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
        Spin { budget: AtomicU32::new(MOST), waits: AtomicU32::new(0), enabled: cores > 1 }
    }

    /// Looks so often at most; true if it is still idle then.
    fn look(&self, most: u32, idle: impl Fn() -> bool) -> bool {
        for _ in 0..if self.enabled { most } else { 0 } {
            if !idle() {
                return false;
            }
            hint::spin_loop();
        }
        idle()
    }

    /// Waits while idle: looks, then sleeps once by `sleep`, which may give up.
    pub(crate) fn wait(&self, idle: impl Fn() -> bool, sleep: impl FnOnce()) {
        let started = Instant::now();
        // Both are hints: threads that update them at once may lose an update, and nothing depends on it.
        let trial = self.waits.fetch_add(1, Ordering::Relaxed).is_multiple_of(TRIAL);
        let most = if trial { MOST } else { self.budget.load(Ordering::Relaxed) };
        if !self.look(most, &idle) {
            if trial {
                self.budget.store(MOST, Ordering::Relaxed);
            }
            return;
        }
        sleep();
        // Nothing has come yet, so this wait is not over, and nothing is known of how long it is.
        if idle() {
            return;
        }
        let budget = if started.elapsed() < SHORT {
            MOST
        } else {
            (self.budget.load(Ordering::Relaxed) / 2).max(LEAST)
        };
        self.budget.store(budget, Ordering::Relaxed);
    }
}

/// The longest look of a caller that must not block.
const GLANCE: Duration = Duration::from_micros(25);

/// Whether short looks by callers that must not block pay: they do while tasks are short.
#[derive(Debug)]
pub(crate) struct Glances {
    pay: AtomicBool,
    enabled: bool,
}

impl Glances {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
        Glances { pay: AtomicBool::new(true), enabled: cores > 1 }
    }

    /// Learns how long a task took, from being handed in to its end.
    pub(crate) fn learn(&self, age: Duration) {
        // A hint like the budget above.
        self.pay.store(age < SHORT, Ordering::Relaxed);
    }

    pub(crate) fn pay(&self) -> bool {
        self.enabled && self.pay.load(Ordering::Relaxed)
    }

    /// Calls `step` whenever its last answer is no longer idle, until it has none or the time is over.
    pub(crate) fn while_useful<I: Fn() -> bool>(&self, mut step: impl FnMut() -> Option<I>) {
        let started = Instant::now();
        while let Some(idle) = step() {
            loop {
                if started.elapsed() > GLANCE {
                    return;
                }
                if !idle() {
                    break;
                }
                hint::spin_loop();
            }
        }
    }
}

#[cfg(all(test, not(theus_loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn pass(time: Duration) {
        let started = Instant::now();
        while started.elapsed() < time {}
    }

    /// The budget after a wait that the sleep ends, or not, after this time.
    fn budget_after(spin: &Spin, slept: Duration, ended: bool) -> u32 {
        let over = Cell::new(false);
        spin.wait(
            || !over.get(),
            || {
                pass(slept);
                over.set(ended);
            },
        );
        spin.budget.load(Ordering::Relaxed)
    }

    #[test]
    fn a_trial_finds_out_that_waits_have_become_short() {
        let spin = Spin { enabled: true, ..Spin::new() };
        while spin.budget.load(Ordering::Relaxed) > LEAST {
            budget_after(&spin, 2 * SHORT, true);
        }
        // Each wait is over after more looks than the budget has, and a sleep makes it long.
        let short_wait = || {
            let looks = Cell::new(0);
            let idle = || looks.replace(looks.get() + 1) < 2 * LEAST;
            spin.wait(idle, || {
                pass(2 * SHORT);
                looks.set(2 * LEAST);
            });
        };
        (0..TRIAL).for_each(|_| short_wait());
        assert_eq!(spin.budget.load(Ordering::Relaxed), MOST);
    }

    #[test]
    fn a_long_wait_halves_the_budget_and_one_that_is_not_over_teaches_nothing() {
        let spin = Spin::new();
        assert_eq!(budget_after(&spin, 2 * SHORT, true), MOST / 2);
        // A worker that looks up from time to time while it is idle must not forget how short its waits were.
        for _ in 0..10 {
            assert_eq!(budget_after(&spin, 2 * SHORT, false), MOST / 2);
        }
        assert_eq!(budget_after(&spin, 2 * SHORT, true), MOST / 4);
    }
}
