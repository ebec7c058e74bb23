//! The tree: nodes with their content and their place.
//!
//! What not: how a tree comes about. Invariants: the keys of a map are distinct; clones share what is below them.

use std::sync::Arc;

use crate::Place;

/// One node of a tree. Clones in O(1).
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What stands there.
    pub content: Content,
    /// Where it stands. For an alias: where the alias is; what is below has the places of what it stands for.
    pub place: Place,
}

/// What stands at a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number; may be infinite or not a number.
    Float(f64),
    /// A text.
    Str(Arc<str>),
    /// A sequence.
    List(Arc<[Node]>),
    /// A mapping, in the order of the text.
    Map(Arc<[Entry]>),
}

/// One entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key's text.
    pub key: Arc<str>,
    /// Where the key stands. In a tree of a value: the entry's own path.
    pub key_place: Place,
    /// What the key leads to.
    pub value: Node,
}

impl Node {
    /// What `key` leads to, if this is a map that has it. Takes time proportional to the map's length.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.content {
            Content::Map(entries) => {
                entries.iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
            }
            _ => None,
        }
    }
}

impl Content {
    /// What this is, as messages say it: "a text", "a list".
    pub fn kind(&self) -> &'static str {
        match self {
            Content::Null => "nothing",
            Content::Bool(_) => "true or false",
            Content::Int(_) => "a whole number",
            Content::Float(_) => "a number with a fraction",
            Content::Str(_) => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }
}
