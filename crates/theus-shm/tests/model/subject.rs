//! What the properties are about: the arena with two sizes of blocks, and what a twin must offer.

use std::sync::{Arc, Weak};

use theus_shm::{Arena, ArenaOptions, Block, Segment};

/// An arena that gives blocks of one size.
pub(crate) trait Subject: Send + Sync + 'static {
    type Block: Held;
    /// An arena for so many blocks.
    fn new(blocks: u64) -> Self;
    /// A zeroed block; `None` when the capacity is reached.
    fn alloc(&self) -> Option<Self::Block>;
    fn trim(&self);
    /// Blocks in use, as the arena counts them.
    fn used(&self) -> u64;
    /// Segments that the arena holds, as it counts them.
    fn segments(&self) -> u64;
}

/// A block in use.
pub(crate) trait Held: Send + 'static {
    type Segment: Send;
    fn fill(&mut self, mark: u8);
    fn holds(&self, mark: u8) -> bool;
    fn segment(&self) -> Weak<Self::Segment>;
}

impl Held for Block {
    type Segment = Segment;

    fn fill(&mut self, mark: u8) {
        self.bytes_mut().fill(mark);
    }

    fn holds(&self, mark: u8) -> bool {
        let mut ends = [mark; 2];
        self.read_at(0, &mut ends[..1]).unwrap();
        self.read_at(self.len() - 1, &mut ends[1..]).unwrap();
        ends == [mark; 2]
    }

    fn segment(&self) -> Weak<Segment> {
        Arc::downgrade(Self::segment(self))
    }
}

/// The arena with blocks of `LEN` bytes.
pub(crate) struct Real<const LEN: usize>(Arc<Arena>);

/// Two blocks to a segment.
pub(crate) type Shared = Real<2048>;
/// A segment for each block.
pub(crate) type Own = Real<8192>;

impl<const LEN: usize> Subject for Real<LEN> {
    type Block = Block;

    fn new(blocks: u64) -> Self {
        Self(Arena::new(ArenaOptions { capacity: blocks * LEN as u64 }))
    }

    fn alloc(&self) -> Option<Block> {
        self.0.alloc(LEN, true).ok()
    }

    fn trim(&self) {
        self.0.trim();
    }

    fn used(&self) -> u64 {
        let stats = self.0.stats();
        assert_eq!(stats.used, stats.blocks * LEN as u64);
        stats.blocks
    }

    fn segments(&self) -> u64 {
        self.0.stats().segments
    }
}
