//! Rule: modelled crates take locks, atomics and threads from theus-sync only, so that loom sees them all.
//!
//! A search of the text, because clippy's ban of types sees through re-exports and would flag the facade's users.
//! theus-shm may write `core::sync`: a word that another process maps must be the machine's own atomic, and no
//! model sees such memory anyhow.

use super::Finding;
use crate::text::{is_name, line_at, lines_with_word, rust};
use crate::tree::Tree;

const MODELLED: [&str; 3] = ["crates/theus-state/src/", "crates/theus-pool/src/", SHARED_MEMORY];
const SHARED_MEMORY: &str = "crates/theus-shm/src/";
const ROOTS: [&str; 3] = ["std::", "core::", "alloc::"];
const BANNED: [&str; 2] = ["sync", "thread"];
const BANNED_CRATES: [&str; 4] = ["arc_swap", "crossbeam_utils", "loom", "parking_lot"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let modelled = tree
        .files
        .iter()
        .filter(|file| file.is_rust() && MODELLED.iter().any(|folder| file.path.starts_with(folder)));
    modelled
        .flat_map(|file| {
            let shared = file.path.starts_with(SHARED_MEMORY);
            let found =
                uses(&file.text).into_iter().filter(move |(_, what)| !(shared && what == "core::sync"));
            found.map(|(line, what)| finding(&file.path, line, &what))
        })
        .collect()
}

fn finding(path: &str, line: usize, what: &str) -> Finding {
    Finding::new(
        path,
        line,
        format!("{what} in a modelled crate: take it from theus_sync, so that loom sees it"),
    )
}

/// The lines that name a banned module or crate, with its name.
fn uses(text: &str) -> Vec<(usize, String)> {
    let code = rust::mask(text).code;
    let mut found = Vec::new();
    for name in BANNED_CRATES {
        found.extend(lines_with_word(&code, name).into_iter().map(|line| (line, name.to_owned())));
    }
    for root in ROOTS {
        for (start, _) in code.match_indices(root) {
            if code[..start].ends_with(is_name) {
                continue;
            }
            let names = imported(&code[start + root.len()..]);
            let banned = names.into_iter().filter(|name| BANNED.contains(name));
            found.extend(banned.map(|name| (line_at(&code, start), format!("{root}{name}"))));
        }
    }
    found
}

/// The names that directly follow `std::`: one, or those of a group in braces.
fn imported(rest: &str) -> Vec<&str> {
    let Some(group) = rest.strip_prefix('{') else { return vec![first_name(rest)] };
    let mut names = vec![first_name(group)];
    let mut depth = 0usize;
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(first_name(&group[at + 1..])),
            _ => {}
        }
    }
    names
}

fn first_name(text: &str) -> &str {
    let text = text.trim_start();
    &text[..text.find(|character| !is_name(character)).unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::{check, uses};
    use crate::tree::Tree;

    #[test]
    fn a_standard_lock_in_a_modelled_crate_is_found() {
        let text = "//! A.\nuse std::sync::Mutex;\n";
        let found = check(&Tree::of(&[("crates/theus-state/src/a.rs", text)]));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].to_string().starts_with("crates/theus-state/src/a.rs:2: std::sync in a modelled crate")
        );
    }

    #[test]
    fn other_crates_and_tests_may() {
        let text = "use std::sync::Mutex;\n";
        let free =
            ["crates/theus-audit/src/a.rs", "crates/theus-state/tests/it/a.rs", "crates/theus-sync/src/a.rs"];
        assert!(check(&Tree::of(&free.map(|path| (path, text)))).is_empty());
    }

    #[test]
    fn words_that_another_process_maps_may_be_the_machines_own() {
        let text = "use core::sync::atomic::AtomicU32;\n";
        assert!(check(&Tree::of(&[("crates/theus-shm/src/a.rs", text)])).is_empty());
        assert_eq!(check(&Tree::of(&[("crates/theus-state/src/a.rs", text)])).len(), 1);
    }

    #[test]
    fn groups_paths_and_other_roots_are_found() {
        assert_eq!(uses("use std::{fmt, io::{self, Read}, sync::Arc};"), [(1, "std::sync".to_owned())]);
        assert_eq!(uses("use std::{\n    thread,\n};"), [(1, "std::thread".to_owned())]);
        assert_eq!(uses("use parking_lot::Mutex;"), [(1, "parking_lot".to_owned())]);
        assert_eq!(uses("\nfn f() { core::sync::atomic::fence(x) }"), [(2, "core::sync".to_owned())]);
    }

    #[test]
    fn comments_strings_and_other_modules_pass() {
        let text = "// std::sync\n/// std::thread\nconst A: &str = \"std::sync\";\nuse std::{fmt, io};\nuse std::threads::a;";
        assert!(uses(text).is_empty());
    }
}
