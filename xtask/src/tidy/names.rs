//! Rule: a file or folder of code is named by its noun. A drawer for everything finds no reader.

use std::collections::BTreeMap;

use super::Finding;
use crate::tree::Tree;

const DRAWERS: [&str; 6] = ["utils", "util", "common", "helpers", "helper", "misc"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let code = tree.files.iter().filter(|file| file.is_rust() || file.is_python());
    // One finding for a folder, not one for each file in it.
    let drawers: BTreeMap<&str, &str> = code.filter_map(|file| drawer(&file.path)).collect();
    let message = |name| format!("`{name}` says nothing: put each piece beside its user, or name its noun");
    drawers.into_iter().map(|(path, name)| Finding::new(path, 0, message(name))).collect()
}

/// The path up to its first part that is a drawer, and that part's name.
fn drawer(path: &str) -> Option<(&str, &str)> {
    let mut start = 0;
    for part in path.split('/') {
        let end = start + part.len();
        let stem = part.split('.').next().unwrap_or(part);
        if DRAWERS.contains(&stem.to_lowercase().as_str()) {
            return Some((&path[..end], stem));
        }
        start = end + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::Tree;

    #[test]
    fn drawers_are_found() {
        let files = [
            "crates/a/src/utils.rs",
            "crates/a/common/b.rs",
            "crates/a/common/c.rs",
            "tests/python/helpers.py",
        ];
        let found: Vec<String> =
            check(&Tree::of(&files.map(|path| (path, "")))).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("crates/a/common: `common`"), "{found:?}");
        assert!(found[1].starts_with("crates/a/src/utils.rs: `utils`"), "{found:?}");
    }

    #[test]
    fn nouns_and_other_files_pass() {
        let files = ["crates/a/src/commons_fund.rs", "docs/common/a.md", "xtask/src/tree.rs"];
        assert!(check(&Tree::of(&files.map(|path| (path, "")))).is_empty());
    }
}
