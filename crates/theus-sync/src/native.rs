//! The words as they ship: `std` atomics and threads, `parking_lot` locks, `arc-swap` for the cell.
//!
//! What not: nothing here decides anything; each method is one call.
//! Invariant: [`ArcCell::load`] and [`ArcCell::peek`] never wait for a writer (arc-swap's debt list, no lock).

use arc_swap::ArcSwap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// Atomic integers and fences: `std::sync::atomic`.
pub mod atomic {
    pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
}

/// Hints to the processor: `std::hint`.
pub mod hint {
    pub use std::hint::spin_loop;
}

/// Threads: `std::thread`.
pub mod thread {
    pub use std::thread::{Builder, JoinHandle, available_parallelism, current, spawn, yield_now};
}

/// Pauses of the processor (some 25 ns each) before the second look at a lock, and before the last.
const FIRST_PAUSES: u32 = 32;
const MOST_PAUSES: u32 = 1024;

/// A mutual-exclusion lock that never poisons.
#[derive(Debug, Default)]
pub struct Mutex<T: ?Sized>(parking_lot::Mutex<T>);

/// Proof that the [`Mutex`] is held; gives it back on drop.
pub type MutexGuard<'a, T> = parking_lot::MutexGuard<'a, T>;

impl<T> Mutex<T> {
    /// A free lock around `value`.
    pub fn new(value: T) -> Self {
        Self(parking_lot::Mutex::new(value))
    }

    /// Takes the value out; nobody else can hold the lock any more.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }

    /// The value, without locking: nobody else can hold the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits until the lock is free and takes it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    /// As [`lock`](Self::lock), for short sections that several cores want without a pause: looks again after pauses that
    /// double, about 50 µs in all, before it sleeps. So who holds the lock can take it several times in a row, while what it
    /// guards is in that core's cache, and nobody is put to sleep for a microsecond. Spinning with exponential back-off is
    /// T. E. Anderson's (IEEE TPDS 1990).
    pub fn lock_after_spinning(&self) -> MutexGuard<'_, T> {
        let mut pauses = FIRST_PAUSES;
        while pauses <= MOST_PAUSES {
            if let Some(guard) = self.0.try_lock() {
                return guard;
            }
            (0..pauses).for_each(|_| std::hint::spin_loop());
            pauses *= 2;
        }
        self.0.lock()
    }

    /// Takes the lock if it is free now.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock()
    }
}

/// A condition variable used with [`Mutex`].
#[derive(Debug, Default)]
pub struct Condvar(parking_lot::Condvar);

impl Condvar {
    /// A condition variable with nobody waiting.
    pub fn new() -> Self {
        Self(parking_lot::Condvar::new())
    }

    /// Releases the lock, sleeps until notified, takes the lock again. May wake without a notification.
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        self.0.wait(guard);
    }

    /// As [`wait`](Self::wait), at most for `timeout`. True if the time ran out.
    pub fn wait_for<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>, timeout: Duration) -> bool {
        self.0.wait_for(guard, timeout).timed_out()
    }

    /// Wakes one waiting thread, if any.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiting threads.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A place that holds an [`Arc`] which many threads read while one replaces it.
#[derive(Debug)]
pub struct ArcCell<T>(ArcSwap<T>);

impl<T> ArcCell<T> {
    /// A cell holding `value`.
    pub fn new(value: Arc<T>) -> Self {
        Self(ArcSwap::new(value))
    }

    /// The value of now. Never waits for a writer.
    pub fn load(&self) -> Arc<T> {
        self.0.load_full()
    }

    /// A look at the value of now that takes no reference count. Never waits for a writer. Meant to be short: only a
    /// few looks of one thread at a time are this cheap.
    pub fn peek(&self) -> Peek<T> {
        Peek(self.0.load())
    }

    /// Replaces the value; whoever loaded the old one keeps it.
    pub fn store(&self, value: Arc<T>) {
        self.0.store(value);
    }

    /// Replaces the value and hands the old one back, so that the caller chooses where it is dropped.
    pub fn swap(&self, value: Arc<T>) -> Arc<T> {
        self.0.swap(value)
    }
}

/// What [`ArcCell::peek`] sees; keeps it alive.
#[derive(Debug)]
pub struct Peek<T>(arc_swap::Guard<Arc<T>>);

impl<T> Deref for Peek<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        &self.0
    }
}
