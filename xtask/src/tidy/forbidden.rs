//! Rule: no file names a package registry's host or a path of somebody's machine.
//!
//! Such text works in one place only. The lock file is cargo's own and is left out.

use super::Finding;
use crate::tree::Tree;

// Each is put together here, so that this file does not hold what it looks for.
const HOSTS: [&str; 5] = [
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("deb.", "debian.org"),
];
const FOLDERS: [&str; 4] =
    [concat!("/", "home/"), concat!("/", "root/"), concat!("/", "work/"), concat!("/", "Users/")];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let files = tree.files.iter().filter(|file| !file.path.ends_with("Cargo.lock"));
    files
        .flat_map(|file| {
            let lines = (1..).zip(file.text.lines());
            lines.filter_map(|(number, line)| Some(Finding::new(&file.path, number, reason(line)?)))
        })
        .collect()
}

fn reason(line: &str) -> Option<String> {
    if let Some(host) = HOSTS.into_iter().find(|host| line.contains(host)) {
        return Some(format!("the host {host}: whoever builds this may use another registry"));
    }
    let folder =
        FOLDERS.into_iter().find(|folder| line.match_indices(folder).any(|(at, _)| is_absolute(line, at)))?;
    Some(format!("a path under {folder}: it exists on one machine only"))
}

/// Whether the slash at `at` begins a path, and is not part of a longer one.
fn is_absolute(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    before.is_none_or(|before| !before.is_alphanumeric() && !"._-~/}*".contains(before))
}

#[cfg(test)]
mod tests {
    use super::{FOLDERS, HOSTS, check, reason};
    use crate::tree::Tree;

    #[test]
    fn a_host_and_a_home_are_found() {
        for text in HOSTS.into_iter().map(|host| format!("see https://{host}/simple")) {
            assert_eq!(check(&Tree::of(&[("a.toml", &text)])).len(), 1, "{text}");
        }
        for text in FOLDERS.into_iter().map(|folder| format!("first\npath = \"{folder}me/project\"")) {
            let found = check(&Tree::of(&[("a.txt", &text)]));
            assert!(found.len() == 1 && found[0].to_string().starts_with("a.txt:2: "), "{text}");
        }
    }

    #[test]
    fn relative_paths_and_addresses_pass() {
        for folder in FOLDERS {
            assert_eq!(
                reason(&format!("see https://example.net{folder}x and ..{folder}x and ${{DIR}}{folder}x")),
                None
            );
        }
    }

    #[test]
    fn the_lock_file_is_left_out() {
        assert!(check(&Tree::of(&[("Cargo.lock", HOSTS[0])])).is_empty());
    }
}
