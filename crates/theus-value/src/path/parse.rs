//! The text form of paths: `domain.user['name'][0]`, read and written.
//!
//! ```text
//! path    := (plain | bracket) ("." plain | bracket)*
//! plain   := one or more characters other than . [ ]
//! bracket := "[" (quoted | inner) "]"
//! inner   := one or more characters other than ' " [ ]
//! quoted  := ' ... ' or " ... ", where \ makes the next character literal
//! ```
//!
//! What not: no globs (see [`Pattern`](super::Pattern)). Invariant: what [`write_segment`] writes, [`segments`] reads back.

use crate::value::Key;
use std::fmt;
use std::iter::Peekable;
use std::str::CharIndices;

/// Why a text is not a path or pattern. Positions count bytes from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The text is empty.
    #[error("the path is empty; write at least one segment, such as \"domain\"")]
    Empty,
    /// Two dots in a row, or a dot or bracket pair with nothing inside.
    #[error("path \"{text}\" has an empty segment at byte {at}; write a name there, or quote it: ['']")]
    EmptySegment {
        /// The whole text.
        text: String,
        /// Where a segment was expected.
        at: usize,
    },
    /// A bracket or quote without its end.
    #[error("path \"{text}\" opens a bracket or quote at byte {at} and does not close it")]
    Unclosed {
        /// The whole text.
        text: String,
        /// Where it opens.
        at: usize,
    },
    /// A character that cannot stand where it does.
    #[error(
        "path \"{text}\" has an unexpected '{found}' at byte {at}; quote it in brackets if it is part of a name"
    )]
    Unexpected {
        /// The whole text.
        text: String,
        /// Where it stands.
        at: usize,
        /// The character.
        found: char,
    },
}

pub(super) type Chars<'a> = Peekable<CharIndices<'a>>;

/// The segments that `text` names.
pub(super) fn segments(text: &str) -> Result<Vec<Key>, PathError> {
    if text.is_empty() {
        return Err(PathError::Empty);
    }
    let mut chars = text.char_indices().peekable();
    let mut found = Vec::new();
    if chars.peek().is_some_and(|&(_, c)| c != '[') {
        found.push(plain(text, &mut chars)?);
    }
    while let Some((at, c)) = chars.next() {
        match c {
            '.' => found.push(plain(text, &mut chars)?),
            '[' => found.push(bracket(text, at, &mut chars)?),
            _ => return Err(PathError::Unexpected { text: text.into(), at, found: c }),
        }
    }
    Ok(found)
}

fn plain(text: &str, chars: &mut Chars<'_>) -> Result<Key, PathError> {
    let start = chars.peek().map_or(text.len(), |&(at, _)| at);
    let mut end = start;
    while let Some((at, c)) = chars.next_if(|&(_, c)| !matches!(c, '.' | '[' | ']')) {
        end = at + c.len_utf8();
    }
    if start == end {
        Err(PathError::EmptySegment { text: text.into(), at: start })
    } else {
        Ok(text[start..end].into())
    }
}

/// The segment in a bracket whose `[` at byte `open` has been read; reads its `]` too.
pub(super) fn bracket(text: &str, open: usize, chars: &mut Chars<'_>) -> Result<Key, PathError> {
    let unclosed = |at| PathError::Unclosed { text: text.into(), at };
    let segment = match chars.peek() {
        Some(&(at, quote @ ('\'' | '"'))) => {
            chars.next();
            quoted(quote, chars).ok_or_else(|| unclosed(at))?
        }
        _ => {
            let mut inner = String::new();
            while let Some((_, c)) = chars.next_if(|&(_, c)| !matches!(c, '\'' | '"' | '[' | ']')) {
                inner.push(c);
            }
            inner
        }
    };
    match chars.next() {
        Some((at, ']')) if segment.is_empty() && at == open + 1 => {
            Err(PathError::EmptySegment { text: text.into(), at })
        }
        Some((_, ']')) => Ok(segment.into()),
        Some((at, found)) => Err(PathError::Unexpected { text: text.into(), at, found }),
        None => Err(unclosed(open)),
    }
}

/// Text up to the closing `quote`, which is read too; `None` if it never comes.
fn quoted(quote: char, chars: &mut Chars<'_>) -> Option<String> {
    let mut inner = String::new();
    loop {
        match chars.next()?.1 {
            '\\' => inner.push(chars.next()?.1),
            c if c == quote => return Some(inner),
            c => inner.push(c),
        }
    }
}

/// Writes `segment` so that it reads back as itself: dotted where it can be, quoted otherwise.
pub(super) fn write_segment(f: &mut fmt::Formatter<'_>, segment: &str, first: bool) -> fmt::Result {
    if !segment.is_empty() && !segment.contains(['.', '[', ']']) {
        return if first { f.write_str(segment) } else { write!(f, ".{segment}") };
    }
    f.write_str("['")?;
    for c in segment.chars() {
        if matches!(c, '\'' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("']")
}
