//! Thresholds, resets and the latch against a plain model: a list of all that ever happened.

use proptest::prelude::*;
use theus_audit::{AuditRecipe, AuditSystem, Level, Verdict};

const KEYS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Fail { key: usize, level: Option<Level>, threshold_max: Option<u64> },
    Success { key: usize },
    Log { key: usize },
    Reset,
}

/// A verdict without its words.
#[derive(Clone, Debug, PartialEq)]
enum Course {
    Pass,
    Warn,
    Refuse { level: Level, key: String, count: u64, threshold: u64 },
}

fn course(verdict: Verdict) -> Course {
    match verdict {
        Verdict::Pass => Course::Pass,
        Verdict::Warn(_) => Course::Warn,
        Verdict::Refuse(refusal) => Course::Refuse {
            level: refusal.level,
            key: refusal.key,
            count: refusal.count,
            threshold: refusal.threshold,
        },
    }
}

/// What can be wrong with a system; each must be found.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    None,
    BlocksAtTheThreshold,
    WarnsOnlyAtTheMinimum,
    SuccessForgetsAll,
    SuccessForgetsAlways,
    IgnoreCounts,
    LatchKeepsTheLast,
    ResetKeepsTheLatch,
    CountRefuses,
    StopIsNotCounted,
}

/// All that happened since the last reset, asked anew for every answer.
struct Model {
    recipe: AuditRecipe,
    bug: Bug,
    happened: Vec<Step>,
    latched: Option<Course>,
    logged: u64,
}

impl Model {
    fn level(&self, level: Option<Level>) -> Level {
        level.unwrap_or(self.recipe.level)
    }

    fn count(&self, key: usize) -> u64 {
        let resets = |step: &Step| match step {
            Step::Success { key: other } => {
                let forgets = self.recipe.reset_on_success || self.bug == Bug::SuccessForgetsAlways;
                forgets && (*other == key || self.bug == Bug::SuccessForgetsAll)
            }
            _ => false,
        };
        let counts = |step: &Step| match step {
            Step::Fail { key: other, level, .. } => {
                let level = self.level(*level);
                let ignored = level == Level::Ignore && self.bug != Bug::IgnoreCounts;
                let missed = level == Level::Stop && self.bug == Bug::StopIsNotCounted;
                *other == key && !ignored && !missed
            }
            _ => false,
        };
        self.happened.iter().rev().take_while(|step| !resets(step)).filter(|step| counts(step)).count() as u64
    }

    fn take(&mut self, step: &Step) -> Option<Course> {
        self.happened.push(step.clone());
        match step {
            Step::Fail { key, level, threshold_max } => Some(self.fail(*key, *level, *threshold_max)),
            Step::Success { .. } => None,
            Step::Log { .. } => {
                self.logged += 1;
                None
            }
            Step::Reset => {
                self.happened.clear();
                if self.bug != Bug::ResetKeepsTheLatch {
                    self.latched = None;
                }
                None
            }
        }
    }

    fn fail(&mut self, key: usize, level: Option<Level>, threshold_max: Option<u64>) -> Course {
        let (level, count) = (self.level(level), self.count(key));
        let threshold = threshold_max.unwrap_or(self.recipe.threshold_max);
        let refusal = Course::Refuse { level, key: KEYS[key].to_owned(), count, threshold };
        let above = count > threshold || self.bug == Bug::BlocksAtTheThreshold && count == threshold;
        let min = self.recipe.threshold_min;
        let warns = if self.bug == Bug::WarnsOnlyAtTheMinimum { count == min } else { count >= min };
        match level {
            Level::Ignore => Course::Pass,
            Level::Stop => {
                if self.recipe.stop_latch && (self.latched.is_none() || self.bug == Bug::LatchKeepsTheLast) {
                    self.latched = Some(refusal.clone());
                }
                refusal
            }
            Level::Abort => refusal,
            Level::Block if above => refusal,
            Level::Count if above && self.bug == Bug::CountRefuses => refusal,
            Level::Block | Level::Count if min > 0 && warns && count <= threshold => Course::Warn,
            Level::Block | Level::Count => Course::Pass,
        }
    }
}

/// Runs the steps on a system and on the model; the first difference in words.
fn difference(recipe: AuditRecipe, steps: &[Step], bug: Bug) -> Option<String> {
    let audit = AuditSystem::new(recipe, 4);
    let mut model = Model { recipe, bug, happened: Vec::new(), latched: None, logged: 0 };
    for (at, step) in steps.iter().enumerate() {
        let said = match step {
            Step::Fail { key, level, threshold_max } => {
                Some(course(audit.log_fail(KEYS[*key], *level, *threshold_max)))
            }
            Step::Success { key } => {
                audit.log_success(KEYS[*key]);
                None
            }
            Step::Log { key } => {
                audit.log(KEYS[*key], "entry");
                None
            }
            Step::Reset => {
                audit.reset();
                None
            }
        };
        let expected = model.take(step);
        let counts = (0..KEYS.len()).all(|key| audit.get_count(KEYS[key]) == model.count(key));
        let latched = audit.stopped().map(|refusal| course(Verdict::Refuse(refusal)));
        let log =
            (audit.get_count_all(), audit.ring_buffer_len() as u64) == (model.logged, model.logged.min(4));
        if said != expected || !counts || latched != model.latched || !log {
            return Some(format!("step {at} {step:?}: {said:?}, not {expected:?}; {latched:?}"));
        }
    }
    None
}

fn recipe() -> impl Strategy<Value = AuditRecipe> {
    (0..Level::ALL.len(), 0..4u64, 0..4u64, any::<bool>(), any::<bool>()).prop_map(
        |(level, threshold_max, threshold_min, reset_on_success, stop_latch)| AuditRecipe {
            level: Level::ALL[level],
            threshold_max,
            threshold_min,
            reset_on_success,
            stop_latch,
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let level = proptest::option::of((0..Level::ALL.len()).prop_map(|at| Level::ALL[at]));
    let fail = (0..KEYS.len(), level, proptest::option::of(0..4u64))
        .prop_map(|(key, level, threshold_max)| Step::Fail { key, level, threshold_max });
    let success = (0..KEYS.len()).prop_map(|key| Step::Success { key });
    let log = (0..KEYS.len()).prop_map(|key| Step::Log { key });
    proptest::collection::vec(prop_oneof![8 => fail, 2 => success, 1 => log, 1 => Just(Step::Reset)], 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_system_does_what_a_list_of_all_that_happened_says(recipe in recipe(), steps in steps()) {
        prop_assert_eq!(difference(recipe, &steps, Bug::None), None);
    }
}

/// Each way of being wrong is found by the same comparison within as many cases.
#[test]
fn planted_bugs_are_found() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let bugs = [
        Bug::BlocksAtTheThreshold,
        Bug::WarnsOnlyAtTheMinimum,
        Bug::SuccessForgetsAll,
        Bug::SuccessForgetsAlways,
        Bug::IgnoreCounts,
        Bug::LatchKeepsTheLast,
        Bug::ResetKeepsTheLatch,
        Bug::CountRefuses,
        Bug::StopIsNotCounted,
    ];
    for bug in bugs {
        let mut runner = TestRunner::deterministic();
        let found = (0..2_000).any(|_| {
            let recipe = recipe().new_tree(&mut runner).expect("a recipe").current();
            let steps = steps().new_tree(&mut runner).expect("steps").current();
            difference(recipe, &steps, bug).is_some()
        });
        assert!(found, "{bug:?} went unnoticed");
    }
}
