//! [`Handle`]: a few bytes that stand for an array, or a part of one, in any process of the same user.
//!
//! ```text
//! 0 u8 version (1) | u8 bytes of the address | the address | u64 serial of the block | u64 first element's byte in the block
//! u8 bytes of the type | the type, as in "<f4" | u8 dimensions | for each u64 length | for each i64 step in bytes
//! ```
//! All numbers are little-endian. What not: reaching the block (`sharing`).
//! Invariants: at most [`MAX_HANDLE`] bytes; parsing is total and accepts exactly what encoding makes.

use crate::array::{array_bytes, item_size};
use theus_shm::session::Address;
use thiserror::Error;

/// Most bytes of an encoded handle.
pub const MAX_HANDLE: usize = 1 + 1 + 64 + 16 + 1 + 4 + 1 + 16 * MAX_DIMENSIONS;

/// Most dimensions of an array that has a handle; as many as an allocated one can have.
const MAX_DIMENSIONS: usize = 32;

const VERSION: u8 = 1;

/// Why bytes are no handle, or a handle does not fit its block.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandleError {
    /// The bytes are no handle.
    #[error("these bytes are no handle of a heavy array: {0}")]
    Encoding(&'static str),
    /// Its elements do not lie within its block.
    #[error("the elements that a handle names lie outside of its block of {len} bytes")]
    Outside {
        /// Bytes of the block.
        len: u64,
    },
}

/// An array, or a part of one, that lies in a block of some process of this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    /// Where the block's owner listens.
    pub address: Address,
    /// The block's number in its owner's process.
    pub serial: u64,
    /// The first element's first byte, from the block's first one on.
    pub offset: u64,
    /// Element type in NumPy's notation.
    pub dtype: String,
    /// Length of each dimension.
    pub shape: Vec<u64>,
    /// Bytes from one element to the next, for each dimension.
    pub strides: Vec<i64>,
}

impl Handle {
    /// The bytes of the handle; None of one that has too many dimensions, or strides that do not match them.
    pub fn encode(&self) -> Option<Vec<u8>> {
        item_size(&self.dtype)?;
        if self.shape.len() > MAX_DIMENSIONS || self.shape.len() != self.strides.len() {
            return None;
        }
        let address = self.address.as_str();
        let mut bytes = vec![VERSION, u8::try_from(address.len()).ok()?];
        bytes.extend(address.bytes());
        bytes.extend(self.serial.to_le_bytes());
        bytes.extend(self.offset.to_le_bytes());
        bytes.push(u8::try_from(self.dtype.len()).ok()?);
        bytes.extend(self.dtype.bytes());
        bytes.push(self.shape.len() as u8);
        bytes.extend(self.shape.iter().flat_map(|length| length.to_le_bytes()));
        bytes.extend(self.strides.iter().flat_map(|step| step.to_le_bytes()));
        Some(bytes)
    }

    /// Reads a handle.
    ///
    /// # Errors
    /// [`HandleError::Encoding`] for anything that [`encode`](Self::encode) does not make.
    pub fn parse(bytes: &[u8]) -> Result<Self, HandleError> {
        let mut rest = Rest(bytes);
        if rest.byte()? != VERSION {
            return Err(HandleError::Encoding("its version is not known"));
        }
        let length = rest.byte()?.into();
        let address = Address::parse(rest.text(length)?);
        let address = address.ok_or(HandleError::Encoding("it has no address"))?;
        let (serial, offset) = (rest.u64()?, rest.u64()?);
        let length = rest.byte()?.into();
        let dtype = rest.text(length)?.to_owned();
        if item_size(&dtype).is_none() {
            return Err(HandleError::Encoding("its type is not known"));
        }
        let dimensions = usize::from(rest.byte()?);
        if dimensions > MAX_DIMENSIONS {
            return Err(HandleError::Encoding("it has too many dimensions"));
        }
        let shape = (0..dimensions).map(|_| rest.u64()).collect::<Result<_, _>>()?;
        let strides = (0..dimensions).map(|_| rest.u64().map(u64::cast_signed)).collect::<Result<_, _>>()?;
        if !rest.0.is_empty() {
            return Err(HandleError::Encoding("something follows its end"));
        }
        Ok(Handle { address, serial, offset, dtype, shape, strides })
    }

    /// Checks that all elements lie within a block of so many bytes.
    ///
    /// # Errors
    /// [`HandleError::Outside`].
    pub fn check(&self, len: u64) -> Result<(), HandleError> {
        let outside = HandleError::Outside { len };
        let item = item_size(&self.dtype).ok_or(HandleError::Encoding("its type is not known"))?;
        let is_empty = self.shape.contains(&0);
        // One product fits 128 bits; a sum that does not is far outside of any block, and stays so.
        let (mut first, mut last) = (i128::from(self.offset), i128::from(self.offset));
        for (length, step) in self.shape.iter().zip(&self.strides).filter(|_| !is_empty) {
            let way = i128::from(length - 1) * i128::from(*step);
            first = first.saturating_add(way.min(0));
            last = last.saturating_add(way.max(0));
        }
        let end = if is_empty { last } else { last.saturating_add(i128::from(item)) };
        if first < 0 || end > i128::from(len) { Err(outside) } else { Ok(()) }
    }

    /// The process that lends the block.
    pub fn process(&self) -> u32 {
        // An address has been checked to have a number there; one that no process can have is nobody's.
        self.address.as_str().split('-').nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
    }

    /// True when it stands for all of a block of so many bytes, row by row.
    pub fn is_whole(&self, len: u64) -> bool {
        let bytes = array_bytes("", &self.dtype, &self.shape);
        self.offset == 0
            && bytes.is_ok_and(|bytes| bytes.max(1) == len)
            && (self.shape.contains(&0) || self.strides == rows(&self.dtype, &self.shape))
    }
}

/// The strides of an array that lies row by row, as NumPy has them where a dimension has one element too.
pub(super) fn rows(dtype: &str, shape: &[u64]) -> Vec<i64> {
    let mut step = item_size(dtype).unwrap_or(1);
    let mut strides = vec![0; shape.len()];
    for (stride, length) in strides.iter_mut().zip(shape).rev() {
        *stride = i64::try_from(step).unwrap_or(i64::MAX);
        step = step.saturating_mul((*length).max(1));
    }
    strides
}

/// What of a handle is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn byte(&mut self) -> Result<u8, HandleError> {
        let (byte, rest) = self.0.split_first().ok_or(HandleError::Encoding("it is cut"))?;
        self.0 = rest;
        Ok(*byte)
    }

    fn u64(&mut self) -> Result<u64, HandleError> {
        let (number, rest) = self.0.split_first_chunk().ok_or(HandleError::Encoding("it is cut"))?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }

    fn text(&mut self, length: usize) -> Result<&'a str, HandleError> {
        let (text, rest) = self.0.split_at_checked(length).ok_or(HandleError::Encoding("it is cut"))?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| HandleError::Encoding("a text in it is none"))
    }
}
