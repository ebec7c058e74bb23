//! [`Heavy`]: a typed array in shared memory, named but not held here.
//!
//! What not: no memory access and no check that the block exists; theus-shm and the engine do that.
//! Invariant: two handles are equal when block, dtype and shape are; the lease does not count and is not encoded.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Whatever keeps the memory of a [`Heavy`] alive while the value exists. Opaque here.
pub type Lease = Arc<dyn Any + Send + Sync>;

/// Where the bytes of a heavy value lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockId {
    /// The segment's number within the engine that owns it.
    pub segment: u64,
    /// First byte of the block within the segment.
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
    /// Unique per allocation, so that a recycled place is not taken for the old block.
    pub serial: u64,
}

/// An array in shared memory: where it lies and how to read it.
#[derive(Clone)]
pub struct Heavy {
    /// The block that holds the elements.
    pub block: BlockId,
    /// Element type in NumPy's notation, such as `<f4`.
    pub dtype: Arc<str>,
    /// Length of each dimension; empty for a single element.
    pub shape: Arc<[u64]>,
    /// Keeps the block alive; `None` in a value that was decoded from bytes.
    pub lease: Option<Lease>,
}

impl Heavy {
    /// The number of elements, or `None` if the product does not fit `u64`.
    pub fn elements(&self) -> Option<u64> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        self.shape.iter().try_fold(1u64, |product, &length| product.checked_mul(length))
    }
}

impl PartialEq for Heavy {
    fn eq(&self, other: &Self) -> bool {
        self.block == other.block && self.dtype == other.dtype && self.shape == other.shape
    }
}

impl Eq for Heavy {}

impl fmt::Debug for Heavy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heavy")
            .field("block", &self.block)
            .field("dtype", &self.dtype)
            .field("shape", &self.shape)
            .field("leased", &self.lease.is_some())
            .finish()
    }
}
