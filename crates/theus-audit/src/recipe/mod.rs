//! What a recipe says: the settings of an audit, and the rules of each process.
//!
//! What not: counting failures ([`AuditSystem`](crate::AuditSystem)), and what YAML is (theus-yaml).
//!
//! ```text
//! audit: {level: S|A|B|C|I, threshold_max (max_retries), threshold_min, reset_on_success, stop_latch}
//! process_recipes:
//!   NAME:
//!     inputs:  [{field: ARGUMENT, min, max, eq, neq, min_len, max_len, regex, in, level,
//!                threshold_max (max_threshold), message}]
//!     outputs: [{field: DOTTED.PATH, ...}]
//!     side_effects: [TEXT]
//!     errors: [TEXT]
//! ```
//!
//! Without `audit` the top level holds the settings. A key whose value is null counts as absent.

mod book;
mod grammar;
mod load;
mod remark;
mod remarks;

pub use book::{Book, ProcessRules};
pub use load::LoadError;
pub use remark::{RecipeError, Remark};
pub use remarks::Leniency;

pub(crate) use grammar::LONGEST_NAME;
pub(crate) use remarks::Remarks;

use crate::Level;

/// The settings of an audit. Plain data.
///
/// ```
/// use theus_audit::{AuditRecipe, Level};
///
/// let recipe = AuditRecipe { level: Level::Stop, ..AuditRecipe::default() };
/// assert_eq!((recipe.threshold_max, recipe.reset_on_success), (3, true));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditRecipe {
    /// What a failure leads to where a rule does not say.
    pub level: Level,
    /// How many failures of one key [`Level::Block`] lets pass.
    pub threshold_max: u64,
    /// From how many failures on a warning is given; 0 for none.
    pub threshold_min: u64,
    /// Whether a success sets the count of its key to 0.
    pub reset_on_success: bool,
    /// Whether a refusal of [`Level::Stop`] stays until [`AuditSystem::reset`](crate::AuditSystem::reset).
    pub stop_latch: bool,
}

impl Default for AuditRecipe {
    /// Block above 3 failures, no warnings, reset on success, no latch.
    fn default() -> Self {
        AuditRecipe {
            level: Level::Block,
            threshold_max: 3,
            threshold_min: 0,
            reset_on_success: true,
            stop_latch: false,
        }
    }
}
