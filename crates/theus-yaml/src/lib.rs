//! YAML text to a tree whose every node knows where it stands, within limits. The one door to YAML.
//!
//! What: [`parse`] reads one YAML 1.2 document by the core schema into [`Node`]s; [`Node::of_value`] makes the same
//! tree of a value that a program built, so that a reader of trees need not know which it was.
//!
//! What not: no meaning of keys, no input or output, no writing of YAML, no includes, no variables.
//!
//! Invariants
//! - Any text gives a tree or a [`YamlError`] with line and column, never a panic.
//! - Keys of a map are distinct texts. What a second reader could take for something else is refused: duplicate keys,
//!   other keys, foreign tags, merge keys, a second document, an alias within its own anchor.
//! - A tree is within its [`Limits`], aliases counted as what they stand for; memory is proportional to the text,
//!   because an alias shares it.
//!
//! ```
//! use theus_yaml::{Content, Limits, parse};
//!
//! let node = parse("steps: [greet, no]", &Limits::default())?;
//! let steps = node.get("steps").expect("it is there");
//! assert!(matches!(&steps.content, Content::List(items) if items[1].content == Content::Str("no".into())));
//!
//! let error = parse("a: 1\na: 2\n", &Limits::default()).unwrap_err();
//! assert_eq!((error.line, error.column), (2, 1));
//! # Ok::<(), theus_yaml::YamlError>(())
//! ```
#![forbid(unsafe_code)]

mod error;
mod limits;
mod node;
mod parse;
mod place;
mod scalar;
mod tree;
mod value;

pub use error::{Reason, UnfitValue, YamlError};
pub use limits::Limits;
pub use node::{Content, Entry, Node};
pub use parse::parse;
pub use place::Place;
