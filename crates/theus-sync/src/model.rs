//! The same words over a checker: loom for builds with `cfg(theus_loom)`, shuttle with `cfg(theus_shuttle)`.
//!
//! What not: no time. Neither has a clock, so [`Condvar::wait_for`] waits for a notification and never reports a
//! timeout; a model must not depend on one. No weak memory under shuttle, which runs atomics one after the other.
//! Invariant: every operation is a point at which the checker may switch threads.

#[cfg(theus_loom)]
use loom as checker;
#[cfg(not(theus_loom))]
use shuttle as checker;

use checker::sync as checked;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

/// Atomic integers and fences: the checker's.
pub mod atomic {
    pub use super::checked::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
}

/// Hints to the processor: a spin is a yield to the checker's scheduler.
pub mod hint {
    pub use super::checker::hint::spin_loop;
}

/// Threads: the checker's.
pub mod thread {
    pub use super::checker::thread::{Builder, JoinHandle, current, spawn, yield_now};
    pub use std::thread::available_parallelism;
}

/// A mutual-exclusion lock that never poisons.
#[derive(Debug, Default)]
pub struct Mutex<T>(checked::Mutex<T>);

/// Proof that the [`Mutex`] is held; gives it back on drop.
///
/// The inner guard is absent only inside [`Condvar::wait`], which the checker's interface takes by value.
#[derive(Debug)]
pub struct MutexGuard<'a, T>(Option<checked::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    /// A free lock around `value`.
    pub fn new(value: T) -> Self {
        Self(checked::Mutex::new(value))
    }

    /// Takes the value out; nobody else can hold the lock any more.
    pub fn into_inner(self) -> T {
        match self.0.into_inner() {
            Ok(value) => value,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// The value, without locking: nobody else can hold the lock.
    pub fn get_mut(&mut self) -> &mut T {
        match self.0.get_mut() {
            Ok(value) => value,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// Waits until the lock is free and takes it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())))
    }

    /// As [`lock`](Self::lock): how long to look before sleeping is nothing that a model can tell.
    pub fn lock_after_spinning(&self) -> MutexGuard<'_, T> {
        self.lock()
    }

    /// Takes the lock if it is free now.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok().map(|guard| MutexGuard(Some(guard)))
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(guard) => guard,
            None => unreachable!("a guard is whole whenever its owner can see it"),
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Some(guard) => guard,
            None => unreachable!("a guard is whole whenever its owner can see it"),
        }
    }
}

/// A condition variable used with [`Mutex`].
#[derive(Debug, Default)]
pub struct Condvar(checked::Condvar);

impl Condvar {
    /// A condition variable with nobody waiting.
    pub fn new() -> Self {
        Self(checked::Condvar::new())
    }

    /// Releases the lock, sleeps until notified, takes the lock again.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        guard.0 =
            guard.0.take().map(|inner| self.0.wait(inner).unwrap_or_else(|poisoned| poisoned.into_inner()));
    }

    /// As [`wait`](Self::wait): a model has no clock, so the answer is always false.
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _timeout: Duration) -> bool {
        self.wait(guard);
        false
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
///
/// Modelled as a lock around the pointer: each load and store is one atomic step, which is what arc-swap
/// promises. arc-swap's inside is arc-swap's to model.
#[derive(Debug)]
pub struct ArcCell<T>(Mutex<Arc<T>>);

impl<T> ArcCell<T> {
    /// A cell holding `value`.
    pub fn new(value: Arc<T>) -> Self {
        Self(Mutex::new(value))
    }

    /// The value of now.
    pub fn load(&self) -> Arc<T> {
        Arc::clone(&self.0.lock())
    }

    /// As [`load`](Self::load); a reference count costs a model nothing.
    pub fn peek(&self) -> Peek<T> {
        Peek(self.load())
    }

    /// Replaces the value; whoever loaded the old one keeps it.
    pub fn store(&self, value: Arc<T>) {
        drop(self.swap(value));
    }

    /// Replaces the value and hands the old one back, so that the caller chooses where it is dropped.
    pub fn swap(&self, value: Arc<T>) -> Arc<T> {
        std::mem::replace(&mut *self.0.lock(), value)
    }
}

/// What [`ArcCell::peek`] sees; keeps it alive.
#[derive(Debug)]
pub struct Peek<T>(Arc<T>);

impl<T> Deref for Peek<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        &self.0
    }
}
