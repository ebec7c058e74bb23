//! Plain data of Theus: values, paths, updates, and their canonical byte encoding.
//!
//! What: [`Value`] and its containers ([`Map`], [`List`], [`Set`]), which clone in O(1) and share structure;
//! [`Path`] and [`Pattern`], which name places in a state; [`Update`], a change as data; [`encode`], [`decode`]
//! and the in-place reader [`ValueRef`].
//!
//! What not: no locks, no input or output, no clock, no versions (theus-state has them), no memory mapping
//! (theus-shm has it; a [`Heavy`] only names a block).
//!
//! Invariants
//! - A value that was cloned never changes through the other clone.
//! - Equal values have equal bytes and equal bytes decode to equal values. Map order counts as content.
//! - [`decode`] and [`ValueRef`] are total: any bytes give a value or an error, never a panic.
//! - Floats compare by their bits, so a NaN equals itself and -0.0 differs from 0.0.
//!
//! ```
//! use theus_value::{Map, Path, Update, Value, decode, encode};
//!
//! let mut update = Update::new();
//! update.set(Path::parse("domain.user['name']")?, Value::from("Ada"));
//! let state = update.apply(&Map::new())?;
//! let bytes = encode(&Value::Map(state.clone()));
//! assert_eq!(decode(&bytes)?, Value::Map(state));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod encoding;
mod heavy;
mod integer;
mod item;
mod kind;
mod list;
mod map;
mod object;
mod path;
mod places;
mod set;
mod update;
mod value;

pub use encoding::{
    DecodeError, Entries, FORMAT_VERSION, Items, MAX_DEPTH, ValueRef, decode, decode_at_most, encode,
    encode_into, encode_within,
};
pub use heavy::{BlockId, Heavy, Lease};
pub use integer::BigInt;
pub use item::Item;
pub use kind::Kind;
pub use list::{List, ListIter};
pub use map::{Map, MapIter, Table};
pub use object::Object;
pub use path::{Path, PathError, Pattern};
pub use set::Set;
pub use update::{ApplyError, Combined, MAX_PATH_SEGMENTS, Op, Update};
pub use value::{Key, Value};
