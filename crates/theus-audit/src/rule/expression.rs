//! [`Expression`]: a regular expression that is matched at the start of a text, in linear time.
//!
//! What not: look-around and back-references, which take more than linear time.
//! Invariant: all expressions of one recipe together stay within one [`Budget`] of memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Anchored, Input};

/// The most memory that one expression may take, in bytes, so that `\w{100}` fits: each `\w` takes 56 KB.
const MOST: usize = 8 << 20;
/// The most memory that all expressions of a recipe may take, in bytes. It bounds the time too: building this much takes
/// less than half a second.
const MOST_IN_ALL: usize = 32 << 20;

/// A compiled regular expression.
#[derive(Clone)]
pub(crate) struct Expression {
    text: Arc<str>,
    regex: Regex,
}

/// How much memory the expressions of a recipe may still take, and those that there are: one that is repeated is built
/// once.
pub(crate) struct Budget {
    left: usize,
    built: HashMap<Arc<str>, Result<Arc<Expression>, String>>,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { left: MOST_IN_ALL, built: HashMap::new() }
    }
}

impl Budget {
    /// The expression `text`; the error says in words why it cannot be.
    pub(super) fn expression(&mut self, text: &Arc<str>) -> Result<Arc<Expression>, String> {
        if let Some(known) = self.built.get(text) {
            return known.clone();
        }
        let built = self.build(text).map(Arc::new);
        self.built.insert(Arc::clone(text), built.clone());
        built
    }

    fn build(&mut self, text: &Arc<str>) -> Result<Expression, String> {
        let limit = MOST.min(self.left);
        if limit == 0 {
            return Err(exhausted());
        }
        let config = Config::new().nfa_size_limit(Some(limit)).which_captures(WhichCaptures::None);
        let built = Regex::builder().configure(config).build(text);
        // One that grew until it was refused took its time too.
        let cost = built.as_ref().map_or_else(|error| error.size_limit().unwrap_or(0), Regex::memory_usage);
        self.left = self.left.saturating_sub(cost);
        match built {
            Ok(regex) => Ok(Expression { text: Arc::clone(text), regex }),
            Err(error) => Err(reason(&error, limit)),
        }
    }
}

impl Expression {
    /// Whether the expression matches at the start of `text`.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(Input::new(text).anchored(Anchored::Yes))
    }
}

fn exhausted() -> String {
    format!("the expressions of this recipe together need more than {MOST_IN_ALL} bytes of memory")
}

fn reason(error: &BuildError, limit: usize) -> String {
    if error.size_limit().is_some() {
        return if limit < MOST {
            exhausted()
        } else {
            format!("it needs more than {MOST} bytes of memory; make its repetitions smaller")
        };
    }
    let Some(error) = error.syntax_error() else { return error.to_string() };
    // A picture of several lines, the last of which is the reason.
    let picture = error.to_string();
    picture.lines().last().map_or("", |last| last.trim_start_matches("error: ")).to_owned()
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({:?})", self.text)
    }
}
