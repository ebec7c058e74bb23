//! Attempts in the calling thread: settled, refused, retried, dropped; each leaves exactly one record.

use crate::stage::{contract, engine, int, mapping, outcomes, path, process, records, tuple};
use std::time::Duration;
use theus::{
    Attempt, Contract, Engine, Isolation, Outcome, Process, Refusal, Returned, StateUpdate, Update, Value,
    Violation,
};

fn value(value: Value) -> Returned {
    Returned::Value(value)
}

fn update(text: &str, new: i64, assert_version: Option<u64>) -> Returned {
    let mut update = Update::new();
    update.set(path(text), int(new));
    Returned::Update(StateUpdate { update, assert_version })
}

fn count(engine: &Engine) -> Option<Value> {
    engine.snapshot().get(&path("domain.count")).cloned()
}

/// Somebody else's commit.
fn meanwhile(engine: &Engine, text: &str, new: i64) {
    let mut update = Update::new();
    update.set(path(text), int(new));
    engine.compare_and_swap(engine.snapshot().version(), update).unwrap();
}

#[test]
fn a_settled_attempt_makes_one_version_and_one_record() {
    let engine = engine();
    let add = process("add", &["domain.count"]);
    let mut attempt = engine.begin(&add).unwrap();
    assert_eq!((attempt.number(), attempt.snapshot().version()), (1, 1));
    assert_eq!(attempt.settle(value(int(7)), Vec::new()).unwrap(), 2);
    assert_eq!(count(&engine), Some(int(7)));
    drop(attempt);
    let found = records(&engine);
    assert_eq!(found.len(), 1);
    assert_eq!((&*found[0].process, found[0].attempt, found[0].version), ("add", 1, Some(2)));
    assert_eq!(found[0].paths[0].path, "domain.count");
    // Nothing written is a version too.
    let mut attempt = engine.begin(&process("look", &[])).unwrap();
    assert_eq!(attempt.settle(value(int(1)), Vec::new()).unwrap(), 3);
}

#[test]
fn an_attempt_ends_once() {
    let engine = engine();
    let add = process("add", &["domain.count"]);
    let mut attempt = engine.begin(&add).unwrap();
    attempt.settle(value(int(1)), Vec::new()).unwrap();
    let again = attempt.settle(value(int(2)), Vec::new()).unwrap_err();
    assert!(matches!(again, Refusal::Violation(Violation::Ended { attempt: 1, .. })), "{again}");
    attempt.abandon(Outcome::Failed, "too late".into());
    assert_eq!((count(&engine), outcomes(&engine)), (Some(int(1)), vec!["committed"]));
    let mut abandoned = engine.begin(&add).unwrap();
    abandoned.abandon(Outcome::Failed, "boom".into());
    assert!(abandoned.settle(value(int(3)), Vec::new()).is_err());
    drop(abandoned);
    assert_eq!(outcomes(&engine), ["committed", "failed"]);
    assert_eq!(records(&engine)[1].error.as_deref(), Some("boom"));
}

#[test]
fn a_dropped_attempt_counts_as_cancelled() {
    let engine = engine();
    drop(engine.begin(&process("add", &[])).unwrap());
    let mut attempt = engine.begin(&process("add", &[])).unwrap();
    attempt.again();
    attempt.settle(value(int(1)), Vec::new()).unwrap();
    assert_eq!(outcomes(&engine), ["cancelled", "cancelled", "committed"]);
    assert_eq!(records(&engine)[2].attempt, 2);
}

#[test]
fn what_breaks_the_contract_or_does_not_fit_changes_nothing() {
    let engine = engine();
    let pair = process("pair", &["domain.a", "domain.b"]);
    let deep = (0..200).fold(int(1), |inner, _| tuple([inner]));
    let root = Process::new("pair", Contract { parallel: true, ..contract(&[], &["data"]) });
    let rows = [
        (&pair, value(int(1)), "contract"),
        (&pair, update("domain.count", 1, None), "contract"),
        (&pair, value(tuple([deep, Value::Null])), "contract"),
        (&root, update("domain.count.below", 1, None), "failed"),
    ];
    for (number, (process, returned, outcome)) in rows.into_iter().enumerate() {
        let mut attempt = engine.begin(process).unwrap();
        let refused = attempt.settle(returned, Vec::new()).unwrap_err();
        drop(attempt);
        assert_eq!(outcomes(&engine)[number..], [outcome]);
        assert_eq!(records(&engine)[number].error, Some(refused.to_string()));
        assert_eq!((engine.snapshot().version(), count(&engine)), (1, Some(int(0))));
    }
}

/// Meets a conflict in each body until no retry is granted; the waits.
fn lose(attempt: &mut Attempt) -> Vec<Duration> {
    let mut waits = Vec::new();
    while let Some(wait) = attempt.conflicted("its own compare-and-swap".into()) {
        waits.push(wait);
        attempt.again();
    }
    waits
}

