//! One path that an attempt changed, with the hash of the value that it wrote there.

use sha2::{Digest, Sha256};

/// One path that an attempt changed. Owns its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedPath {
    /// The path, dotted.
    pub path: String,
    /// SHA-256 of the new value's canonical bytes; [`ChangedPath::REMOVED`] where the path was removed.
    pub hash: [u8; 32],
}

impl ChangedPath {
    /// The hash that stands for "nothing is there any more". No known input hashes to it.
    pub const REMOVED: [u8; 32] = [0; 32];

    /// A path that now holds the value whose canonical encoding is `value_bytes`.
    ///
    /// ```
    /// let changed = theus_audit::ChangedPath::written("domain.score", b"canonical bytes of the value");
    /// assert_ne!(changed.hash, theus_audit::ChangedPath::REMOVED);
    /// ```
    pub fn written(path: impl Into<String>, value_bytes: &[u8]) -> Self {
        ChangedPath { path: path.into(), hash: Sha256::digest(value_bytes).into() }
    }

    /// A path that holds nothing any more.
    pub fn removed(path: impl Into<String>) -> Self {
        ChangedPath { path: path.into(), hash: ChangedPath::REMOVED }
    }
}
