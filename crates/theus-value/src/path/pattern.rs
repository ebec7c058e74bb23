//! [`Pattern`]: a path with shell globs, as contracts declare what a process may touch.
//!
//! What not: no rules about zones, no brace expansion, no `**` (one `*` already spans dots).
//! Invariants: a pattern without globs covers exactly its path and everything under it. A glob is matched against
//! a path's segments joined by dots; it covers a path if it matches the path or one of the places above it.
//!
//! The glob is run as a set of positions in its token list (Thompson's simulation), so no pattern takes more than
//! length × length steps.

use super::Path;
use super::parse::{self, PathError};
use std::fmt;
use std::sync::Arc;

/// A path, or many paths by globs: `*` any run of characters, `?` one, `[a-z]` or `[!a-z]` one of a class.
///
/// A bracket with a quoted text or only digits is a path segment as in [`Path::parse`], any other is a class.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Arc<str>,
    form: Form,
}

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Plain(Path),
    Glob(Arc<[Token]>),
}

#[derive(Clone, PartialEq, Eq)]
enum Token {
    Exact(char),
    AnyOne,
    AnyRun,
    OneOf { ranges: Vec<(char, char)>, negated: bool },
}

impl Pattern {
    /// Reads a path or a glob.
    ///
    /// # Errors
    /// [`PathError`] as for [`Path::parse`]; a glob may have any text between its dots but must close its brackets.
    ///
    /// ```
    /// use theus_value::{Path, Pattern};
    ///
    /// let users = Pattern::parse("domain.user_*")?;
    /// assert!(users.covers(&Path::parse("domain.user_1.name")?));
    /// assert!(!users.covers(&Path::parse("domain.group")?));
    /// assert!(users.leads_to(&Path::parse("domain")?));
    /// # Ok::<(), theus_value::PathError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        let tokens = tokens(text)?;
        let glob = tokens.iter().any(|token| !matches!(token, Token::Exact(_)));
        let form = if glob { Form::Glob(tokens.into()) } else { Form::Plain(Path::parse(text)?) };
        Ok(Self { text: text.into(), form })
    }

    /// True if the pattern has a wildcard, so that it names no single path.
    pub fn is_glob(&self) -> bool {
        matches!(self.form, Form::Glob(_))
    }

    /// The one path that a pattern without wildcards names.
    pub fn as_path(&self) -> Option<&Path> {
        match &self.form {
            Form::Plain(path) => Some(path),
            Form::Glob(_) => None,
        }
    }

    /// True if `path` is what the pattern names, or lies under it.
    pub fn covers(&self, path: &Path) -> bool {
        match &self.form {
            Form::Plain(own) => path.starts_with(own),
            Form::Glob(tokens) => Run::new(tokens).over(path).covered,
        }
    }

    /// True if something that the pattern covers lies below `path`: who may see a child may walk its parents.
    ///
    /// So it also holds for every covered path. The root leads to everything.
    pub fn leads_to(&self, path: &Path) -> bool {
        match &self.form {
            Form::Plain(own) => own.overlaps(path),
            Form::Glob(tokens) => {
                let mut run = Run::new(tokens).over(path);
                if !path.is_root() {
                    run.step('.');
                }
                run.covered || run.is_alive()
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({self})")
    }
}

impl From<Path> for Pattern {
    fn from(path: Path) -> Self {
        Self { text: path.to_string().into(), form: Form::Plain(path) }
    }
}

/// The positions in the token list that the text read so far can have reached.
struct Run<'a> {
    tokens: &'a [Token],
    at: Vec<bool>,
    covered: bool,
}

impl<'a> Run<'a> {
    fn new(tokens: &'a [Token]) -> Self {
        let mut at = vec![false; tokens.len() + 1];
        at[0] = true;
        let mut run = Self { tokens, at, covered: false };
        run.skip_runs();
        run
    }

    /// Reads the whole path, noting whether it or a place above it matches.
    fn over(mut self, path: &Path) -> Self {
        for (number, segment) in path.segments().iter().enumerate() {
            if number > 0 {
                self.step('.');
            }
            segment.chars().for_each(|c| self.step(c));
            self.covered |= self.at[self.tokens.len()];
        }
        self
    }

    fn step(&mut self, c: char) {
        let mut next = vec![false; self.at.len()];
        for (position, token) in self.tokens.iter().enumerate().filter(|&(position, _)| self.at[position]) {
            match token {
                Token::AnyRun => next[position] = true,
                token if token.accepts(c) => next[position + 1] = true,
                _ => {}
            }
        }
        self.at = next;
        self.skip_runs();
    }

    /// A `*` may match nothing, so its position reaches the next one at no cost.
    fn skip_runs(&mut self) {
        for (position, token) in self.tokens.iter().enumerate() {
            if self.at[position] && *token == Token::AnyRun {
                self.at[position + 1] = true;
            }
        }
    }

    /// True if some longer text can still match.
    fn is_alive(&self) -> bool {
        self.at.contains(&true)
    }
}

impl Token {
    fn accepts(&self, c: char) -> bool {
        match self {
            Token::Exact(own) => *own == c,
            Token::AnyOne | Token::AnyRun => true,
            Token::OneOf { ranges, negated } => {
                ranges.iter().any(|&(low, high)| (low..=high).contains(&c)) != *negated
            }
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, PathError> {
    let mut found: Vec<Token> = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '*' if found.last() == Some(&Token::AnyRun) => {}
            '*' => found.push(Token::AnyRun),
            '?' => found.push(Token::AnyOne),
            '[' if is_segment(&text[at + 1..]) => {
                if !found.is_empty() {
                    found.push(Token::Exact('.'));
                }
                let segment = parse::bracket(text, at, &mut chars)?;
                found.extend(segment.chars().map(Token::Exact));
            }
            '[' => found.push(class(text, at, &mut chars)?),
            c => found.push(Token::Exact(c)),
        }
    }
    Ok(found)
}

/// True if the bracket that `rest` continues holds a path segment rather than a class.
fn is_segment(rest: &str) -> bool {
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.starts_with(['\'', '"']) || (digits.len() < rest.len() && digits.starts_with(']'))
}

/// A class whose `[` at byte `open` has been read; reads its `]` too. A `]` right at the start is a member.
fn class(text: &str, open: usize, chars: &mut parse::Chars<'_>) -> Result<Token, PathError> {
    let unclosed = || PathError::Unclosed { text: text.into(), at: open };
    let negated = chars.next_if(|&(_, c)| c == '!').is_some();
    let mut ranges = Vec::new();
    loop {
        let (_, low) = chars.next().ok_or_else(unclosed)?;
        if low == ']' && !ranges.is_empty() {
            return Ok(Token::OneOf { ranges, negated });
        }
        let mut ahead = chars.clone();
        let is_range =
            ahead.next().is_some_and(|(_, c)| c == '-') && ahead.next().is_some_and(|(_, c)| c != ']');
        if is_range {
            chars.next();
            let (_, high) = chars.next().ok_or_else(unclosed)?;
            ranges.push((low, high));
        } else {
            ranges.push((low, low));
        }
    }
}
