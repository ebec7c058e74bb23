//! A trail on the disk: how its files are opened, written and followed by the next.
//!
//! What not: the form of the files (see `log`), and what is appended when (see `trail`).

mod errors;
mod file;
mod gate;
mod opening;
mod options;
mod witness;
mod writer;

pub use errors::{OpenError, TrailError, Unwritten};
pub use file::{Disk, DiskFile, RealDisk};
pub use options::{CheckpointSink, Durability, OnFull, TrailOptions};

pub(crate) use file::{Input, file_path, write_all};
pub(crate) use gate::Gate;
pub(crate) use opening::{Found, look, system};
pub(crate) use witness::Witness;
pub(crate) use writer::{Newest, Waiting, Writer, beginning};
