//! Blocks of shared memory, many to a segment when they are small, one each when they are large.
//!
//! Not here: what is in the blocks, who reads them.
//!
//! Invariants
//! - All bookkeeping is private memory of this process: what readers can see steers nothing.
//! - A shortage is an error of [`Arena::alloc`]: pages are reserved before a block is handed out.
//! - The blocks in use never exceed the capacity; segments kept for reuse give way to them.
//! - What lies free in a shared segment is zero; a kept segment is zeroed when it goes out again.
//! - Memory of a live [`Block`] is never touched by the arena, not even when the arena is dropped first.

pub(crate) mod heap;
mod kept;

use core::sync::atomic::{AtomicU64, Ordering};
use std::fmt;
use std::path::Path;

use theus_sync::{Arc, Mutex};

use crate::block::{Block, Home, Place};
use crate::error::{AllocError, ShmError};
use crate::linux::limits;
use crate::raw::Span;
use crate::segment::Segment;
use heap::{GRANULE, Heap};
use kept::Kept;

/// Blocks of at least this many bytes get a segment of their own,
const LARGE: usize = 1 << 20;
/// until this many have one: each costs a file descriptor, and a process has about a thousand.
const CROWDED: u64 = 256;
/// From then on only blocks of at least this many bytes get one.
const LARGE_WHEN_CROWDED: usize = 8 << 20;
/// The first shared segment has this many bytes; a further one doubles what is shared,
const FIRST_SHARED: usize = 1 << 20;
/// by at most this many.
const LAST_SHARED: usize = 64 << 20;
/// Segments are multiples of this.
const PAGE: usize = 4096;
/// From this many bytes on the system is asked what it has before it is asked to give.
const CHECKED: usize = 16 << 20;

/// Numbers of blocks are only names, so the model checker need not see this counter.
static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);

/// How an arena is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArenaOptions {
    /// Bytes that may be in use at most. Blocks count as multiples of 64 bytes, and so does this.
    pub capacity: u64,
}

/// What an arena has and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArenaStats {
    /// Bytes in use by blocks.
    pub used: u64,
    /// Bytes that may be in use at most.
    pub capacity: u64,
    /// Bytes that may still be handed out: capacity less used.
    pub free: u64,
    /// Blocks in use.
    pub blocks: u64,
    /// Segments that the arena holds, kept ones included.
    pub segments: u64,
    /// Bytes of all these segments: what the arena costs the machine.
    pub reserved: u64,
    /// Bytes of segments without any block in use, kept for reuse.
    pub kept: u64,
}

/// Hands out blocks of shared memory and takes them back.
///
/// ```
/// use theus_shm::{AllocError, Arena, ArenaOptions};
///
/// let arena = Arena::new(ArenaOptions { capacity: 8 << 20 });
/// let mut block = arena.alloc(1000, true)?;
/// block.bytes_mut()[..5].copy_from_slice(b"hello");
/// assert_eq!(&block.to_vec()[..6], b"hello\0");
///
/// let refused = arena.alloc(8 << 20, true);
/// assert!(matches!(refused, Err(AllocError::Capacity { used: 1024, .. })));
/// drop(block);
/// assert_eq!(arena.stats().used, 0);
/// # Ok::<(), AllocError>(())
/// ```
pub struct Arena {
    core: Arc<Core>,
}

/// What the arena and its blocks share.
pub(crate) struct Core {
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

impl Arena {
    /// An arena without any memory yet.
    #[must_use]
    pub fn new(options: ArenaOptions) -> Arc<Self> {
        let state = State {
            capacity: options.capacity.checked_next_multiple_of(GRANULE as u64).unwrap_or(u64::MAX),
            used: 0,
            blocks: 0,
            own: 0,
            segments: 0,
            reserved: 0,
            heap: Heap::new(),
            kept: Kept::default(),
            closed: false,
        };
        let (state, growing) = (Mutex::new(state), Mutex::new(()));
        Arc::new(Self { core: Arc::new(Core { state, growing, owner: std::process::id() }) })
    }

    /// A block of `len` bytes (0 is allowed), aligned to 64 bytes, or to a page from 1 MiB on.
    ///
    /// With `zeroed` all bytes are zero. Without it, they may be what an earlier block of this arena held:
    /// the caller overwrites all of them before anybody else gets to see the block.
    ///
    /// # Errors
    /// [`AllocError::Capacity`] when the arena's own limit would be exceeded, [`AllocError::Memory`] when the
    /// system has not enough. Nothing is used up by a refused request.
    pub fn alloc(&self, len: usize, zeroed: bool) -> Result<Block, AllocError> {
        if !self.core.is_here() {
            return Err(AllocError::Forked);
        }
        let charge = self.core.charge(len)?;
        match self.core.grant(charge) {
            Ok(mut grant) => {
                if !grant.clean {
                    // What lies behind the block is seen by readers too.
                    grant.span.zero_from(if zeroed { 0 } else { len });
                }
                let serial = NEXT_SERIAL.fetch_add(1, Ordering::Relaxed);
                let lead = grant.span.offset().next_multiple_of(grant.align) - grant.span.offset();
                let place = Place { home: grant.home, span: grant.span, lead, charge };
                Ok(Block::new(Arc::clone(&self.core), place, len, serial))
            }
            Err(source) => {
                self.core.discharge(charge);
                Err(AllocError::Memory { asked: len as u64, source })
            }
        }
    }

