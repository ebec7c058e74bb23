//! The checks that need a build of their own or a tool: models, schedules, fuzzing, counts, valgrind, coverage, mutants.
//!
//! The models, fuzzing, the counts and valgrind are parts of `cargo xtask test`; the others take long, or need tools that
//! few machines have.

pub(crate) mod chaos;
pub(crate) mod counts;
pub(crate) mod coverage;
pub(crate) mod fuzz;
pub(crate) mod models;
pub(crate) mod mutants;
pub(crate) mod valgrind;

use std::fs;
use std::path::Path;

/// The crates that the long checks judge: their bugs cost the most.
const CORE: [&str; 2] = ["theus-value", "theus-state"];

/// The names of the folders in `folder` that hold the file `file`, sorted.
pub(crate) fn folders_with(folder: &Path, file: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let with_file = entries.filter(|entry| entry.path().join(file).exists());
    let mut names: Vec<String> =
        with_file.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::folders_with;
    use crate::place;

    #[test]
    fn folders_are_found_by_what_they_hold() {
        let folder = place::target().join("xtask-test-folders");
        fs::create_dir_all(folder.join("theus-b/tests/model")).unwrap();
        fs::create_dir_all(folder.join("theus-a/tests/model")).unwrap();
        fs::create_dir_all(folder.join("theus-c/tests/it")).unwrap();
        for name in ["theus-a", "theus-b"] {
            fs::write(folder.join(name).join("tests/model/main.rs"), "").unwrap();
        }
        assert_eq!(folders_with(&folder, "tests/model/main.rs"), ["theus-a", "theus-b"]);
        assert!(folders_with(&folder.join("absent"), "tests/model/main.rs").is_empty());
        fs::remove_dir_all(folder).unwrap();
    }
}