#[test]
fn conflicts_are_retried_a_bounded_number_of_times_with_growing_waits() {
    let engine = engine();
    let add = process("add", &["domain.count"]);
    for extra in [0, 3] {
        let mut attempt = engine.begin(&add).unwrap();
        attempt.allow_retries(extra);
        let waits = lose(&mut attempt);
        assert_eq!(waits.len(), 5 + 1 + extra as usize);
        for (number, wait) in waits.iter().take(5).enumerate() {
            let base = Duration::from_millis(2 << number);
            assert!(*wait >= base.mul_f64(0.79) && *wait <= base.mul_f64(1.21), "{number}: {wait:?}");
        }
        assert_eq!(waits[5], Duration::from_millis(1), "the one with the ticket");
        for (number, wait) in waits[6..].iter().enumerate() {
            assert!(*wait <= Duration::from_millis(50 << number), "{number}: {wait:?}");
        }
    }
    let added: Vec<u32> = records(&engine)
        .iter()
        .filter(|record| &*record.process == "add")
        .map(|record| record.attempt)
        .collect();
    assert_eq!(added, [1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    meanwhile(&engine, "domain.count", 1);
}

#[test]
fn an_attempt_after_a_conflict_sees_the_new_state_and_commits() {
    let engine = engine();
    let mut attempt = engine.begin(&process("add", &["domain.count"])).unwrap();
    meanwhile(&engine, "domain.count", 5);
    assert_eq!(attempt.snapshot().get(&path("domain.count")), Some(&int(0)), "a snapshot never changes");
    assert!(attempt.settle(value(int(1)), Vec::new()).is_err());
    attempt.again();
    assert_eq!(attempt.snapshot().get(&path("domain.count")), Some(&int(5)));
    assert_eq!(attempt.settle(value(int(6)), Vec::new()).unwrap(), 3);
    assert_eq!(outcomes(&engine), ["committed", "conflict", "committed"]);
    assert_eq!(records(&engine)[2].base_version, 2);
}

#[test]
fn an_attempt_that_outlives_the_write_limit_commits_nothing() {
    let engine = Engine::builder().write_limit(Duration::ZERO).build();
    let mut attempt = engine.begin(&process("slow", &["domain.count"])).unwrap();
    std::thread::sleep(Duration::from_millis(1));
    let refused = attempt.settle(value(int(1)), Vec::new()).unwrap_err();
    assert!(
        matches!(refused, Refusal::TimedOut { .. }) && refused.to_string().contains("timed out"),
        "{refused}"
    );
    assert_eq!((engine.snapshot().version(), outcomes(&engine)), (0, vec!["timeout"]));
    // A process that was granted more time has it.
    let patient = Contract { timeout: Some(Duration::from_secs(60)), ..contract(&[], &["domain.count"]) };
    let mut attempt = engine.begin(&Process::new("patient", patient)).unwrap();
    std::thread::sleep(Duration::from_millis(1));
    assert_eq!(attempt.settle(value(int(1)), Vec::new()).unwrap(), 1);
}

#[test]
fn an_asserted_version_is_exact_and_never_retried() {
    let engine = engine();
    let add = process("add", &["domain.count"]);
    let settle = |asserted: u64, between: &[&str]| {
        let mut attempt = engine.begin(&add).unwrap();
        between.iter().for_each(|text| meanwhile(&engine, text, 1));
        attempt.settle(update("domain.count", 9, Some(asserted)), Vec::new())
    };
    let refused = |result: Result<u64, Refusal>| match result {
        Err(Refusal::Conflict { retry, .. }) => assert_eq!(retry, None),
        other => panic!("{other:?}"),
    };
    assert_eq!(settle(1, &[]).unwrap(), 2);
    refused(settle(1, &[]));
    refused(settle(3, &[]));
    refused(settle(2, &["domain.other"]));
    assert_eq!(engine.snapshot().version(), 3);
    // A version that was not read may be asserted, but what was read must still stand there.
    assert_eq!(settle(4, &["domain.other"]).unwrap(), 5);
    refused(settle(6, &["domain.count"]));
    assert_eq!(count(&engine), Some(int(1)), "no update is lost");
}

#[test]
fn reads_count_in_the_serializable_mode_only() {
    for (isolation, expected) in [(Isolation::Smart, true), (Isolation::Serializable, false)] {
        let engine = engine();
        engine.set_isolation(isolation);
        let mut attempt = engine.begin(&process("copy", &["domain.copy"])).unwrap();
        // The mode is the one that the attempt began with.
        engine.set_isolation(Isolation::Smart);
        meanwhile(&engine, "domain.count", 5);
        let settled = attempt.settle(value(int(0)), vec![path("domain.count")]);
        assert_eq!(settled.is_ok(), expected);
    }
    let engine = engine();
    engine.set_isolation(Isolation::Serializable);
    let mut attempt = engine.begin(&process("list", &["sum"])).unwrap();
    meanwhile(&engine, "domain.new", 5);
    let refused = attempt.settle(value(int(0)), vec![path("domain")]).unwrap_err();
    assert_eq!(refused.path().as_deref(), Some("domain"), "a new key changes a listing");
}

#[test]
fn nothing_begins_after_shutdown() {
    let engine = engine();
    let mut running = engine.begin(&process("add", &["domain.count"])).unwrap();
    engine.shutdown(Duration::ZERO);
    engine.clone().shutdown(Duration::ZERO);
    let refused = engine.begin(&process("add", &[])).map(drop).unwrap_err();
    assert_eq!(refused.to_string(), "the engine is shut down and takes no more work");
    assert!(running.settle(value(int(1)), Vec::new()).is_ok(), "what runs may end");
    assert!(engine.pool_stats().is_none() && !engine.has_pool());
    assert_eq!(outcomes(&engine), ["committed"]);
}

#[test]
fn a_mapping_result_replaces_its_path() {
    let engine = engine();
    meanwhile(&engine, "domain.user.name", 1);
    let mut attempt = engine.begin(&process("user", &["domain.user"])).unwrap();
    attempt.settle(value(mapping([("age", int(2))])), Vec::new()).unwrap();
    assert_eq!(engine.snapshot().get(&path("domain.user")), Some(&mapping([("age", int(2))])));
}
