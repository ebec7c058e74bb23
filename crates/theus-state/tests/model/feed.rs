//! [`Feed`]: a store with one observer, or a twin of it with a planted bug.

use crate::counter::set;
use std::collections::VecDeque;
use theus_state::{Observer, RecvError, Store};
use theus_sync::{Arc, Condvar, Mutex};
use theus_value::Map;

/// A store with one observer, or a twin of it.
pub(crate) trait Feed: Clone + Send + Sync + 'static {
    type Observer: Send + Sync + 'static;
    fn new() -> Self;
    fn observe(&self, capacity: usize) -> Self::Observer;
    fn commit(&self) -> u64;
    /// The version of the next event, waiting for it.
    fn recv(observer: &Self::Observer) -> Result<u64, RecvError>;
}

impl Feed for Store {
    type Observer = Observer;

    fn new() -> Self {
        Store::new(Map::new())
    }

    fn observe(&self, capacity: usize) -> Observer {
        self.observe(capacity)
    }

    fn commit(&self) -> u64 {
        Store::commit(self, set(u64::MAX, "a", 1)).unwrap().version
    }

    fn recv(observer: &Observer) -> Result<u64, RecvError> {
        observer.recv(None).map(|event| event.version)
    }
}

/// The twin does it right.
pub(crate) const SOUND: u8 = 0;
/// An event is told after the writers' lock was given back.
pub(crate) const LATE: u8 = 1;
/// What made room for something else is not counted.
pub(crate) const FORGETFUL: u8 = 2;
/// An event wakes nobody.
pub(crate) const SILENT: u8 = 3;
/// The end of the store wakes nobody.
pub(crate) const SILENT_END: u8 = 4;
/// Whoever waits looks before it takes the lock.
pub(crate) const DROWSY: u8 = 5;

#[derive(Default)]
struct Queue {
    events: VecDeque<u64>,
    capacity: usize,
    missed: u64,
    closed: bool,
}

type Shared = Arc<(Mutex<Queue>, Condvar)>;

/// Counts versions under a lock and tells them to a queue, with a planted bug or none.
#[derive(Clone)]
pub(crate) struct Twin<const BUG: u8>(Arc<TwinStore<BUG>>);

pub(crate) struct TwinStore<const BUG: u8> {
    version: Mutex<u64>,
    queue: Shared,
}

pub(crate) struct TwinObserver<const BUG: u8>(Shared);

impl<const BUG: u8> Feed for Twin<BUG> {
    type Observer = TwinObserver<BUG>;

    fn new() -> Self {
        let queue = Arc::new((Mutex::new(Queue::default()), Condvar::new()));
        Self(Arc::new(TwinStore { version: Mutex::new(0), queue }))
    }

    fn observe(&self, capacity: usize) -> TwinObserver<BUG> {
        self.0.queue.0.lock().capacity = capacity;
        TwinObserver(Arc::clone(&self.0.queue))
    }

    fn commit(&self) -> u64 {
        let mut turn = self.0.version.lock();
        *turn += 1;
        let version = *turn;
        let held = (BUG != LATE).then_some(turn);
        let mut queue = self.0.queue.0.lock();
        if queue.events.len() == queue.capacity {
            queue.events.pop_front();
            queue.missed += u64::from(BUG != FORGETFUL);
        }
        queue.events.push_back(version);
        if BUG != SILENT {
            self.0.queue.1.notify_one();
        }
        drop((queue, held));
        version
    }

    fn recv(observer: &TwinObserver<BUG>) -> Result<u64, RecvError> {
        let (queue, arrived) = &*observer.0;
        let mut held = queue.lock();
        loop {
            let missed = std::mem::take(&mut held.missed);
            if missed > 0 {
                return Err(RecvError::Lagged { missed });
            }
            match held.events.pop_front() {
                Some(version) => return Ok(version),
                None if held.closed => return Err(RecvError::Closed),
                None => {}
            }
            if BUG == DROWSY {
                drop(held);
                held = queue.lock();
            }
            arrived.wait(&mut held);
        }
    }
}

impl<const BUG: u8> Drop for TwinStore<BUG> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The checker has stopped by now.
            return;
        }
        self.queue.0.lock().closed = true;
        if BUG != SILENT_END {
            self.queue.1.notify_all();
        }
    }
}
