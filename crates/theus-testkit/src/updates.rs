//! Generators of paths, operations and updates over few names, so that they meet.
//!
//! Invariant: no generated path is the root.

use crate::values::{map, value};
use proptest::collection::vec;
use proptest::prelude::*;
use theus_value::{Op, Path, Update};

/// A path of one to three segments out of three names.
pub fn path() -> impl Strategy<Value = Path> {
    vec("[a-c]", 1..4).prop_map(Path::from_segments)
}

/// An operation of any kind.
pub fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (path(), value()).prop_map(|(path, value)| Op::Set { path, value }),
        (path(), map()).prop_map(|(path, value)| Op::Merge { path, value }),
        (path(), vec(value(), 0..3)).prop_map(|(path, values)| Op::Append { path, values }),
        path().prop_map(|path| Op::Delete { path }),
    ]
}

/// An update of up to three operations.
pub fn update() -> impl Strategy<Value = Update> {
    vec(op(), 0..4).prop_map(|ops| ops.into_iter().collect())
}
