//! Chance that can be repeated: the seed of a run, its numbers, and how many rounds it has.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).

use std::env;
use std::process::id;
use std::time::{SystemTime, UNIX_EPOCH};

/// Overrides the number of rounds of the kill tests.
const ROUNDS: &str = "THEUS_KILLS";
/// Repeats a run: the number that a failed one has named.
const SEED: &str = "THEUS_KILL_SEED";

/// How many rounds a kill test has: THEUS_KILLS, or else `usual`.
pub fn rounds(usual: u64) -> u64 {
    env::var(ROUNDS).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A source of numbers that follow from its seed.
#[derive(Debug, Clone)]
pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Dice { seed, state: seed }
    }

    /// Those of THEUS_KILL_SEED, or of a seed that nobody has foreseen. Print the seed when a test fails.
    pub fn of_this_run() -> Self {
        let given = env::var(SEED).ok().and_then(|text| text.parse().ok());
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros() as u64);
        Dice::new(given.unwrap_or_else(|| now() ^ (u64::from(id()) << 40)))
    }

    /// What repeats it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// The next number, from 0 to `end` exclusive (and 0 when that is empty).
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll().checked_rem(end).unwrap_or(0)
    }

    /// One of these.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.below(choices.len() as u64)).unwrap_or(0)]
    }
}
