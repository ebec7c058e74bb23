//! Leases: which blocks one other process (the holder) may still map, so that none of them is used again meanwhile.
//!
//! Not here: how the holder is told of blocks and says what it keeps; noticing its death (drop the table then).
//!
//! The owner numbers what it sends to the holder. The holder states what it keeps, as of the last message that it has
//! seen: a full list, not a change, so that a statement that was lost or made twice does no harm, and blocks that were on
//! their way to the holder when it spoke are not taken for unwanted ones.
//!
//! Invariant: a block that was granted stays in use until the holder has stated, having seen the grant, that it does
//! not keep it, or until the table is dropped. What the holder says can only end leases, never make one.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::block::Block;
use theus_sync::Arc;

struct Lease {
    block: Arc<Block>,
    /// The last message that told the holder of it.
    granted: u64,
    /// The holder has said that it keeps it, and nothing else since.
    kept: bool,
}

/// The blocks that one other process may still map.
///
/// ```
/// use std::sync::Arc;
/// use theus_shm::{Arena, ArenaOptions, Leases};
///
/// let arena = Arena::new(ArenaOptions { capacity: 1 << 20 });
/// let (first, second) = (Arc::new(arena.alloc(64, true)?), Arc::new(arena.alloc(64, true)?));
/// let mut leases = Leases::new();
/// leases.grant(&first, 1);
/// leases.grant(&second, 2);
///
/// // The holder has seen message 1 and keeps nothing; the second block was still on its way.
/// let ended = leases.state(1, []);
/// assert_eq!(ended.len(), 1);
/// assert!(leases.block(first.serial()).is_none() && leases.block(second.serial()).is_some());
/// # Ok::<(), theus_shm::AllocError>(())
/// ```
#[derive(Default)]
pub struct Leases {
    held: HashMap<u64, Lease>,
}

impl Leases {
    /// No leases.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The holder is told of a block in the message of this number.
    pub fn grant(&mut self, block: &Arc<Block>, message: u64) {
        let fresh = || Lease { block: Arc::clone(block), granted: message, kept: false };
        self.held.entry(block.serial()).or_insert_with(fresh).granted = message;
    }

    /// The holder states which blocks it keeps, by their serials, having seen the messages up to this number.
    ///
    /// Gives back what it does not keep, to be dropped where that may take its time.
    pub fn state(&mut self, seen: u64, kept: impl IntoIterator<Item = u64>) -> Vec<Arc<Block>> {
        let kept: HashSet<u64> = kept.into_iter().collect();
        for (serial, lease) in &mut self.held {
            lease.kept = kept.contains(serial);
        }
        let ended = self.held.extract_if(|_, lease| lease.granted <= seen && !lease.kept);
        ended.map(|(_, lease)| lease.block).collect()
    }

    /// Whether the holder has said, last, that it keeps the block of this serial: if so, it will say when it no longer
    /// does; if not, it should be asked.
    #[must_use]
    pub fn is_kept(&self, serial: u64) -> bool {
        self.held.get(&serial).is_some_and(|lease| lease.kept)
    }

    /// Whether there are leases of blocks that the holder was told of after what it said last: it should be asked.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.held.values().any(|lease| !lease.kept)
    }

    /// The block of this serial, if the holder has a lease of it.
    #[must_use]
    pub fn block(&self, serial: u64) -> Option<&Arc<Block>> {
        self.held.get(&serial).map(|lease| &lease.block)
    }

    /// How many leases there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.held.keys()).finish()
    }
}
