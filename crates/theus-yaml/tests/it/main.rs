//! What the door to YAML promises, seen from outside.

mod bombs;
mod places;
mod refused;
mod total;
mod typing;
mod value;

use theus_yaml::{Content, Limits, Node, Reason, YamlError};

fn parse(text: &str) -> Result<Node, YamlError> {
    theus_yaml::parse(text, &Limits::default())
}

/// The mistake of a text, with its place.
fn mistake(text: &str) -> (usize, usize, Reason) {
    let error = parse(text).map(|_| ()).expect_err(text);
    (error.line, error.column, error.reason)
}

/// The tree as a text without places.
fn plain(node: &Node) -> String {
    match &node.content {
        Content::List(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(",")),
        Content::Map(entries) => {
            let entries = entries.iter().map(|entry| format!("{:?}:{}", entry.key, plain(&entry.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        other => format!("{other:?}"),
    }
}
