//! Arrays for other programs of the same user: by name in a session that an engine opens, or by a handle.
//!
//! What not: the sockets and messages (`theus_shm::session`), Python's objects.
//! Invariants: whoever is reached maps memory for reading only; sharing keeps no array alive, only being opened does; no
//! thread of this waits for a lock that is held while a host language runs.

mod catalogue;
mod handle;
mod lent;
mod reached;

pub use handle::{Handle, HandleError, MAX_HANDLE};
pub use lent::lend;
pub use reached::{ReachError, Reached, reach};

use crate::engine::{Closed, Engine};
use catalogue::Zone;
use std::sync::Arc;
use theus_shm::session::{Folder, Listener, SessionError, SessionName};
use thiserror::Error;

/// Why an engine does not listen.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The engine was shut down, or belongs to another process.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The name or the folder.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl Engine {
    /// Lets other programs of this user read the heavy arrays of the newest snapshot, under a name, until the engine is
    /// shut down.
    ///
    /// # Errors
    /// [`ListenError`].
    pub fn listen(&self, folder: &Folder, name: &SessionName) -> Result<(), ListenError> {
        self.check_open()?;
        let listener = Listener::named(folder, name, Arc::new(Zone(self.store().clone())))?;
        let mut listeners = self.listeners().lock();
        // A shutdown meanwhile has taken the others away, and would not come again for this one.
        self.check_open()?;
        listeners.push(listener);
        Ok(())
    }
}
