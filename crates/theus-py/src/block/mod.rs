//! A typed piece of the heavy zone, seen from Python through the buffer protocol.

mod format;
mod memory;
mod raw;

pub(crate) use raw::Block;
