//! Loom: every interleaving of a few threads on an arena. Run with
//! `RUSTFLAGS="--cfg theus_loom" cargo test -p theus-shm --test model --release`.
//!
//! The arena is the one that ships, over memory of this process in the place of memory files. Each property is checked
//! on it, for blocks that share a segment and for blocks that have one each, and shown to fail on a twin with a planted
//! bug.
#![cfg(theus_loom)]
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod property;
mod subject;
mod twin;

use std::panic::{AssertUnwindSafe, catch_unwind};

use subject::{Own, Shared};
use twin::{ClosesLate, GrowsTwice, SplitCharge, TrimsLate, Twin};

/// Runs the model over every interleaving.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    loom::model::Builder::new().check(model);
}

/// The model must fail, and by saying `why`.
fn must_find(why: &str, model: impl Fn() + Send + Sync + 'static) {
    let panic =
        catch_unwind(AssertUnwindSafe(|| explore(model))).expect_err("the planted bug went unnoticed");
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    assert!(text.contains(why), "found something else: {text}");
}

#[test]
fn the_capacity_holds_and_nothing_is_lost() {
    explore(property::the_capacity_holds::<Shared>);
    explore(property::the_capacity_holds::<Own>);
    explore(property::the_capacity_holds::<Twin>);
}

#[test]
fn planted_charge_in_two_steps_is_found() {
    must_find("beyond the capacity", property::the_capacity_holds::<SplitCharge>);
}

#[test]
fn a_block_freed_while_the_arena_closes_takes_its_segment_with_it() {
    explore(property::closing_lets_go::<Shared>);
    explore(property::closing_lets_go::<Own>);
    explore(property::closing_lets_go::<Twin>);
}

#[test]
fn planted_segment_kept_for_a_closed_arena_is_found() {
    must_find("kept for an arena that is gone", property::closing_lets_go::<ClosesLate>);
}

#[test]
fn two_that_grow_make_one_segment() {
    explore(property::growing_is_done_once::<Shared>);
    explore(property::growing_is_done_once::<Twin>);
}

#[test]
fn planted_growth_without_a_second_look_is_found() {
    must_find("a segment too many", property::growing_is_done_once::<GrowsTwice>);
}

#[test]
fn trimming_takes_nothing_that_is_in_use() {
    explore(property::trimming_spares_blocks::<Shared>);
    explore(property::trimming_spares_blocks::<Own>);
    explore(property::trimming_spares_blocks::<Twin>);
}

#[test]
fn planted_trim_in_two_steps_is_found() {
    must_find("not counted", property::trimming_spares_blocks::<TrimsLate>);
}
