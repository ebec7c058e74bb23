//! [`Rule`]: what one argument or one path of the pending state must be.
//!
//! What not: how often a rule failed and what that leads to ([`AuditSystem`](crate::AuditSystem) has that); where the
//! value comes from (the caller makes a [`Subject`] of it).
//!
//! Invariants: a rule has at least one test; checking it changes nothing, takes time linear in the value's text, and
//! allocates nothing when it passes.

mod allowed;
mod condition;
mod definition;
mod expression;
mod grammar;
mod number;
mod subject;

pub use number::Number;
pub use subject::Subject;

pub(crate) use condition::Condition;
pub(crate) use expression::Budget;
pub(crate) use grammar::{Side, rule};

use std::borrow::Cow;
use std::sync::Arc;

use theus_value::Path;

use crate::Level;

/// What one argument or one path of the pending state must be. Comes from a [`Book`](crate::Book).
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub(crate) key: Arc<str>,
    pub(crate) field: Arc<str>,
    pub(crate) path: Path,
    pub(crate) level: Option<Level>,
    pub(crate) threshold_max: Option<u64>,
    pub(crate) message: Option<Arc<str>>,
    pub(crate) condition: Condition,
}

/// What a rule says of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check<'a> {
    /// There is nothing to look at.
    Skipped,
    /// No test failed; a test that is for another kind of value does not, save `in`.
    Passed,
    /// A test failed, and this is the message.
    Failed(Cow<'a, str>),
}

impl Rule {
    /// The name under which failures are counted: `process:input:field` or `process:output:path`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The argument's name, or the path as the recipe writes it.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The field as a path. An argument's name is one segment.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The rule's own level, which beats the recipe's.
    pub fn level(&self) -> Option<Level> {
        self.level
    }

    /// The rule's own threshold, which beats the recipe's.
    pub fn threshold_max(&self) -> Option<u64> {
        self.threshold_max
    }

    /// Tests `subject`.
    ///
    /// The message is that of the first failing test among min, max, eq and neq; a failing length has precedence over
    /// it, then the regex, then the list of what is allowed. The rule's own `message` replaces any.
    ///
    /// ```
    /// use theus_audit::{Book, Check, Leniency, Number, Subject};
    ///
    /// let text = "process_recipes: {greet: {inputs: [{field: age, min: 18}]}}";
    /// let (book, _) = Book::parse(text, "recipe.yaml", Leniency::Strict)?;
    /// let rule = &book.processes["greet"].inputs[0];
    /// assert_eq!(rule.check(&Subject::Number(Number::Int(18))), Check::Passed);
    /// assert_eq!(rule.check(&Subject::Absent), Check::Skipped);
    /// let failed = rule.check(&Subject::Number(Number::Float(17.5)));
    /// assert_eq!(failed, Check::Failed("age is 17.5; it must be at least 18".into()));
    /// # Ok::<(), theus_audit::RecipeError>(())
    /// ```
    pub fn check(&self, subject: &Subject<'_>) -> Check<'_> {
        if *subject == Subject::Absent {
            return Check::Skipped;
        }
        match self.condition.failure(subject) {
            None => Check::Passed,
            Some(failure) => Check::Failed(match &self.message {
                Some(message) => Cow::Borrowed(message),
                None => Cow::Owned(failure.message(&self.field, subject)),
            }),
        }
    }
}
