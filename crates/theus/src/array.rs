//! Arrays: their type and shape, and how one that travels as bytes becomes a block of the heavy zone.
//!
//! ```text
//! an "ndarray" object's bytes: u8 length of the type text | the text (ASCII, as in "<f4")
//!                              u8 number of dimensions | that many u64 little-endian | the elements, C order
//! ```

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use theus_shm::{AllocError, Arena, Block, Counted};
use theus_value::{BlockId, Heavy, Object, Value};
use thiserror::Error;

/// The codec of an array that travels as a value.
pub const ARRAY_CODEC: &str = "ndarray";

/// Most dimensions of an array; the buffer protocol of Python and NumPy have the same limit.
const MAX_DIMENSIONS: usize = 64;

/// How long to wait for memory: a worker lets go of what its last task has used within some 20 ms.
const PATIENCE: Duration = Duration::from_millis(60);
/// How often to look meanwhile.
const PAUSE: Duration = Duration::from_millis(2);

/// Why an array cannot be.
#[derive(Debug, Error)]
pub enum ArrayError {
    /// Its type is not one of numbers or booleans.
    #[error(
        "heavy array '{name}': dtype {dtype:?} cannot live in shared memory; use booleans, integers, floats or complex numbers"
    )]
    Type {
        /// The array's name.
        name: String,
        /// The type's text.
        dtype: String,
    },
    /// Its shape has more elements than can be.
    #[error(
        "heavy array '{name}': shape {shape:?} has more bytes than can be addressed, or more than {MAX_DIMENSIONS} dimensions"
    )]
    Shape {
        /// The array's name.
        name: String,
        /// The shape.
        shape: Vec<u64>,
    },
    /// The encoded array is broken.
    #[error("heavy array '{name}': its bytes are not an array: {reason}")]
    Encoding {
        /// The array's name.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// There is no memory for it.
    #[error("heavy array '{name}': {source}")]
    Memory {
        /// The array's name.
        name: String,
        /// What the arena said.
        source: AllocError,
    },
}

impl ArrayError {
    /// The array's name or path.
    pub fn name(&self) -> &str {
        match self {
            ArrayError::Type { name, .. }
            | ArrayError::Shape { name, .. }
            | ArrayError::Encoding { name, .. }
            | ArrayError::Memory { name, .. } => name,
        }
    }
}

/// Bytes of one element of a type such as `<f4`; None for a type that cannot live in shared memory.
///
/// ```
/// assert_eq!(theus::item_size("<f4"), Some(4));
/// assert_eq!(theus::item_size("|O"), None);
/// ```
pub fn item_size(dtype: &str) -> Option<u64> {
    let rest = dtype.strip_prefix(['<', '|'])?;
    // Each size is spelled the one way that counts: no sign, no leading zero.
    Some(match rest {
        "b1" | "i1" | "u1" => 1,
        "i2" | "u2" | "f2" => 2,
        "i4" | "u4" | "f4" => 4,
        "i8" | "u8" | "f8" | "c8" => 8,
        "f16" | "c16" => 16,
        "c32" => 32,
        _ => return None,
    })
}

/// Bytes of an array; an empty one still has a place of one element.
///
/// # Errors
/// When the type or the shape cannot be.
pub fn array_bytes(name: &str, dtype: &str, shape: &[u64]) -> Result<u64, ArrayError> {
    let item = item_size(dtype).ok_or_else(|| ArrayError::Type { name: name.into(), dtype: dtype.into() })?;
    // An empty array's other dimensions still make strides, which must be addressable too.
    let strides = (shape.iter())
        .try_fold(item, |bytes, dimension| bytes.checked_mul((*dimension).max(1)))
        .filter(|bytes| *bytes <= isize::MAX as u64 && shape.len() <= MAX_DIMENSIONS);
    match strides {
        Some(_) if shape.contains(&0) => Ok(0),
        Some(bytes) => Ok(bytes),
        None => Err(ArrayError::Shape { name: name.into(), shape: shape.to_vec() }),
    }
}

/// A fresh block for an array, zeroed if asked. Where memory is short it waits a moment for workers to let go of theirs.
///
/// # Errors
/// When the type or the shape cannot be, or there is no memory.
pub fn allocate(
    arena: &Arc<Arena>,
    name: &str,
    dtype: &str,
    shape: &[u64],
    zeroed: bool,
) -> Result<Arc<Block>, ArrayError> {
    let bytes = array_bytes(name, dtype, shape)?.max(1);
    let block = with_patience(|| arena.alloc(bytes as usize, zeroed));
    block.map(Arc::new).map_err(|source| ArrayError::Memory { name: name.into(), source })
}

/// Tries for a moment, where memory is short.
fn with_patience<T>(mut ask: impl FnMut() -> Result<T, AllocError>) -> Result<T, AllocError> {
    let begun = Instant::now();
    loop {
        match ask() {
            Err(error) if error.is_shortage() && begun.elapsed() < PATIENCE => thread::sleep(PAUSE),
            other => return other,
        }
    }
}

/// The value that refers to an array in a block. The value keeps the block alive.
pub fn heavy_value(block: &Arc<Block>, dtype: &str, shape: &[u64]) -> Heavy {
    Heavy {
        block: BlockId {
            segment: block.segment().id(),
            offset: block.id().1,
            length: block.len() as u64,
            serial: block.serial(),
        },
        dtype: dtype.into(),
        shape: shape.into(),
        lease: Some(Arc::clone(block) as Arc<dyn std::any::Any + Send + Sync>),
    }
}

