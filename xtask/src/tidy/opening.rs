//! Rule: a file opens with what it is for. Rust: the first line is `//!`; Python: a docstring comes first.

use super::Finding;
use crate::tree::{File, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().filter_map(|file| Some(Finding::new(&file.path, 1, missing(file)?))).collect()
}

fn missing(file: &File) -> Option<&'static str> {
    if file.is_rust() && !opens_rust(&file.text) {
        return Some("the first line must be `//!` and say what the file is for");
    }
    if file.is_python() && !opens_python(&file.text) {
        return Some("the first statement must be a docstring that says what the module is for");
    }
    None
}

fn opens_rust(text: &str) -> bool {
    text.lines().next().and_then(|line| line.strip_prefix("//!")).is_some_and(|rest| !rest.trim().is_empty())
}

fn opens_python(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next().unwrap_or_default();
    let first = first.strip_prefix(['r', 'R']).unwrap_or(first);
    first.starts_with(['"', '\'']) && !["\"\"", "''"].contains(&first)
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::Tree;

    #[test]
    fn a_file_without_an_opening_is_found() {
        let bad = [
            ("a.rs", "use std::fmt;\n"),
            ("b.rs", "\n//! Late.\n"),
            ("c.rs", "//!\n//! Empty at first.\n"),
            ("d.rs", ""),
            ("e.py", "import os\n"),
            ("f.py", ""),
            ("g.py", "# Only a comment.\n"),
        ];
        assert_eq!(check(&Tree::of(&bad)).len(), bad.len());
    }

    #[test]
    fn a_file_with_an_opening_passes() {
        let good = [
            ("a.rs", "//! What.\n"),
            ("b.py", "\"\"\"What.\"\"\"\n"),
            ("c.py", "#!/usr/bin/env python3\n# coding\n\nr'''What.'''\n"),
            ("d.toml", "[a]\n"),
        ];
        assert!(check(&Tree::of(&good)).is_empty());
    }
}
