//! [`AuditSystem::judge`]: the rules of a call, one after the other.

use super::{AuditRefusal, AuditSystem, Verdict};
use crate::rule::Check;
use crate::{Level, Rule, Subject};

/// What the rules of a call lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The texts of the warnings, in the order of the rules.
    pub warnings: Vec<String>,
    /// The refusal, if a rule refused.
    pub refused: Option<AuditRefusal>,
}

impl AuditSystem {
    /// Checks the rules in order against what `look` finds for each, and ends at the first refusal.
    ///
    /// A failing rule leaves one log entry "VIOLATION: message" and counts as [`AuditSystem::log_fail`] of its key does;
    /// a passing one counts as [`AuditSystem::log_success`]. A rule of level Ignore, by itself or by the recipe, is not
    /// looked at. No lock is held while `look` runs.
    ///
    /// ```
    /// use theus_audit::{AuditSystem, Book, Leniency, Number, Subject};
    ///
    /// let text = "process_recipes: {greet: {inputs: [{field: age, min: 18, level: A}]}}";
    /// let (book, _) = Book::parse(text, "recipe.yaml", Leniency::Strict)?;
    /// let audit = AuditSystem::new(book.recipe, 1000);
    /// let judgement = audit.judge(&book.processes["greet"].inputs, |rule| match rule.field() {
    ///     "age" => Subject::Number(Number::Int(17)),
    ///     _ => Subject::Absent,
    /// });
    /// let refusal = judgement.refused.expect("17 is below 18");
    /// assert_eq!(refusal.message, "Audit Aborted: greet:input:age failed: age is 17; it must be at least 18");
    /// assert_eq!(audit.get_logs()[0].message, "VIOLATION: age is 17; it must be at least 18");
    /// # Ok::<(), theus_audit::RecipeError>(())
    /// ```
    pub fn judge<'s>(&self, rules: &[Rule], mut look: impl FnMut(&Rule) -> Subject<'s>) -> Judgement {
        let mut judgement = Judgement::default();
        for rule in rules {
            if rule.level().unwrap_or(self.recipe.level) == Level::Ignore {
                continue;
            }
            match rule.check(&look(rule)) {
                Check::Skipped => {}
                Check::Passed => self.log_success(rule.key()),
                Check::Failed(words) => {
                    match self.fail(rule.key(), rule.level(), rule.threshold_max(), Some(&words)) {
                        Verdict::Pass => {}
                        Verdict::Warn(text) => judgement.warnings.push(text),
                        Verdict::Refuse(refusal) => {
                            judgement.refused = Some(refusal);
                            return judgement;
                        }
                    }
                }
            }
        }
        judgement
    }
}