/// The same, of a block that counts against the capacity for as long as the value lives.
pub(crate) fn counted_value(
    block: &Arc<Block>,
    name: &str,
    dtype: &str,
    shape: &[u64],
) -> Result<Heavy, ArrayError> {
    let counted = with_patience(|| block.count());
    let counted = counted.map_err(|source| ArrayError::Memory { name: name.into(), source })?;
    Ok(Heavy { lease: Some(Arc::new(counted)), ..heavy_value(block, dtype, shape) })
}

/// Whether a value refers to a block that would not count against the capacity by it.
pub(crate) fn is_uncounted(heavy: &Heavy) -> bool {
    let lease = heavy.lease.as_ref().and_then(|lease| lease.downcast_ref::<Block>());
    lease.is_some_and(Block::is_guest)
}

/// The block that a value of this process refers to.
pub fn block_of(heavy: &Heavy) -> Option<Arc<Block>> {
    match heavy.lease.clone()?.downcast::<Block>() {
        Ok(block) => Some(block),
        Err(lease) => lease.downcast_ref::<Counted>().map(|counted| Arc::clone(counted.block())),
    }
}

/// An array that travels as bytes, taken apart.
#[derive(Debug)]
pub struct EncodedArray<'a> {
    /// The type's text.
    pub dtype: &'a str,
    /// The shape.
    pub shape: Vec<u64>,
    /// The elements.
    pub data: &'a [u8],
}

impl<'a> EncodedArray<'a> {
    /// Takes an object's bytes apart and checks that the elements fill the shape.
    ///
    /// # Errors
    /// When they do not.
    pub fn parse(name: &str, bytes: &'a [u8]) -> Result<Self, ArrayError> {
        let ArrayHead { dtype, shape, rest: data } = ArrayHead::parse(name, bytes)?;
        if array_bytes(name, dtype, &shape)? != data.len() as u64 {
            return Err(ArrayError::Encoding {
                name: name.into(),
                reason: "its elements do not fill its shape",
            });
        }
        Ok(EncodedArray { dtype, shape, data })
    }

    /// The bytes of an array that travels as a value.
    ///
    /// A type's text or a shape too long for the form is cut, which [`EncodedArray::parse`] refuses: neither can be
    /// an array's.
    ///
    /// ```
    /// use theus::{EncodedArray, Value};
    /// let Value::Object(object) = EncodedArray::encode("<u2", &[2], &[1, 0, 2, 0]) else { panic!() };
    /// let array = EncodedArray::parse("heavy.m", &object.bytes)?;
    /// assert_eq!((array.dtype, array.shape.as_slice()), ("<u2", [2].as_slice()));
    /// # Ok::<(), theus::ArrayError>(())
    /// ```
    pub fn encode(dtype: &str, shape: &[u64], data: &[u8]) -> Value {
        Self::encode_as(ARRAY_CODEC, dtype, shape, data)
    }

    pub(crate) fn encode_as(codec: &str, dtype: &str, shape: &[u64], data: &[u8]) -> Value {
        let dtype = &dtype[..dtype.floor_char_boundary(u8::MAX.into())];
        let shape = &shape[..shape.len().min(u8::MAX.into())];
        let mut bytes = Vec::with_capacity(2 + dtype.len() + 8 * shape.len() + data.len());
        bytes.push(dtype.len() as u8);
        bytes.extend_from_slice(dtype.as_bytes());
        bytes.push(shape.len() as u8);
        for dimension in shape {
            bytes.extend_from_slice(&dimension.to_le_bytes());
        }
        bytes.extend_from_slice(data);
        Value::Object(Arc::new(Object { codec: codec.into(), bytes: bytes.into() }))
    }
}

/// What an array's bytes begin with.
pub(crate) struct ArrayHead<'a> {
    pub(crate) dtype: &'a str,
    pub(crate) shape: Vec<u64>,
    /// What follows.
    pub(crate) rest: &'a [u8],
}

impl<'a> ArrayHead<'a> {
    pub(crate) fn parse(name: &str, bytes: &'a [u8]) -> Result<Self, ArrayError> {
        let broken = |reason| ArrayError::Encoding { name: name.into(), reason };
        let (length, rest) = bytes.split_first().ok_or_else(|| broken("it is empty"))?;
        let (dtype, rest) =
            rest.split_at_checked((*length).into()).ok_or_else(|| broken("its type is cut"))?;
        let dtype = std::str::from_utf8(dtype).map_err(|_| broken("its type is no text"))?;
        let (dimensions, rest) = rest.split_first().ok_or_else(|| broken("its shape is missing"))?;
        let (shape, rest) =
            rest.split_at_checked(usize::from(*dimensions) * 8).ok_or_else(|| broken("its shape is cut"))?;
        let shape =
            (shape.as_chunks::<8>().0.iter()).map(|dimension| u64::from_le_bytes(*dimension)).collect();
        Ok(ArrayHead { dtype, shape, rest })
    }
}

/// Brings an array that travelled as bytes into the heavy zone: one copy.
///
/// # Errors
/// When the bytes are broken or there is no memory.
pub fn adopt(arena: &Arc<Arena>, name: &str, object: &Object) -> Result<Heavy, ArrayError> {
    let array = EncodedArray::parse(name, &object.bytes)?;
    let block = allocate(arena, name, array.dtype, &array.shape, false)?;
    block.write_at(0, array.data).map_err(|_| ArrayError::Encoding {
        name: name.into(),
        reason: "its elements do not fit its block",
    })?;
    Ok(heavy_value(&block, array.dtype, &array.shape))
}
