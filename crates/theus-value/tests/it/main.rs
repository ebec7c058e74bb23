//! Behaviour of theus-value: encoding, hostile bytes, containers against slow twins, paths, patterns, updates.
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod canonical;
mod combined;
mod cost;
mod encoding;
mod golden;
mod hostile;
mod limits;
mod list_twin;
mod map_twin;
mod memory;
mod million;
mod path;
mod pattern;
mod update;
mod value;
mod value_ref;
