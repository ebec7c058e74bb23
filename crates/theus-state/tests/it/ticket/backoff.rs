//! How long the waits are.

use proptest::prelude::*;
use std::time::Duration;
use theus_state::{Backoff, MAX_RETRIES};

proptest! {
    #[test]
    fn the_nth_wait_is_two_ms_doubled_and_jittered(seed in any::<u64>(), n in 1u32..=MAX_RETRIES) {
        let middle = Duration::from_millis(2 << (n - 1));
        let wait = Backoff::new(seed).wait(n);
        prop_assert!(wait >= middle.mul_f64(0.799) && wait <= middle.mul_f64(1.201), "{:?}", wait);
    }

    #[test]
    fn no_number_of_conflicts_overflows(seed in any::<u64>(), n in any::<u32>()) {
        prop_assert!(Backoff::with_base(seed, Duration::MAX).wait(0) > Duration::ZERO);
        prop_assert!(Backoff::new(seed).wait(n) >= Backoff::new(seed).wait(1).mul_f64(0.9));
    }
}

#[test]
fn rivals_with_different_seeds_wait_differently() {
    let mut waits: Vec<Duration> = (0..100).map(|seed| Backoff::new(seed).wait(1)).collect();
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 90);
    let mut one = Backoff::new(1);
    assert_ne!(one.wait(1), one.wait(1));
}

#[test]
fn a_uniform_wait_lies_anywhere_below_its_doubled_bound_and_below_a_second() {
    let mut backoff = Backoff::new(3);
    for k in [0, 1, 2, 3, 5, 6, 40, u32::MAX] {
        let bound = Duration::from_millis(1000.min(50 << k.saturating_sub(1).min(10)));
        let waits: Vec<Duration> = (0..400).map(|_| backoff.uniform(k)).collect();
        assert!(waits.iter().all(|wait| *wait <= bound), "{k}");
        assert!(
            waits.iter().any(|wait| *wait < bound / 10) && waits.iter().any(|wait| *wait > bound * 9 / 10)
        );
    }
}
