//! [`Item`]: what a [`Table`](crate::Table) holds.
//!
//! What not: no container. Invariant: cloning an item that keeps no memory costs a copy of its bytes.

use crate::value::Value;

/// What a [`Table`](crate::Table) holds. Its default is what stands in for an item that was taken elsewhere.
pub trait Item: Clone + Default {
    /// True if a copy that is left behind would keep memory alive, of this process or shared with others.
    ///
    /// A table leaves outdated copies only of items that say no here.
    fn keeps_memory(&self) -> bool;
}

impl Item for Value {
    fn keeps_memory(&self) -> bool {
        !matches!(self, Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_))
    }
}
