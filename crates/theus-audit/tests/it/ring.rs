//! The ring at its edges.

use std::sync::Arc;

use theus_audit::{DEFAULT_CAPACITY, Entry, Filter, Outcome, Trail};

fn entry(task: u64) -> Entry {
    Entry::new("thumbnail", task, Outcome::Committed)
}

fn numbers(trail: &Trail, filter: Filter<'_>) -> Vec<u64> {
    trail.records(filter).iter().map(|record| record.number).collect()
}

#[test]
fn an_empty_trail_has_nothing() {
    let trail = Trail::default();
    assert!(trail.is_empty());
    assert_eq!(trail.capacity(), DEFAULT_CAPACITY);
    assert_eq!(trail.counts().total(), 0);
    assert!(trail.records(Filter { since: Some(0), process: None }).is_empty());
}

#[test]
fn a_full_ring_drops_the_oldest_and_keeps_the_totals() {
    let trail = Trail::new(3);
    for task in 1..=5 {
        assert_eq!(trail.append(entry(task)), task);
    }
    assert_eq!(numbers(&trail, Filter::default()), [3, 4, 5]);
    assert_eq!(trail.len(), 5);
    assert_eq!(trail.counts().get(Outcome::Committed), 5);
}

#[test]
fn without_capacity_only_the_totals_are_kept() {
    let trail = Trail::new(0);
    assert_eq!(trail.append(entry(1)), 1);
    assert_eq!(trail.append(entry(2)), 2);
    assert!(trail.records(Filter::default()).is_empty());
    assert_eq!(trail.counts().total(), 2);
}

#[test]
fn since_is_inclusive_and_may_lie_outside() {
    let trail = Trail::new(3);
    (1..=5).for_each(|task| {
        trail.append(entry(task));
    });
    let since = |since| numbers(&trail, Filter { since: Some(since), process: None });
    assert_eq!(since(0), [3, 4, 5]);
    assert_eq!(since(4), [4, 5]);
    assert_eq!(since(5), [5]);
    assert!(since(6).is_empty());
    assert!(since(u64::MAX).is_empty());
}

#[test]
fn a_reader_keeps_what_it_read() {
    let trail = Trail::new(1);
    trail.append(entry(1));
    let read = trail.records(Filter::default());
    trail.append(entry(2));
    assert_eq!(read[0].task, 1);
    assert_eq!(Arc::strong_count(&read[0]), 1);
}

#[test]
fn records_carry_the_clock_of_their_trail() {
    let trail = Trail::with_clock(1, || 12_250_000_000);
    trail.append(entry(1));
    assert_eq!(trail.records(Filter::default())[0].time, 12_250_000_000);
    let trail = Trail::new(1);
    trail.append(entry(1));
    assert!(
        trail.records(Filter::default())[0].time > 1_700_000_000_000_000_000,
        "the system's clock counts from 1970"
    );
}

#[test]
fn a_panic_under_the_lock_leaves_the_trail_usable() {
    thread_local!(static BROKEN: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });
    let trail = Trail::with_clock(2, || if BROKEN.get() { panic!("no time") } else { 1 });
    trail.append(entry(1));
    BROKEN.set(true);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| trail.append(entry(2)))).unwrap_err();
    BROKEN.set(false);
    assert_eq!(trail.append(entry(3)), 2);
    assert_eq!(numbers(&trail, Filter::default()), [1, 2]);
    assert_eq!(trail.counts().total(), 2);
}