    /// What the arena has and gives at this moment.
    #[must_use]
    pub fn stats(&self) -> ArenaStats {
        let state = self.core.state.lock();
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

    /// Gives all memory without a block in use back to the system.
    pub fn trim(&self) {
        let released = self.core.state.lock().release_all();
        drop(released);
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Arena").field(&self.stats()).finish()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        if !self.core.is_here() {
            return;
        }
        let released = {
            let mut state = self.core.state.lock();
            state.closed = true;
            state.release_all()
        };
        drop(released);
    }
}

/// Memory found for a block.
struct Grant {
    home: Home,
    span: Span,
    /// All of it is zero.
    clean: bool,
    /// The block starts at the first such multiple in the segment.
    align: usize,
}

impl Core {
    fn is_here(&self) -> bool {
        self.owner == std::process::id()
    }

    /// Counts a block of `len` bytes against the capacity; what it counts.
    fn charge(&self, len: usize) -> Result<usize, AllocError> {
        let mut state = self.state.lock();
        let (used, capacity) = (state.used, state.capacity);
        let charge = len.max(1).checked_next_multiple_of(GRANULE).filter(|charge| {
            // Rounding up to pages must not overflow either.
            *charge <= isize::MAX as usize
                && used.checked_add(*charge as u64).is_some_and(|sum| sum <= capacity)
        });
        let charge = charge.ok_or(AllocError::Capacity { asked: len as u64, used, capacity })?;
        state.used += charge as u64;
        state.blocks += 1;
        Ok(charge)
    }

    fn discharge(&self, charge: usize) {
        let mut state = self.state.lock();
        state.used -= charge as u64;
        state.blocks -= 1;
    }

    fn grant(&self, len: usize) -> Result<Grant, ShmError> {
        if len < LARGE {
            return self.shared(len, GRANULE);
        }
        let crowded = self.state.lock().own >= CROWDED;
        if crowded && len < LARGE_WHEN_CROWDED { self.shared(len + PAGE, PAGE) } else { self.own(len) }
    }

    /// A part of a shared segment.
    fn shared(&self, len: usize, align: usize) -> Result<Grant, ShmError> {
        let grant = |(part, span)| Grant { home: Home::Shared(part), span, clean: true, align };
        if let Some(found) = self.state.lock().heap.alloc(len) {
            return Ok(grant(found));
        }
        let _alone = self.growing.lock();
        let wanted = {
            let mut state = self.state.lock();
            // Somebody may have grown the heap while we waited.
            if let Some(found) = state.heap.alloc(len) {
                return Ok(grant(found));
            }
            state.shared_len(len)
        };
        let needed = len.next_multiple_of(PAGE);
        let span = match self.segment(wanted, "theus-shared") {
            Err(error) if error.is_shortage() && wanted > needed => self.segment(needed, "theus-shared")?,
            other => other?,
        };
        Ok(grant(self.state.lock().heap.grow(span, len)))
    }

    /// A segment of its own.
    fn own(&self, len: usize) -> Result<Grant, ShmError> {
        let len = len.next_multiple_of(PAGE);
        let grant = |span, clean| Grant { home: Home::Own, span, clean, align: PAGE };
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
        let span = make(len, label).or_else(|error| {
            let released = if error.is_shortage() { self.state.lock().release_all() } else { Vec::new() };
            if released.is_empty() {
                return Err(error);
            }
            drop(released);
            make(len, label)
        })?;
        let mut state = self.state.lock();
        state.segments += 1;
        state.reserved += len as u64;
        Ok(span)
    }

    /// Takes back what [`Arena::alloc`] handed out.
    pub(crate) fn free(&self, home: Home, mut span: Span, charge: usize) {
        if !self.is_here() {
            return;
        }
        if let Home::Shared(_) = home {
            span.zero_from(0);
        }
        let mut state = self.state.lock();
        state.used -= charge as u64;
        state.blocks -= 1;
        let released = match home {
            Home::Shared(part) => {
                let surplus = state.heap.free(part, span);
                if state.closed { state.heap.trim() } else { surplus }
            }
            Home::Own => state.put_kept(span),
        };
        if let Some(span) = &released {
            state.let_go(span);
        }
        drop(state);
        drop(released);
    }
}

impl State {
    /// How long the next shared segment should be, for a block of `len` bytes.
    fn shared_len(&self, len: usize) -> usize {
        let room = usize::try_from(self.capacity.saturating_sub(self.reserved)).unwrap_or(usize::MAX);
        let room = room - room % PAGE;
        self.heap.bytes().clamp(FIRST_SHARED, LAST_SHARED).min(room).max(len.next_multiple_of(PAGE))
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

    /// Takes kept segments out until `len` more bytes fit into the capacity, or none is left.
    fn make_room(&mut self, len: usize) -> Vec<Span> {
        let mut released = Vec::new();
        while self.reserved.saturating_add(len as u64) > self.capacity {
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

    fn let_go(&mut self, span: &Span) {
        self.segments -= 1;
        self.reserved -= span.len() as u64;
    }
}

fn make(len: usize, label: &str) -> Result<Span, ShmError> {
    if len >= CHECKED {
        let asked = len as u64;
        // Beside the pages themselves: their page tables, and some air for everybody else.
        let needed = asked.saturating_add(asked / 64).saturating_add(CHECKED as u64);
        match limits::available(Path::new("/")) {
            Some(available) if available < needed => return Err(ShmError::Shortage { asked, available }),
            _ => {}
        }
    }
    let segment = Segment::create(len, label)?;
    match Span::whole(segment) {
        Ok(span) => Ok(span),
        Err(_) => unreachable!("nobody else has a segment that was just made"),
    }
}
