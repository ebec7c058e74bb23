//! The stock of memory that an arena and its blocks share: what is in use, what is free, and how to get more.
//!
//! Not here: the public face (`arena`), which part of a shared segment is free (`heap`).
//!
//! Invariants: the state's lock is never held while the kernel maps, fills or frees memory; segments are
//! made one at a time; what is charged is in use or given back, also when a request fails.

use theus_sync::Mutex;
use theus_sync::atomic::{AtomicUsize, Ordering};

use super::ArenaStats;
use super::heap::{GRANULE, Heap};
use super::kept::Kept;
use super::machine;
use crate::block::Home;
use crate::error::{AllocError, ShmError};
use crate::raw::Span;

/// A model has small segments of few blocks, because it makes and zeroes them a thousand times over.
const MODEL: bool = cfg!(theus_loom);
/// Blocks of at least this many bytes get a segment of their own when no shared one has room: a new shared one
/// would be kept whole by the few that are left of them,
const MEDIUM: usize = if MODEL { 2 * PAGE } else { 256 << 10 };
/// those of at least this many in any case,
const LARGE: usize = if MODEL { 2 * PAGE } else { 1 << 20 };
/// until this many have one: each costs a file descriptor, and a process has about a thousand.
const CROWDED: u64 = 256;
/// From then on only blocks of at least this many bytes get one.
const LARGE_WHEN_CROWDED: usize = 8 << 20;
/// A shared segment has at least this many bytes,
const FIRST_SHARED: usize = if MODEL { PAGE } else { 1 << 20 };
/// this part of all shared ones, so that the last one, of which little may be used, is never much of the whole,
const GROWTH: usize = 16;
/// and room for so many blocks of the length that made it necessary, so that little is left behind the last;
const FELLOWS: usize = 4;
/// but no more than this.
const LAST_SHARED: usize = 64 << 20;
/// Segments are multiples of this.
pub(super) const PAGE: usize = 4096;

/// What an arena and its blocks share.
pub(crate) struct Stock {
    state: Mutex<State>,
    /// Held while a segment is made: the state stays free for those who need none, and two large requests
    /// do not both take the same available memory for theirs.
    growing: Mutex<()>,
    /// The process that made it. A forked child has neither the memory nor, perhaps, a usable lock.
    owner: u32,
}

struct State {
    capacity: u64,
    used: u64,
    /// Bytes of blocks that do not count against the capacity.
    guests: u64,
    blocks: u64,
    /// Blocks with a segment of their own.
    own: u64,
    segments: u64,
    reserved: u64,
    heap: Heap,
    kept: Kept,
    /// The arena is gone: what comes back now is let go.
    closed: bool,
}

/// Memory found for a block.
pub(super) struct Grant {
    pub(super) home: Home,
    pub(super) span: Span,
    /// All of it is zero.
    pub(super) clean: bool,
}

impl Stock {
    /// Nothing yet, and at most `capacity` bytes in use.
    pub(super) fn new(capacity: u64) -> Self {
        let state = State {
            capacity: capacity.checked_next_multiple_of(GRANULE as u64).unwrap_or(u64::MAX),
            used: 0,
            guests: 0,
            blocks: 0,
            own: 0,
            segments: 0,
            reserved: 0,
            heap: Heap::new(),
            kept: Kept::default(),
            closed: false,
        };
        Self { state: Mutex::new(state), growing: Mutex::new(()), owner: std::process::id() }
    }

    pub(super) fn stats(&self) -> ArenaStats {
        let state = self.state.lock();
        ArenaStats {
            used: state.used,
            capacity: state.capacity,
            free: state.capacity - state.used,
            blocks: state.blocks,
            segments: state.segments,
            reserved: state.reserved,
            kept: (state.kept.bytes() + state.heap.idle()) as u64,
        }
    }

    /// Lets go of all that is not in use.
    pub(super) fn trim(&self) {
        let released = self.state.lock().release_all();
        drop(released);
    }

