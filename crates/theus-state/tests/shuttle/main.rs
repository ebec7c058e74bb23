//! Shuttle: many random schedules of eight threads, larger than loom can go through. Run with
//! `RUSTFLAGS="--cfg theus_shuttle" cargo test -p theus-state --test shuttle --release`.
//!
//! Half of the schedules are random, half follow PCT (Burckhardt and others, ASPLOS 2010) with depth 3. The variable
//! `THEUS_SCHEDULES` says how many each scenario gets. Each is run on the store and shown to fail on a twin with a
//! planted bug; the twins are those of the loom models.
#![cfg(theus_shuttle)]
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

#[path = "../model/counter.rs"]
mod counter;
#[path = "../model/feed.rs"]
#[expect(dead_code, reason = "the models use more of it")]
mod feed;
#[path = "../model/gate.rs"]
#[expect(dead_code, reason = "the models use more of it")]
mod gate;
#[path = "../model/planted.rs"]
mod planted;
mod scenario;
#[path = "../model/subject.rs"]
#[allow(dead_code, reason = "the models use more of it; an expectation would count its types as used")]
mod subject;

use feed::{FORGETFUL, LATE};
use gate::{EARLY, GHOSTS};
use scenario::{committers, line, observers};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, Runner};
use theus_state::Store;

/// Schedules of each scenario where the variable is not set.
const SCHEDULES: usize = 4_000;
/// How deep the bugs may hide that PCT looks for.
const DEPTH: usize = 3;

fn schedules() -> usize {
    std::env::var("THEUS_SCHEDULES").map_or(SCHEDULES, |text| text.parse().unwrap())
}

fn config(failures: FailurePersistence) -> Config {
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    config.failure_persistence = failures;
    config
}

/// Runs both halves; a failing schedule is printed, to be replayed with `shuttle::replay`.
fn explore(scenario: fn()) {
    let half = schedules().div_ceil(2);
    Runner::new(RandomScheduler::new(half), config(FailurePersistence::Print)).run(scenario);
    Runner::new(PctScheduler::new(DEPTH, half), config(FailurePersistence::Print)).run(scenario);
}

/// Both halves must fail on their own, and by saying `why`. The seeds are fixed, so that they always do.
fn must_find(why: &str, scenario: fn()) {
    fails(why, RandomScheduler::new_from_seed(1, SCHEDULES), scenario);
    fails(why, PctScheduler::new_from_seed(1, DEPTH, SCHEDULES), scenario);
}

fn fails<S: Scheduler + 'static>(why: &str, scheduler: S, scenario: fn()) {
    let runner = Runner::new(scheduler, config(FailurePersistence::None));
    planted::must_find(why, || {
        runner.run(scenario);
    });
}

#[test]
fn eight_committers_lose_nothing() {
    explore(committers::<Store>);
}

#[test]
fn eight_in_and_out_of_line_end() {
    explore(line::<Store>);
}

#[test]
fn observers_of_many_committers_are_told_all() {
    explore(observers::<Store>);
}

#[test]
fn planted_missing_lock_is_found() {
    must_find("an update was lost", committers::<subject::Unlocked>);
}

#[test]
fn planted_early_look_is_found() {
    must_find("another committed while the ticket was held", line::<gate::Twin<EARLY>>);
}

#[test]
fn planted_ghost_is_found() {
    must_find("deadlock", line::<gate::Twin<GHOSTS>>);
}

#[test]
fn planted_telling_after_the_lock_is_found() {
    must_find("not in order", observers::<feed::Twin<LATE>>);
}

#[test]
fn planted_uncounted_loss_is_found() {
    must_find("the events and those missed are not all", observers::<feed::Twin<FORGETFUL>>);
}
