//! Locks, atomics and threads behind one name.
//!
//! What: the synchronisation words that the modelled crates (state, pool, shm) use. Built normally they are
//! `std`, `parking_lot` and `arc-swap`; built with `RUSTFLAGS="--cfg theus_loom"` they are loom's, with
//! `"--cfg theus_shuttle"` shuttle's, so the same algorithm that ships is the one that the checkers explore.
//!
//! What not: no logic, no policy, no data structure of our own.
//!
//! Invariants
//! - All builds export the same names with the same signatures, except [`Builder`](thread::Builder)'s options
//!   and the `const`-ness of constructors: loom's atomics are not `const`, so a modelled crate has no `static` ones.
//! - [`Arc`] is std's in all builds. Reference counting is std's own affair and is not modelled; in exchange
//!   `Arc<str>` and `Arc<dyn Trait>` work in models too.
//! - A [`Mutex`] never poisons: a panic while it is held leaves it usable.
//!
//! ```
//! use theus_sync::{Arc, ArcCell, Mutex};
//!
//! let cell = ArcCell::new(Arc::new(1));
//! let writer = Mutex::new(());
//! {
//!     let _alone = writer.lock();
//!     let next = *cell.load() + 1;
//!     cell.store(Arc::new(next));
//! }
//! assert_eq!(*cell.load(), 2);
//! ```

#[cfg(not(any(theus_loom, theus_shuttle)))]
mod native;
#[cfg(not(any(theus_loom, theus_shuttle)))]
pub use native::{ArcCell, Condvar, Mutex, MutexGuard, Peek, atomic, hint, thread};

#[cfg(any(theus_loom, theus_shuttle))]
mod model;
#[cfg(any(theus_loom, theus_shuttle))]
pub use model::{ArcCell, Condvar, Mutex, MutexGuard, Peek, atomic, hint, thread};

pub use std::sync::{Arc, Weak};