    /// The arena is gone: lets go of all that is not in use, and of the rest when it comes back.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.trim();
    }

    /// Whether this is the process that made it.
    pub(crate) fn is_here(&self) -> bool {
        self.owner == std::process::id()
    }

    /// Notes a block of `len` bytes, counted against the capacity or not; how much it takes.
    pub(super) fn note(&self, len: usize, counted: bool) -> Result<usize, AllocError> {
        let mut state = self.state.lock();
        let size = len.max(1).checked_next_multiple_of(GRANULE);
        // Rounding up to pages must not overflow either.
        let size = size.filter(|size| *size <= isize::MAX as usize).ok_or_else(|| state.full(len))?;
        if counted {
            state.charge(len, size)?;
        } else {
            state.guests += size as u64;
        }
        state.blocks += 1;
        Ok(size)
    }

    /// Takes a [`note`](Self::note) back for which there was no memory.
    pub(super) fn forget(&self, size: usize, counted: bool) {
        self.state.lock().gone(size, counted);
    }

    /// One more counts this block of `len` bytes against the capacity; only the first makes a difference.
    pub(crate) fn count(&self, counts: &AtomicUsize, len: usize, size: usize) -> Result<(), AllocError> {
        // Relaxed: it only ever changes under this lock.
        let mut state = self.state.lock();
        let mut released = Vec::new();
        if counts.load(Ordering::Relaxed) == 0 {
            state.charge(len, size)?;
            state.guests -= size as u64;
            released = state.make_room(0);
        }
        counts.fetch_add(1, Ordering::Relaxed);
        drop(state);
        drop(released);
        Ok(())
    }

    /// One of those that count it is gone; with the last it counts no longer.
    pub(crate) fn uncount(&self, counts: &AtomicUsize, size: usize) {
        // A forked child has a copy of the numbers, and perhaps a lock that nobody gives back.
        if !self.is_here() {
            return;
        }
        let mut state = self.state.lock();
        if counts.fetch_sub(1, Ordering::Relaxed) == 1 {
            state.used -= size as u64;
            state.guests += size as u64;
        }
    }

    /// Whether a block of `len` bytes has a segment of its own, rather than one more descriptor be taken for it.
    pub(super) fn gives_own(&self, len: usize) -> bool {
        len >= if self.state.lock().is_crowded() { LARGE_WHEN_CROWDED } else { LARGE }
    }

    /// Memory for a block that was charged, at a multiple of `align`, a power of two up to a page.
    pub(super) fn grant(&self, len: usize, align: usize) -> Result<Grant, ShmError> {
        let align = if len < LARGE { align.max(GRANULE) } else { PAGE };
        if len < MEDIUM {
            return self.shared(len, align);
        }
        {
            let mut state = self.state.lock();
            let crowded = state.is_crowded();
            let found = if len < LARGE && !crowded { state.heap.alloc(len, align) } else { None };
            if let Some((part, span)) = found {
                return Ok(Grant { home: Home::Shared(part), span, clean: true });
            }
            if crowded && len < LARGE_WHEN_CROWDED {
                drop(state);
                return self.shared(len, align);
            }
        }
        self.own(len)
    }

    /// A part of a shared segment.
    fn shared(&self, len: usize, align: usize) -> Result<Grant, ShmError> {
        let grant = |(part, span)| Grant { home: Home::Shared(part), span, clean: true };
        if let Some(found) = self.state.lock().heap.alloc(len, align) {
            return Ok(grant(found));
        }
        let _alone = self.growing.lock();
        let wanted = {
            let mut state = self.state.lock();
            // Somebody may have grown the heap while we waited.
            if let Some(found) = state.heap.alloc(len, align) {
                return Ok(grant(found));
            }
            state.shared_len(len)
        };
        let needed = len.next_multiple_of(PAGE);
        let mut size = wanted;
        let span = loop {
            match self.segment(size, "theus-shared") {
                Err(error) if error.is_shortage() && size > needed => {
                    size = (size / 2).next_multiple_of(PAGE).max(needed);
                }
                other => break other?,
            }
        };
        Ok(grant(self.state.lock().heap.grow(span, len)))
    }

    /// A segment of its own.
    fn own(&self, len: usize) -> Result<Grant, ShmError> {
        let len = len.next_multiple_of(PAGE);
        let grant = |span, clean| Grant { home: Home::Own, span, clean };
        if let Some(span) = self.state.lock().take_kept(len) {
            return Ok(grant(span, false));
        }
        let _alone = self.growing.lock();
        // Somebody may have freed one while we waited.
        if let Some(span) = self.state.lock().take_kept(len) {
            return Ok(grant(span, false));
        }
        let span = self.segment(len, "theus-block")?;
        self.state.lock().own += 1;
        Ok(grant(span, true))
    }

    /// A new segment. Kept ones give way when the capacity or the system leaves no room beside them.
    fn segment(&self, len: usize, label: &str) -> Result<Span, ShmError> {
        let released = self.state.lock().make_room(len);
        drop(released);
        let span = machine::make(len, label).or_else(|error| {
            let released = if error.is_shortage() { self.state.lock().release_all() } else { Vec::new() };
            if released.is_empty() {
                return Err(error);
            }
            drop(released);
            machine::make(len, label)
        })?;
        self.state.lock().count(&span);
        Ok(span)
    }

    /// Counts a segment that somebody else made. Kept ones give way when the capacity leaves no room beside it.
    pub(super) fn take_in(&self, span: &Span) {
        let mut state = self.state.lock();
        let released = state.make_room(span.len());
        state.own += 1;
        state.count(span);
        drop(state);
        drop(released);
    }

    /// Takes back what [`Arena::alloc`] handed out.
    pub(crate) fn free(&self, home: Home, mut span: Span, size: usize, counted: bool) {
        if !self.is_here() {
            return;
        }
        if let Home::Shared(_) = home {
            span.zero_from(0);
        }
        let mut state = self.state.lock();
        state.gone(size, counted);
        let released = match home {
            Home::Shared(part) => {
                let surplus = state.heap.free(part, span);
                if state.closed { state.heap.trim() } else { surplus }
            }
            Home::Own => state.put_kept(span),
            Home::Adopted => {
                state.own -= 1;
                Some(span)
            }
        };
        if let Some(span) = &released {
            state.let_go(span);
        }
        let surplus = state.make_room(0);
        drop(state);
        drop((released, surplus));
    }
}

