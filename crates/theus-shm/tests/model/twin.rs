//! A small arena with the same protocol, sound as it is and with one bug at a time.
//!
//! Two blocks to a segment; the books under one lock, new segments made under another.

use std::sync::{Arc, Weak};

use theus_sync::Mutex;
use theus_sync::atomic::{AtomicU32, Ordering};

use crate::subject::{Held, Subject};

const NO_BUG: u8 = 0;
const SPLIT_CHARGE: u8 = 1;
const CLOSES_LATE: u8 = 2;
const GROWS_TWICE: u8 = 3;
const TRIMS_LATE: u8 = 4;

pub(crate) type Twin = Small<NO_BUG>;
/// Planted: what is in use is read under one lock and written under the next.
pub(crate) type SplitCharge = Small<SPLIT_CHARGE>;
/// Planted: what is kept goes before the arena counts as closed.
pub(crate) type ClosesLate = Small<CLOSES_LATE>;
/// Planted: who waited for another's new segment does not look for room in it.
pub(crate) type GrowsTwice = Small<GROWS_TWICE>;
/// Planted: what is to be trimmed is chosen under one lock and taken under the next.
pub(crate) type TrimsLate = Small<TRIMS_LATE>;

const SLOTS: usize = 2;

pub(crate) struct Cells([AtomicU32; SLOTS]);

struct Part {
    cells: Arc<Cells>,
    taken: [bool; SLOTS],
}

#[derive(Default)]
struct Books {
    used: u64,
    parts: Vec<Part>,
    closed: bool,
}

impl Books {
    fn take(&mut self) -> Option<(Arc<Cells>, usize)> {
        self.parts.iter_mut().find_map(|part| {
            let slot = part.taken.iter().position(|taken| !taken)?;
            part.taken[slot] = true;
            Some((Arc::clone(&part.cells), slot))
        })
    }

    fn idle(&self) -> Vec<Arc<Cells>> {
        let idle = self.parts.iter().filter(|part| part.taken == [false; SLOTS]);
        idle.map(|part| Arc::clone(&part.cells)).collect()
    }

    fn let_go(&mut self, gone: &[Arc<Cells>]) {
        self.parts.retain(|part| !gone.iter().any(|cells| Arc::ptr_eq(cells, &part.cells)));
    }
}

struct Stock {
    capacity: u64,
    books: Mutex<Books>,
    growing: Mutex<()>,
    bug: u8,
}

impl Stock {
    fn charge(&self) -> bool {
        let mut books = self.books.lock();
        let used = books.used;
        if used == self.capacity {
            return false;
        }
        if self.bug == SPLIT_CHARGE {
            drop(books);
            books = self.books.lock();
            books.used += 1;
        } else {
            books.used = used + 1;
        }
        true
    }

    fn grant(&self) -> (Arc<Cells>, usize) {
        if let Some(found) = self.books.lock().take() {
            return found;
        }
        let _alone = self.growing.lock();
        if self.bug != GROWS_TWICE {
            if let Some(found) = self.books.lock().take() {
                return found;
            }
        }
        let cells = Arc::new(Cells([(); SLOTS].map(|()| AtomicU32::new(0))));
        self.books.lock().parts.push(Part { cells: Arc::clone(&cells), taken: [true, false] });
        (cells, 0)
    }

    fn free(&self, cells: &Arc<Cells>, slot: usize) {
        cells.0[slot].store(0, Ordering::Relaxed);
        let mut books = self.books.lock();
        books.used -= 1;
        for part in books.parts.iter_mut().filter(|part| Arc::ptr_eq(&part.cells, cells)) {
            part.taken[slot] = false;
        }
        if books.closed {
            let idle = books.idle();
            books.let_go(&idle);
        }
    }

    fn trim(&self) {
        let mut books = self.books.lock();
        let idle = books.idle();
        if self.bug == TRIMS_LATE {
            drop(books);
            books = self.books.lock();
        }
        books.let_go(&idle);
    }

    fn close(&self) {
        if self.bug == CLOSES_LATE {
            self.trim();
            self.books.lock().closed = true;
        } else {
            self.books.lock().closed = true;
            self.trim();
        }
    }
}

pub(crate) struct Small<const BUG: u8>(Arc<Stock>);

pub(crate) struct Slot {
    stock: Arc<Stock>,
    cells: Option<Arc<Cells>>,
    slot: usize,
}

impl Slot {
    fn cell(&self) -> &AtomicU32 {
        &self.cells.as_ref().unwrap().0[self.slot]
    }
}

impl Held for Slot {
    type Segment = Cells;

    fn fill(&mut self, mark: u8) {
        self.cell().store(mark.into(), Ordering::Relaxed);
    }

    fn holds(&self, mark: u8) -> bool {
        self.cell().load(Ordering::Relaxed) == u32::from(mark)
    }

    fn segment(&self) -> Weak<Cells> {
        Arc::downgrade(self.cells.as_ref().unwrap())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(cells) = self.cells.take() {
            self.stock.free(&cells, self.slot);
        }
    }
}

impl<const BUG: u8> Subject for Small<BUG> {
    type Block = Slot;

    fn new(capacity: u64) -> Self {
        let (books, growing) = (Mutex::new(Books::default()), Mutex::new(()));
        Self(Arc::new(Stock { capacity, books, growing, bug: BUG }))
    }

    fn alloc(&self) -> Option<Slot> {
        if !self.0.charge() {
            return None;
        }
        let (cells, slot) = self.0.grant();
        Some(Slot { stock: Arc::clone(&self.0), cells: Some(cells), slot })
    }

    fn trim(&self) {
        self.0.trim();
    }

    fn used(&self) -> u64 {
        self.0.books.lock().used
    }

    fn segments(&self) -> u64 {
        self.0.books.lock().parts.len() as u64
    }
}

impl<const BUG: u8> Drop for Small<BUG> {
    fn drop(&mut self) {
        self.0.close();
    }
}
