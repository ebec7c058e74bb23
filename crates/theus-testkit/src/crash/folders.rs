//! Folders for temporary and runtime files that a victim has to itself, so that whatever it leaves there is its own.

use std::env::temp_dir;
use std::ffi::OsString;
use std::fs::{DirBuilder, read_dir, remove_dir_all};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::id;

/// Two empty folders, gone with the value.
#[derive(Debug)]
pub struct Folders {
    root: PathBuf,
}

const NAMES: [(&str, &str); 2] = [("TMPDIR", "tmp"), ("XDG_RUNTIME_DIR", "run")];

impl Folders {
    /// Makes them, readable by this user only. `name` is unique in this process.
    ///
    /// # Panics
    /// When they cannot be made.
    pub fn new(name: &str) -> Self {
        // Short, since a socket's path has about a hundred bytes.
        let root = temp_dir().join(format!("kill-{}-{name}", id()));
        for (_, folder) in NAMES {
            DirBuilder::new().recursive(true).mode(0o700).create(root.join(folder)).expect("a new folder");
        }
        Folders { root }
    }

    /// The folder for temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.root.join(NAMES[0].1)
    }

    /// The variables that tell a process to use them.
    pub fn variables(&self) -> [(&'static str, OsString); 2] {
        NAMES.map(|(variable, folder)| (variable, self.root.join(folder).into_os_string()))
    }

    /// The names that are in them now.
    pub fn names(&self) -> Vec<PathBuf> {
        let entries =
            NAMES.iter().flat_map(|(_, folder)| read_dir(self.root.join(folder)).into_iter().flatten());
        entries.flatten().map(|entry| entry.path()).collect()
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        let _gone = remove_dir_all(&self.root);
    }
}
