//! Rule: rooms are small. A file has at most 300 lines of code and 600 in all, a function 70.
//!
//! Test files have 600 lines of code and no total. Blank lines, comments, docstrings and inline test modules
//! are not code. `xtask/ratchet.txt` holds the exceptions.

use std::collections::BTreeMap;

use super::Finding;
use crate::ratchet::{Kind, LIST, Ratchet};
use crate::text::{Function, python, rust, size};
use crate::tree::{File, Tree};

const FILE_CODE: usize = 300;
const FILE_TOTAL: usize = 600;
const TEST_FILE_CODE: usize = 600;
const FUNCTION: usize = 70;

/// One thing that has a budget, with its line and its size.
struct Measure {
    kind: Kind,
    place: String,
    line: usize,
    size: usize,
    budget: usize,
}

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let (ratchet, mut findings) = Ratchet::parse(tree.file(LIST).map_or("", |list| &list.text));
    let mut sizes: BTreeMap<(Kind, String), (usize, usize)> = BTreeMap::new();
    for file in &tree.files {
        for measure in measures(file) {
            findings.extend(excess(file, &measure, &ratchet));
            // Functions may share a name; the largest stands for all.
            let known = sizes.entry((measure.kind, measure.place)).or_default();
            *known = (known.0.max(measure.size), measure.budget);
        }
    }
    findings.extend(ratchet.slack(|kind, place| sizes.get(&(kind, place.to_owned())).copied()));
    findings
}

fn excess(file: &File, measure: &Measure, ratchet: &Ratchet) -> Option<Finding> {
    let Measure { kind, place, line, size, budget } = measure;
    let limit = ratchet.limit(*kind, place, *budget);
    (*size > limit).then(|| {
        let what = match kind {
            Kind::Code => "lines of code in the file",
            Kind::Total => "lines in the file",
            Kind::Function => "lines of code in the function",
        };
        Finding::new(
            &file.path,
            *line,
            format!("`{place}`: {size} {what}, the limit is {limit}: split it by nouns"),
        )
    })
}

fn measures(file: &File) -> Vec<Measure> {
    let (code, functions): (String, Vec<Function>) = if file.is_rust() {
        let code = rust::mask(&file.text).code;
        let functions = rust::functions(&code);
        (rust::without_tests(&code), functions)
    } else if file.is_python() {
        let masked = python::mask(&file.text);
        let functions = python::functions(&masked);
        (masked.code, functions)
    } else {
        return Vec::new();
    };
    let (code_budget, total_budget) =
        if file.is_test() { (TEST_FILE_CODE, usize::MAX) } else { (FILE_CODE, FILE_TOTAL) };
    let whole = |kind, size, budget| Measure { kind, place: file.path.clone(), line: 0, size, budget };
    let mut measures = vec![
        whole(Kind::Code, size(&code), code_budget),
        whole(Kind::Total, file.text.lines().count(), total_budget),
    ];
    measures.extend(functions.into_iter().map(|function| Measure {
        kind: Kind::Function,
        place: format!("{}#{}", file.path, function.name),
        line: function.line,
        size: function.size,
        budget: FUNCTION,
    }));
    measures
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::ratchet::LIST;
    use crate::tree::Tree;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_long_file_is_found_in_both_languages() {
        let found = findings(&[("crates/a/src/a.rs", &"const A: u8 = 1;\n".repeat(301))]);
        assert!(found.len() == 1 && found[0].contains("301 lines of code in the file"), "{found:?}");
        let found = findings(&[("crates/a/a.py", &"a = 1\n".repeat(301))]);
        assert!(found.len() == 1 && found[0].contains("301 lines of code in the file"), "{found:?}");
    }

    #[test]
    fn comments_are_free_up_to_the_total() {
        assert!(findings(&[("a.rs", &"// why\n".repeat(600))]).is_empty());
        let found = findings(&[("a.rs", &"// why\n".repeat(601))]);
        assert!(found.len() == 1 && found[0].contains("601 lines in the file"), "{found:?}");
    }

    #[test]
    fn test_files_have_a_wider_budget() {
        assert!(findings(&[("crates/a/tests/it/a.rs", &"const A: u8 = 1;\n".repeat(600))]).is_empty());
        assert_eq!(findings(&[("tests/python/test_a.py", &"a = 1\n".repeat(601))]).len(), 1);
    }

    #[test]
    fn a_long_function_is_found_in_both_languages() {
        let rust = format!("\nfn long() {{\n{}}}\n", "    a();\n".repeat(71));
        let found = findings(&[("a.rs", &rust)]);
        assert!(found.len() == 1 && found[0].starts_with("a.rs:2: `a.rs#long`: 71 lines"), "{found:?}");
        let python = format!("\ndef long():\n{}", "    a()\n".repeat(71));
        let found = findings(&[("a.py", &python)]);
        assert!(found.len() == 1 && found[0].starts_with("a.py:2: `a.py#long`: 71 lines"), "{found:?}");
    }

    #[test]
    fn the_ratchet_lets_a_known_room_be_and_tightens_when_it_shrinks() {
        let text = "const A: u8 = 1;\n".repeat(310);
        assert!(findings(&[("a.rs", &text), (LIST, "code a.rs 310\n")]).is_empty());
        let found = findings(&[("a.rs", &text), (LIST, "code a.rs 320\n")]);
        assert!(found.len() == 1 && found[0].contains("lower the limit to 310"), "{found:?}");
        let found = findings(&[("a.rs", &text), (LIST, "code a.rs 305\n")]);
        assert!(found.len() == 1 && found[0].contains("the limit is 305"), "{found:?}");
    }
}
