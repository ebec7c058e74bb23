//! [`Expression`]: a regular expression that is matched at the start of a text, in linear time.
//!
//! What not: look-around and back-references, which take more than linear time.
//! Invariant: all expressions of one recipe together stay within one [`Budget`] of memory.

use std::fmt;
use std::sync::Arc;

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Anchored, Input};

/// The most memory that one expression may take, in bytes: what the crate regex allows too, so that `\w{64}` fits.
const MOST: usize = 10 << 20;
/// The most memory that all expressions of a recipe may take, in bytes.
const MOST_IN_ALL: usize = 64 << 20;

/// A compiled regular expression.
#[derive(Clone)]
pub(crate) struct Expression {
    text: Arc<str>,
    regex: Regex,
}

/// How much memory the expressions of a recipe may still take.
pub(crate) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Budget(MOST_IN_ALL)
    }
}

impl Expression {
    /// Compiles `text`; the error says in words why it cannot be.
    pub(super) fn new(text: &Arc<str>, budget: &mut Budget) -> Result<Self, String> {
        let limit = MOST.min(budget.0);
        let config = Config::new().nfa_size_limit(Some(limit)).which_captures(WhichCaptures::None);
        let built = Regex::builder().configure(config).build(text);
        // One that grew until it was refused took its time too.
        let cost = built.as_ref().map_or_else(|error| error.size_limit().unwrap_or(0), Regex::memory_usage);
        budget.0 = budget.0.saturating_sub(cost);
        match built {
            Ok(regex) => Ok(Expression { text: Arc::clone(text), regex }),
            Err(error) => Err(reason(&error, limit)),
        }
    }

    /// Whether the expression matches at the start of `text`.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(Input::new(text).anchored(Anchored::Yes))
    }
}

fn reason(error: &BuildError, limit: usize) -> String {
    if error.size_limit().is_some() {
        return if limit < MOST {
            format!("the expressions of this recipe together need more than {MOST_IN_ALL} bytes of memory")
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
