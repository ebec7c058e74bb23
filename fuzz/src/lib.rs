//! What the fuzz targets check, as functions of the input's bytes.
//!
//! What: [`decode`] reads any bytes as an encoding, [`apply`] makes a state and updates of them, [`path`] a pattern and
//! a path, [`session`] any bytes as a message between programs or a handle of an array, [`frame`] any bytes as what a
//! worker sends. Each compares the real code with something slower and more obvious, and panics where they differ.
//! What not: no feedback and no sanitizer; `cargo xtask fuzz` builds those in.
//!
//! Invariants: a function's verdict depends on the bytes alone; the twins ([`Tree`], [`naive`]) call none of the code
//! that they are compared with, only its types.

mod apply;
mod decode;
mod frame;
mod grammar;
pub mod naive;
mod path;
mod raw_meter;
mod session;
mod tree;

pub use apply::apply;
pub use decode::decode;
pub use frame::frame;
pub use grammar::Grammar;
pub use path::path;
pub use raw_meter::Meter;
pub use session::session;
pub use tree::{Tree, Unfit};
