//! Arrays that came with a worker's result as memory of their own: their elements are in no encoding.
//!
//! ```text
//! an "attached" object's bytes: as an "ndarray" object's (see array), but instead of the elements u32 little-endian:
//!                               the position of the array's memory among what was attached to the result
//! ```
//! Invariant: such an object lives between a worker and the commit only; the state never holds one.

use crate::array::{ArrayError, ArrayHead, EncodedArray, array_bytes, counted_value};
use std::sync::Arc;
use theus_shm::Block;
use theus_value::{Object, Value};

/// The codec of an array whose elements were attached.
pub const ATTACHED_CODEC: &str = "attached";

/// An array whose elements are in a block that came with the result.
#[derive(Debug)]
pub struct AttachedArray<'a> {
    /// The type's text.
    pub dtype: &'a str,
    /// The shape.
    pub shape: Vec<u64>,
    /// The elements.
    pub block: &'a Arc<Block>,
}

impl<'a> AttachedArray<'a> {
    /// The value that stands for an array whose elements are attached in this position.
    pub fn encode(dtype: &str, shape: &[u64], position: u32) -> Value {
        EncodedArray::encode_as(ATTACHED_CODEC, dtype, shape, &position.to_le_bytes())
    }

    /// Finds an object's block among those that were attached, and checks that it has the array's length.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use theus::{Arena, AttachedArray, Value};
    /// use theus_shm::ArenaOptions;
    ///
    /// let arena = Arena::new(ArenaOptions { capacity: 1 << 20 });
    /// let blocks = [Arc::new(arena.alloc(4, true)?)];
    /// let Value::Object(object) = AttachedArray::encode("<u2", &[2], 0) else { panic!() };
    /// assert_eq!(AttachedArray::parse("m", &object.bytes, &blocks)?.shape, [2]);
    /// assert!(AttachedArray::parse("m", &object.bytes, &[]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When it names no block, or one of another length.
    pub fn parse(name: &str, bytes: &'a [u8], blocks: &'a [Arc<Block>]) -> Result<Self, ArrayError> {
        let broken = |reason| ArrayError::Encoding { name: name.into(), reason };
        let ArrayHead { dtype, shape, rest } = ArrayHead::parse(name, bytes)?;
        let position =
            <[u8; 4]>::try_from(rest).map_err(|_| broken("the position of its elements is cut"))?;
        let block = blocks.get(u32::from_le_bytes(position) as usize);
        let block = block.ok_or_else(|| broken("its elements did not come along"))?;
        if array_bytes(name, dtype, &shape)?.max(1) != block.len() as u64 {
            return Err(broken("its elements do not fill its shape"));
        }
        Ok(AttachedArray { dtype, shape, block })
    }

    /// A copy of the elements. (An empty array has none, but its block has a byte.)
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = self.block.to_vec();
        if self.shape.contains(&0) {
            bytes.clear();
        }
        bytes
    }

    /// The value that the state holds elsewhere: a copy.
    pub(crate) fn copied(&self) -> Value {
        EncodedArray::encode(self.dtype, &self.shape, &self.to_vec())
    }
}

/// An attached array in its final form.
pub(crate) fn settled(
    object: &Object,
    blocks: &[Arc<Block>],
    name: &str,
    heavy: bool,
) -> Result<Value, ArrayError> {
    let array = AttachedArray::parse(name, &object.bytes, blocks)?;
    if !heavy {
        return Ok(array.copied());
    }
    Ok(Value::from(counted_value(array.block, name, array.dtype, &array.shape)?))
}
