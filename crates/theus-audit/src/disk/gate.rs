//! The one door to syncing the files of a trail, and the memory that a sync has failed.
//!
//! The kernel tells of pages that it could not write once, to whoever syncs first, and may have thrown them away by then. So
//! syncs go one after the other, and after one that failed none is ever taken for good again (PostgreSQL's "fsyncgate", 2018).

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::DiskFile;

#[derive(Debug, Default)]
pub(crate) struct Gate {
    turn: Mutex<()>,
    broken: OnceLock<Arc<io::Error>>,
}

impl Gate {
    /// Why nobody knows what the disk holds; None: nothing has failed.
    pub(crate) fn broken(&self) -> Option<&Arc<io::Error>> {
        self.broken.get()
    }

    /// Syncs a file.
    pub(crate) fn sync(&self, file: &dyn DiskFile) -> Result<(), Arc<io::Error>> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = self.broken.get() {
            return Err(Arc::clone(error));
        }
        file.sync().map_err(|error| self.fail(error))
    }

    /// From here on nobody knows what the disk holds. Gives the first reason.
    pub(crate) fn fail(&self, error: io::Error) -> Arc<io::Error> {
        Arc::clone(self.broken.get_or_init(|| Arc::new(error)))
    }
}
