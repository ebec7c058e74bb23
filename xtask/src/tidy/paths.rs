//! Rule: every path that our maps name exists, so that documents do not rot quietly.
//!
//! Judged are words in single back-ticks that look like paths; fenced blocks are programs and are left out.
//! A path may begin at the checkout's root or anywhere below, as `tests/it/main.rs` stands for each crate's.

use super::Finding;
use crate::tree::Tree;

const MAPS: [&str; 4] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SHORTCOMINGS.md"];
const ENDINGS: [&str; 12] =
    [".rs", ".py", ".pyi", ".md", ".toml", ".txt", ".sh", ".h", ".hpp", ".yaml", ".png", ".lock"];
/// What a build makes is not in the checkout.
const BUILT: [&str; 3] = ["target", "demo-out", ".venv"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let maps = tree
        .files
        .iter()
        .filter(|file| file.path.rsplit('/').next().is_some_and(|name| MAPS.contains(&name)));
    maps.flat_map(|map| {
        let named = ticked(&map.text).into_iter().filter(|(_, word)| looks_like_path(tree, word));
        let missing = named.filter(|(_, word)| !exists(tree, word));
        missing.map(|(line, word)| Finding::new(&map.path, line, format!("`{word}` is not there")))
    })
    .collect()
}

/// The words in back-ticks with their lines.
fn ticked(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut words = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            words.extend(line.split('`').skip(1).step_by(2).map(|word| (number, word)));
        }
    }
    words
}

fn looks_like_path(tree: &Tree, word: &str) -> bool {
    let plain = word.chars().all(|character| character.is_ascii_alphanumeric() || "_-./".contains(character));
    if !plain || word.starts_with('/') || word.starts_with("..") || word.len() < 2 {
        return false;
    }
    let first = word.split('/').next().unwrap_or(word);
    let built = BUILT.contains(&first);
    let named = ENDINGS.iter().any(|ending| word.ends_with(ending) && word.len() > ending.len());
    let folder = word.contains('/') && (word.ends_with('/') || tree.paths.contains(first));
    !built && (named || folder)
}

fn exists(tree: &Tree, word: &str) -> bool {
    let word = word.trim_start_matches("./").trim_end_matches('/');
    let below = format!("/{word}");
    tree.paths.contains(word) || tree.paths.iter().any(|path| path.ends_with(&below))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::Tree;

    fn findings(map: &str) -> Vec<String> {
        let files =
            [("ARCHITECTURE.md", map), ("crates/a/src/raw.rs", ""), ("crates/a/tests/it/main.rs", "")];
        check(&Tree::of(&files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_path_that_is_gone_is_found() {
        let found = findings("Fine.\nSee `crates/a/src/cell.rs` and `crates/b`, `lost.md`, `benches/`.\n");
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found[0].starts_with("ARCHITECTURE.md:2: `crates/a/src/cell.rs`"), "{found:?}");
    }

    #[test]
    fn paths_that_exist_pass() {
        assert!(
            findings("`crates/a/src/raw.rs`, `crates/`, `raw.rs`, `tests/it/main.rs`, `crates/a`").is_empty()
        );
    }

    #[test]
    fn what_is_no_path_of_ours_passes() {
        let words =
            "`engine.state.data`, `and/or`, `/dev/shm`, `../shared/x.md`, `target/bench.json`, `a::b`, `.rs`,
            `crates/*`, `cargo xtask test`, `http://a/b.md`";
        assert!(findings(words).is_empty(), "{:?}", findings(words));
        assert!(findings("```\n`crates/gone.rs`\n```\n").is_empty());
    }
}
