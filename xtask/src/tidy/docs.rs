//! Rule: a doc comment says something. An empty one silences the lint for missing docs and helps nobody.

use super::Finding;
use crate::text::rust;
use crate::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let files = tree.files.iter().filter(|file| file.is_rust());
    files.flat_map(|file| empty_docs(&file.text).into_iter().map(|line| finding(&file.path, line))).collect()
}

fn finding(path: &str, line: usize) -> Finding {
    Finding::new(path, line, "an empty doc comment: say what the item is, or make it private")
}

/// The first lines of the doc comments that hold no word.
fn empty_docs(text: &str) -> Vec<usize> {
    let masked = rust::mask(text);
    let mut found = Vec::new();
    // The marker of the run of doc lines that we are in, its first line, and whether it is empty so far.
    let mut run: Option<(&str, usize, bool)> = None;
    for (number, line) in (1..).zip(masked.comments.lines()) {
        let line = line.trim();
        let marker =
            ["///", "//!"].into_iter().find(|marker| line.starts_with(marker) && !line.starts_with("////"));
        let blank = marker.is_some_and(|marker| line[marker.len()..].trim().is_empty());
        run = match (run, marker) {
            (Some((open, first, empty)), Some(marker)) if open == marker => {
                Some((open, first, empty && blank))
            }
            (ended, marker) => {
                found.extend(ended.filter(|(_, _, empty)| *empty).map(|(_, first, _)| first));
                marker.map(|marker| (marker, number, blank))
            }
        };
        if is_empty_block(line) {
            found.push(number);
        }
    }
    found.extend(run.filter(|(_, _, empty)| *empty).map(|(_, first, _)| first));
    let attributes = (1..).zip(text.lines().zip(masked.code.lines()));
    found.extend(
        attributes.filter(|(_, (line, code))| is_empty_attribute(line, code)).map(|(number, _)| number),
    );
    found
}

fn is_empty_block(line: &str) -> bool {
    let inside = line.strip_prefix("/**").or_else(|| line.strip_prefix("/*!"));
    inside.and_then(|inside| inside.strip_suffix("*/")).is_some_and(|inside| inside.trim().is_empty())
}

/// `#[doc = ""]`, and not merely a string that holds one.
fn is_empty_attribute(line: &str, code: &str) -> bool {
    let line: String = line.split_whitespace().collect();
    let attribute = line.starts_with("#[doc=") || line.starts_with("#![doc=");
    attribute && code.trim_start().starts_with('#') && line.contains("=\"\"]")
}

#[cfg(test)]
mod tests {
    use super::{check, empty_docs};
    use crate::tree::Tree;

    #[test]
    fn an_empty_doc_comment_is_found() {
        let found = check(&Tree::of(&[("a.rs", "//! File.\n\n///\npub fn a() {}\n")]));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("a.rs:3: "));
    }

    #[test]
    fn all_ways_to_say_nothing_are_found() {
        assert_eq!(empty_docs("///\n///  \nfn a() {}"), [1]);
        assert_eq!(empty_docs("//!\nfn a() {}"), [1]);
        assert_eq!(empty_docs("fn a() {}\n/** */\nfn b() {}"), [2]);
        assert_eq!(empty_docs("#[doc = \"\"]\nfn a() {}"), [1]);
    }

    #[test]
    fn docs_that_speak_pass() {
        assert!(empty_docs("//! What.\n//!\n//! What not.\n\n/// A.\n///\n/// B.\nfn a() {}").is_empty());
        assert!(empty_docs("////\nconst A: &str = \"\n///\n\";").is_empty());
        assert!(empty_docs("//////////\n// a comment\n//\n").is_empty());
    }
}
