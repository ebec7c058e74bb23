//! How often each outcome occurred.

use crate::Outcome;

/// How often each outcome occurred, ever; unlike the records these are never dropped.
///
/// ```
/// use theus_audit::{Entry, Outcome, Trail};
///
/// let trail = Trail::new(0);
/// trail.append(Entry::new("thumbnail", 1, Outcome::Failed));
/// assert_eq!(trail.counts().get(Outcome::Failed), 1);
/// assert_eq!(trail.counts().total(), 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    by_code: [u64; Outcome::ALL.len()],
}

impl Counts {
    /// How many attempts ended in `outcome`.
    pub const fn get(&self, outcome: Outcome) -> u64 {
        self.by_code[outcome.code() as usize]
    }

    /// How many attempts there were.
    pub fn total(&self) -> u64 {
        self.by_code.iter().sum()
    }

    /// Every outcome with its count, zeros included, in the order of [`Outcome::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, u64)> + '_ {
        Outcome::ALL.into_iter().map(|outcome| (outcome, self.get(outcome)))
    }

    pub(crate) fn add(&mut self, outcome: Outcome) {
        self.by_code[outcome.code() as usize] += 1;
    }
}
