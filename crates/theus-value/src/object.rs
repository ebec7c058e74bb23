//! [`Object`]: an object of the host language, stored whole as bytes that a named codec understands.
//!
//! What not: the bytes are never interpreted here. Invariant: equality is equality of codec and bytes.

use std::sync::Arc;

/// A host object as bytes, for example codec `pickle`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    /// Who can turn the bytes back into an object.
    pub codec: Arc<str>,
    /// The object as the codec wrote it.
    pub bytes: Arc<[u8]>,
}
