//! Behaviour of theus-value: encoding, hostile bytes, containers against slow twins, paths, patterns, updates.
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod encoding;
mod hostile;
mod list_twin;
mod map_twin;
mod path;
mod pattern;
mod update;
mod value;
mod value_ref;
