//! Spinning: how long to look before going to sleep.
//!
//! A wake-up of a sleeping thread costs several microseconds, looking for the same time costs a core. Each listener
//! keeps a budget that grows when looking paid and shrinks when it did not, and that is zero on a one-core machine.

use theus_sync::atomic::{AtomicU32, Ordering};
use theus_sync::{hint, thread};

/// Looks of one round; each takes some ten nanoseconds.
const MOST: u32 = 4096;
const LEAST: u32 = 64;

/// One listener's budget.
#[derive(Debug)]
pub(crate) struct Spin {
    budget: AtomicU32,
    enabled: bool,
}

impl Spin {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
        Spin { budget: AtomicU32::new(MOST), enabled: cores > 1 }
    }

    /// Looks until `idle` is false or the budget is used up; returns whether it is still idle.
    pub(crate) fn while_idle(&self, idle: impl Fn() -> bool) -> bool {
        if !self.enabled {
            return idle();
        }
        // The budget is a hint: threads that update it at once may lose an update, and nothing depends on it.
        let budget = self.budget.load(Ordering::Relaxed);
        for _ in 0..budget {
            if !idle() {
                self.budget.store((budget * 2).min(MOST), Ordering::Relaxed);
                return false;
            }
            hint::spin_loop();
        }
        self.budget.store((budget / 2).max(LEAST), Ordering::Relaxed);
        idle()
    }
}
