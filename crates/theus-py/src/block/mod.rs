//! A block of the heavy zone as a Python object: memory with a type and a shape, exported through the buffer protocol.

mod raw;

pub(crate) use raw::Block;
