//! The files of the checkout, as the tidy rules see them.
//!
//! Invariant: what git ignores is not here, so no rule judges build products or somebody's environment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use crate::step::{self, Failure};

/// One text file.
pub(crate) struct File {
    /// Relative to the checkout, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub(crate) fn is_python(&self) -> bool {
        self.path.ends_with(".py")
    }

    /// Whether the file holds tests, which have wider budgets.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests")
    }
}

/// All files that git knows or would take up.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) files: Vec<File>,
    /// Every path, of folders and of files that are not text too.
    pub(crate) paths: BTreeSet<String>,
}

impl Tree {
    /// Reads the checkout at `root`.
    pub(crate) fn read(root: &Path) -> Result<Tree, Failure> {
        // A checkout may belong to another user, as in a container; listing its files is harmless.
        let list = ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = step::capture(Command::new("git").args(list).current_dir(root))?;
        let mut tree = Tree { root: root.to_owned(), files: Vec::new(), paths: BTreeSet::new() };
        for path in listed.split_terminator('\0') {
            match fs::read(root.join(path)) {
                Ok(bytes) => tree.add(path, bytes),
                // Removed, but git was not told yet.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // A link to a folder.
                Err(error) if error.kind() == io::ErrorKind::IsADirectory => {}
                Err(error) => return Err(Failure::new(format!("{path} cannot be read: {error}"))),
            }
        }
        Ok(tree)
    }

    /// The file at `path`, if it is there and is text.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    fn add(&mut self, path: &str, bytes: Vec<u8>) {
        let folders = path.match_indices('/').map(|(end, _)| path[..end].to_owned());
        self.paths.extend(folders);
        self.paths.insert(path.to_owned());
        if let Ok(text) = String::from_utf8(bytes) {
            self.files.push(File { path: path.to_owned(), text });
        }
    }
}

#[cfg(test)]
impl Tree {
    /// A tree of these paths and texts, for a rule's planted violation.
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree { root: PathBuf::new(), files: Vec::new(), paths: BTreeSet::new() };
        for (path, text) in files {
            tree.add(path, text.as_bytes().to_vec());
        }
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn this_checkout_is_read_without_what_git_ignores() {
        let tree = Tree::read(&crate::place::root()).unwrap();
        assert!(tree.file("xtask/src/tree.rs").is_some());
        assert!(tree.paths.contains("xtask/src"));
        assert!(!tree.paths.contains("target"));
    }
}
