//! A typed piece of the heavy zone, seen from Python through the buffer protocol.

mod format;
mod lent;
mod memory;
mod raw;

pub(crate) use format::struct_code;
pub(crate) use raw::Block;
