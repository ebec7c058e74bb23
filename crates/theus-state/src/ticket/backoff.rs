//! [`Backoff`]: how long to wait after a conflict before trying again.
//!
//! What not: it does not sleep and knows no clock; randomness comes in as a seed.
//! Invariant: the n-th wait in a row is `base * 2^(n-1)`, give or take 20 percent, and never overflows.

use std::time::Duration;

/// How often a commit is tried again before the priority ticket's turn comes.
pub const MAX_RETRIES: u32 = 5;

const BASE: Duration = Duration::from_millis(2);
/// The longest first wait of [`Backoff::uniform`], and the longest of all.
const UNIFORM_BASE: Duration = Duration::from_millis(50);
const UNIFORM_MOST: Duration = Duration::from_secs(1);
/// Doubling stops here (about half an hour), far above any number of retries that is used.
const MAX_DOUBLINGS: u32 = 20;

/// Exponential back-off with jitter, so that rivals that collided once do not collide in step.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    state: u64,
}

impl Backoff {
    /// Waits from 2 ms on. Different seeds give different jitter.
    pub fn new(seed: u64) -> Self {
        Self::with_base(seed, BASE)
    }

    /// Waits from `base` on.
    pub fn with_base(seed: u64, base: Duration) -> Self {
        Self { base, state: seed }
    }

    /// The wait after the `n`-th conflict in a row, counted from 1 (0 counts as 1).
    ///
    /// ```
    /// use std::time::Duration;
    /// use theus_state::Backoff;
    ///
    /// let wait = Backoff::new(7).wait(3);
    /// assert!(wait >= Duration::from_micros(6_400) && wait <= Duration::from_micros(9_600));
    /// ```
    pub fn wait(&mut self, n: u32) -> Duration {
        let doublings = n.saturating_sub(1).min(MAX_DOUBLINGS);
        let jitter = 0.8 + 0.4 * self.unit();
        let seconds = self.base.as_secs_f64() * f64::from(1u32 << doublings) * jitter;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// The wait before the `k`-th retry, counted from 1 (0 counts as 1), as a uniformly random part of
    /// `min(1000, 50 * 2^(k-1))` milliseconds: for retries after failures other than conflicts.
    ///
    /// ```
    /// use std::time::Duration;
    /// use theus_state::Backoff;
    ///
    /// assert!(Backoff::new(7).uniform(2) < Duration::from_millis(100));
    /// ```
    pub fn uniform(&mut self, k: u32) -> Duration {
        let doublings = k.saturating_sub(1).min(MAX_DOUBLINGS);
        UNIFORM_MOST.min(UNIFORM_BASE.saturating_mul(1 << doublings)).mul_f64(self.unit())
    }

    /// The next number in [0, 1). SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
    fn unit(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64) / (1u64 << 53) as f64
    }
}
