//! [`Condition`]: the tests of a rule, and the words for what fails them.
//!
//! Invariant: a test that is for another kind of value than the subject does not fail, save a list of what is allowed; what
//! cannot be looked into fails.

use std::fmt::Display;
use std::sync::Arc;

use crate::rule::allowed::Allowed;
use crate::rule::expression::Expression;
use crate::{Number, Subject};

/// How many characters of a value or a bound a message shows.
const SHOWN: usize = 80;

/// The tests of a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Condition {
    pub(super) min: Option<Number>,
    pub(super) max: Option<Number>,
    pub(super) eq: Option<Number>,
    pub(super) neq: Option<Number>,
    pub(super) min_len: Option<u64>,
    pub(super) max_len: Option<u64>,
    pub(super) regex: Option<Arc<Expression>>,
    pub(super) allowed: Option<Allowed>,
}

/// A test that failed, with its bound.
pub(super) enum Failure<'a> {
    Min(Number),
    Max(Number),
    Eq(Number),
    Neq(Number),
    MinLen(u64, u64),
    MaxLen(u64, u64),
    Regex(&'a Expression),
    In(&'a Allowed),
    Opaque,
}

impl Condition {
    /// The failure that counts, if there is one: the last kind of test goes first.
    pub(super) fn failure(&self, subject: &Subject<'_>) -> Option<Failure<'_>> {
        if *subject == Subject::Opaque {
            return Some(Failure::Opaque);
        }
        self.unlisted(subject)
            .or_else(|| self.unmatched(subject))
            .or_else(|| self.wrong_length(subject))
            .or_else(|| self.wrong_number(subject))
    }

    fn unlisted(&self, subject: &Subject<'_>) -> Option<Failure<'_>> {
        let allowed = self.allowed.as_ref()?;
        (!allowed.holds(subject)).then_some(Failure::In(allowed))
    }

    fn unmatched(&self, subject: &Subject<'_>) -> Option<Failure<'_>> {
        let (Some(regex), Subject::Text(text)) = (&self.regex, subject) else { return None };
        (!regex.matches(text)).then_some(Failure::Regex(regex))
    }

    fn wrong_length(&self, subject: &Subject<'_>) -> Option<Failure<'_>> {
        if self.min_len.is_none() && self.max_len.is_none() {
            return None;
        }
        let length = subject.length()?;
        match (self.min_len, self.max_len) {
            (Some(min), _) if length < min => Some(Failure::MinLen(length, min)),
            (_, Some(max)) if length > max => Some(Failure::MaxLen(length, max)),
            _ => None,
        }
    }

    /// Each test asks for what must hold, so that what compares with nothing fails it.
    fn wrong_number(&self, subject: &Subject<'_>) -> Option<Failure<'_>> {
        let number = subject.number()?;
        let at_least = |min: &Number| number >= *min;
        let at_most = |max: &Number| number <= *max;
        if let Some(min) = self.min.filter(|min| !at_least(min)) {
            return Some(Failure::Min(min));
        }
        if let Some(max) = self.max.filter(|max| !at_most(max)) {
            return Some(Failure::Max(max));
        }
        if let Some(eq) = self.eq.filter(|eq| number != *eq) {
            return Some(Failure::Eq(eq));
        }
        self.neq.filter(|neq| number == *neq).map(Failure::Neq)
    }
}

impl Failure<'_> {
    /// The failure in words: the field, its value and the bound.
    pub(super) fn message(&self, field: &str, subject: &Subject<'_>) -> String {
        let value = match subject {
            Subject::Bool(value) => value.to_string(),
            Subject::Number(number) => number.to_string(),
            Subject::Text(text) => quoted(text),
            Subject::Absent | Subject::Sized(_) | Subject::Other | Subject::Opaque => {
                "no bool, number or text".to_owned()
            }
        };
        match self {
            Failure::Min(min) => format!("{field} is {value}; it must be at least {min}"),
            Failure::Max(max) => format!("{field} is {value}; it must be at most {max}"),
            Failure::Eq(eq) => format!("{field} is {value}; it must equal {eq}"),
            Failure::Neq(neq) => format!("{field} is {value}; it must not equal {neq}"),
            Failure::MinLen(length, min) => format!("{field} has length {length}; it must be at least {min}"),
            Failure::MaxLen(length, max) => format!("{field} has length {length}; it must be at most {max}"),
            Failure::Regex(regex) => format!("{field} is {value}; it must match {}", shown(regex)),
            Failure::Opaque => format!(
                "{field} is an object of a type that rules cannot look into; give a plain number, text, list or map, such as \
                 float(x) for a number of NumPy"
            ),
            Failure::In(allowed) => format!("{field} is {value}; it must be one of {}", shown(allowed)),
        }
    }
}

/// The text in quotes, cut to what a message shows.
fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("{shown:?}{more}")
}

/// The bound, cut to what a message shows.
fn shown(bound: &impl Display) -> String {
    let text = bound.to_string();
    let shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() { shown + "…" } else { shown }
}
