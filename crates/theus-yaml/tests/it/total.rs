//! Any text gives a tree or an error with a place.

use proptest::prelude::*;
use theus_yaml::{Content, Limits, Node};

/// How deep and how large a tree is for whoever walks it.
fn measure(node: &Node) -> (usize, usize) {
    let parts: Vec<(usize, usize)> = match &node.content {
        Content::List(items) => items.iter().map(measure).collect(),
        Content::Map(entries) => entries.iter().map(|entry| measure(&entry.value)).collect(),
        _ => return (0, 1),
    };
    let deepest = parts.iter().map(|(depth, _)| *depth).max().unwrap_or(0);
    (deepest + 1, 1 + parts.iter().map(|(_, nodes)| nodes).sum::<usize>())
}

fn judge(text: &str) -> Result<(), TestCaseError> {
    let limits = Limits { bytes: 200, depth: 4, nodes: 20 };
    match theus_yaml::parse(text, &limits) {
        Ok(node) => {
            let (depth, nodes) = measure(&node);
            prop_assert!(depth <= limits.depth && nodes <= limits.nodes, "{depth} deep, {nodes} nodes");
        }
        Err(error) => {
            prop_assert!(error.line >= 1 && error.line <= text.lines().count() + 1, "{error} in {text:?}");
            prop_assert!(
                error.column >= 1 && error.column <= text.chars().count() + 2,
                "{error} in {text:?}"
            );
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_has_an_answer(text in "\\PC{0,80}") {
        judge(&text)?;
    }

    #[test]
    fn pieces_of_yaml_in_any_order_have_an_answer(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "a", "b: ", ": ", "- ", "? ", "[", "]", "{", "}", ", ", "\n", "\n  ", "&x ", "*x", "!!int ", "!t ",
                "'", "\"", "|\n", ">", "# c\n", "---\n", "...\n", "<<: ", "1", ".inf", "~", "\t", "\r\n", "%TAG ", "\0",
            ]),
            0..40,
        )
    ) {
        judge(&pieces.concat())?;
    }
}