impl State {
    /// So many blocks have a segment of their own that only larger ones still get one.
    fn is_crowded(&self) -> bool {
        self.own >= CROWDED
    }

    /// Counts `size` bytes against the capacity, for a block of `len`.
    fn charge(&mut self, len: usize, size: usize) -> Result<(), AllocError> {
        let sum = self.used.checked_add(size as u64).filter(|sum| *sum <= self.capacity);
        self.used = sum.ok_or_else(|| self.full(len))?;
        Ok(())
    }

    fn full(&self, len: usize) -> AllocError {
        AllocError::Capacity { asked: len as u64, used: self.used, capacity: self.capacity }
    }

    /// A block is gone.
    fn gone(&mut self, size: usize, counted: bool) {
        *if counted { &mut self.used } else { &mut self.guests } -= size as u64;
        self.blocks -= 1;
    }

    /// What segments may take altogether while there is something to let go.
    fn limit(&self) -> u64 {
        self.capacity.saturating_add(self.guests)
    }

    /// How long the next shared segment should be, for a block of `len` bytes.
    fn shared_len(&self, len: usize) -> usize {
        let room = usize::try_from(self.limit().saturating_sub(self.reserved)).unwrap_or(usize::MAX);
        let room = room - room % PAGE;
        // The first block of all may stay alone.
        let fellows = if self.heap.bytes() == 0 { 1 } else { FELLOWS };
        let wanted = (self.heap.bytes() / GROWTH).max(fellows * len).clamp(FIRST_SHARED, LAST_SHARED);
        wanted.next_multiple_of(PAGE).min(room).max(len.next_multiple_of(PAGE))
    }

    fn take_kept(&mut self, len: usize) -> Option<Span> {
        let span = self.kept.take(len)?;
        self.own += 1;
        Some(span)
    }

    /// Keeps a segment for reuse, or hands it back to be let go.
    fn put_kept(&mut self, span: Span) -> Option<Span> {
        self.own -= 1;
        if self.closed {
            return Some(span);
        }
        self.kept.put(span);
        None
    }

    /// Takes kept segments out until `len` more bytes fit into the limit and the kept ones take no descriptor that others
    /// may need, or none is left.
    fn make_room(&mut self, len: usize) -> Vec<Span> {
        let mut released = Vec::new();
        let crowded = |state: &Self| state.kept.count() > 0 && state.own + state.kept.count() > CROWDED;
        while self.reserved.saturating_add(len as u64) > self.limit() || crowded(self) {
            let Some(span) = self.kept.take_largest().or_else(|| self.heap.trim()) else { break };
            self.let_go(&span);
            released.push(span);
        }
        released
    }

    fn release_all(&mut self) -> Vec<Span> {
        let mut released = Vec::new();
        while let Some(span) = self.kept.take_largest().or_else(|| self.heap.trim()) {
            self.let_go(&span);
            released.push(span);
        }
        released
    }

    fn count(&mut self, span: &Span) {
        self.segments += 1;
        self.reserved += span.len() as u64;
    }

    fn let_go(&mut self, span: &Span) {
        self.segments -= 1;
        self.reserved -= span.len() as u64;
    }
}
