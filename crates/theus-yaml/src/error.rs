//! Why a text or a value gives no tree.

use theus_value::Kind;

use crate::Place;

/// A text that gives no tree. Displays as `7:14: reason`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{line}:{column}: {reason}")]
pub struct YamlError {
    /// The line of the mistake, from 1.
    pub line: usize,
    /// The column of the mistake in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub reason: Reason,
}

/// A value of a program that gives no tree. Displays as `path: reason`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct UnfitValue {
    /// The path of the part that does not fit.
    pub place: Place,
    /// What is wrong there.
    pub reason: Reason,
}

/// What is wrong with a text or a value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// The text is not YAML.
    #[error("this is not valid YAML: {0}")]
    Syntax(String),
    /// A map has a key twice.
    #[error("the key {key:?} is here twice, first at {first}; remove one")]
    DuplicateKey {
        /// The key, shortened.
        key: String,
        /// Where it stands first.
        first: Place,
    },
    /// A key is not a text.
    #[error("a key must be a text; put it into quotes")]
    KeyNotText,
    /// A merge key.
    #[error("merge keys (<<) are not supported; write the entries out")]
    MergeKey,
    /// A tag that asks for something else than plain data.
    #[error("the tag {0} is not supported; leave it out")]
    Tag(String),
    /// A core tag on what it does not fit.
    #[error("this is not what its tag {0} says; leave the tag out")]
    TagUnfit(String),
    /// More than one document.
    #[error("a second document begins here; only one is read, so put it into a file of its own")]
    SecondDocument,
    /// An alias within what it stands for.
    #[error("this alias stands for something that it is a part of")]
    SelfReference,
    /// Longer than [`Limits::bytes`](crate::Limits::bytes).
    #[error("the text is longer than {0} bytes")]
    TooLong(usize),
    /// Deeper than [`Limits::depth`](crate::Limits::depth).
    #[error("lists and maps lie more than {0} deep inside one another")]
    TooDeep(usize),
    /// More nodes than [`Limits::nodes`](crate::Limits::nodes).
    #[error("there are more than {0} values, aliases counted as what they stand for")]
    TooMany(usize),
    /// A whole number outside 128 bits.
    #[error("the whole number does not fit 128 bits; write it with a decimal point")]
    HugeInteger,
    /// A part of a value that has no counterpart in YAML.
    #[error("a value of kind {0} has no place here; use null, true, false, numbers, texts, lists and maps")]
    Unfit(Kind),
}
