//! [`Peek`]: a short look at the newest version.
//!
//! What not: not for keeping (see [`Snapshot`]). Invariant: what it shows is one version and never changes.

use crate::snapshot::{Snapshot, State};
use std::fmt;
use std::marker::PhantomData;
use theus_sync::Arc;
use theus_value::{Map, Path, Value};

/// A look at the newest version that takes no reference count; made by [`Store::peek`](crate::Store::peek).
///
/// As cheap as a read can be, as long as a thread has few of them at a time. Keep a [`Snapshot`] instead where the look
/// takes long or travels.
pub struct Peek<'a> {
    seen: theus_sync::Peek<State>,
    store: PhantomData<&'a ()>,
}

impl Peek<'_> {
    pub(crate) fn new(seen: theus_sync::Peek<State>) -> Self {
        Self { seen, store: PhantomData }
    }

    /// The version.
    pub fn version(&self) -> u64 {
        self.seen.version
    }

    /// The whole state.
    pub fn root(&self) -> &Map {
        &self.seen.root
    }

    /// The value at `path`; nothing for the root, whose value is [`root`](Self::root).
    pub fn get(&self, path: &Path) -> Option<&Value> {
        self.seen.root.get_path(path)
    }

    /// The same version to keep.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { state: Arc::clone(&self.seen) }
    }
}

impl fmt::Debug for Peek<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peek").field("version", &self.version()).field("root", self.root()).finish()
    }
}
