//! What the fuzz targets check, as functions of the input's bytes.
//!
//! What: [`decode`] reads any bytes as an encoding, [`apply`] makes a state and updates of them, [`path`] a pattern and
//! a path, [`session`] any bytes as a message between programs or a handle of an array, [`frame`] any bytes as what a
//! worker sends, [`recipe`] any text as an audit recipe, [`trail`] any bytes as an audit trail, [`proof`] as a proof
//! about one. Each compares the real code with something slower and more
//! obvious, and panics where they differ.
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
mod proof;
mod raw_meter;
mod recipe;
mod session;
mod trail;
mod tree;

pub use apply::apply;
pub use decode::decode;
pub use frame::frame;
pub use grammar::Grammar;
pub use path::path;
pub use proof::proof;
pub use raw_meter::Meter;
pub use recipe::recipe;
pub use session::session;
pub use trail::trail;
pub use tree::{Tree, Unfit};
