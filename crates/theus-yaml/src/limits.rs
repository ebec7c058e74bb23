//! How large a tree may become.

/// How large a text and its tree may be. The defaults fit recipes and workflows written by hand many times over.
///
/// ```
/// use theus_yaml::{Limits, parse};
///
/// let flat = Limits { depth: 1, ..Limits::default() };
/// assert!(parse("[1, 2]", &flat).is_ok());
/// assert!(parse("[1, [2]]", &flat).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The text's length in bytes.
    pub bytes: usize,
    /// How many lists and maps may lie inside one another.
    pub depth: usize,
    /// How many nodes there may be, keys not counted. An alias counts as all the nodes that it stands for.
    pub nodes: usize,
}

impl Default for Limits {
    /// 1 MiB, 64 levels, 100,000 nodes.
    fn default() -> Self {
        Limits { bytes: 1 << 20, depth: 64, nodes: 100_000 }
    }
}
