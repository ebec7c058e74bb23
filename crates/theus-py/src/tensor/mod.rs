//! Arrays of other libraries, taken by DLPack where there is no NumPy to take them.

mod raw;

pub(crate) use raw::Tensor;
