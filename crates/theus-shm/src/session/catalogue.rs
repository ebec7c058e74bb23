//! What an owner offers: blocks by name and by serial.
//!
//! Not here: who asks, and how.

use crate::block::Block;
use theus_sync::Arc;

/// A block on offer.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The block; who opens it holds a lease of it.
    pub block: Arc<Block>,
    /// What the owner says about it, at most [`frame::MAX_METADATA`](super::frame::MAX_METADATA) bytes; opaque here.
    pub metadata: Vec<u8>,
}

/// What an owner offers to other programs of its user. Asked by the listener's thread, so it answers soon and waits
/// for nobody. A panic in it costs the request, which is answered as if there were no such block.
pub trait Catalogue: Send + Sync + 'static {
    /// At most `most` names behind `after` (all, when it is empty) in ascending order, of at most
    /// [`frame::MAX_TEXT`](super::frame::MAX_TEXT) bytes each.
    fn names(&self, after: &str, most: usize) -> Vec<String>;

    /// The block of this name now.
    fn by_name(&self, name: &str) -> Option<Offer>;

    /// The block of this serial, if it is still there.
    fn by_serial(&self, serial: u64) -> Option<Offer>;
}
