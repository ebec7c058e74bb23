//! Failures of processes: under which keys they count, what they lead to, and what resets them.

use crate::stage::{contract, int, map, mapping, outcomes, path, process, records, tuple};
use crate::worker::launch;
use std::sync::Arc;
use theus::{
    AuditRecipe, AuditSystem, Book, Contract, Engine, Function, Level, Outcome, Process, Refusal, RemoteTask,
    Returned, TaskError, Update, Value,
};
use theus_testkit::crash::PATIENCE;

fn engine(recipe: AuditRecipe) -> Engine {
    let initial = map([("domain", mapping([("count", int(0))]))]);
    let builder = Engine::builder().initial(initial).heap_bytes(16 << 20).pool_size(1).launch(launch());
    builder.rules(Book::of_recipe(recipe)).unwrap().build()
}

fn recipe(level: Level, threshold_max: u64) -> AuditRecipe {
    AuditRecipe { level, threshold_max, ..AuditRecipe::default() }
}

fn system(engine: &Engine) -> &AuditSystem {
    engine.audit().system().unwrap()
}

#[test]
fn a_body_that_fails_counts_and_in_the_end_blocks() {
    let engine = engine(recipe(Level::Block, 1));
    let fail =
        || engine.begin(&process("p", &["domain.count"])).unwrap().abandon(Outcome::Failed, "boom".into());
    assert_eq!(fail(), None);
    let refused = fail().unwrap();
    assert_eq!((refused.level, &*refused.key, refused.count), (Level::Block, "p", 2));
    assert_eq!(
        system(&engine).get_logs().iter().map(|entry| &*entry.message).collect::<Vec<_>>(),
        ["boom", "boom"]
    );
    assert_eq!(outcomes(&engine), ["failed", "failed"]);
    // A success forgets them.
    let mut attempt = engine.begin(&process("p", &["domain.count"])).unwrap();
    attempt.settle(Returned::Value(int(1)), Vec::new()).unwrap();
    assert_eq!(system(&engine).get_count("p"), 0);
    assert_eq!(fail(), None);
}

#[test]
fn below_the_threshold_a_failure_warns() {
    let engine = engine(AuditRecipe { threshold_min: 1, ..recipe(Level::Block, 2) });
    let mut attempt = engine.begin(&process("p", &[])).unwrap();
    attempt.abandon(Outcome::Failed, "boom".into());
    let warnings = attempt.take_warnings();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains('p'), "{warnings:?}");
    assert!(attempt.take_warnings().is_empty());
}

#[test]
fn a_violation_of_the_contract_stays_one_at_any_level() {
    for level in [Level::Stop, Level::Abort, Level::Block, Level::Count, Level::Ignore] {
        let engine = engine(recipe(level, 0));
        let mut attempt = engine.begin(&process("p", &["domain.a", "domain.b"])).unwrap();
        let refused = attempt.settle(Returned::Value(int(1)), Vec::new()).unwrap_err();
        assert!(matches!(refused, Refusal::Violation(_)), "{level}: {refused:?}");
        assert_eq!(system(&engine).get_count("p"), u64::from(level != Level::Ignore));
        assert_eq!(outcomes(&engine), ["contract"]);
    }
}

#[test]
fn what_does_not_fit_the_state_is_the_cause_of_the_refusal() {
    let engine = engine(recipe(Level::Abort, 0));
    let mut update = Update::new();
    update.set(path("domain.count.below.a.number"), int(1));
    let update = theus::StateUpdate { update, assert_version: None };
    let mut attempt = engine.begin(&process("p", &["domain"])).unwrap();
    match attempt.settle(Returned::Update(update), Vec::new()).unwrap_err() {
        Refusal::Blocked { process, error, cause } => {
            assert_eq!((&*process, error.level), ("p", Level::Abort));
            assert!(matches!(*cause, Refusal::Apply { .. }), "{cause:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(outcomes(&engine), ["failed"]);
}

#[test]
fn conflicts_and_cancelled_calls_count_for_nothing() {
    let engine = engine(recipe(Level::Stop, 0));
    let add = process("p", &["domain.count"]);
    let mut attempt = engine.begin(&add).unwrap();
    let mut meanwhile = Update::new();
    meanwhile.set(path("domain.count"), int(9));
    engine.compare_and_swap(1, meanwhile).unwrap();
    assert!(matches!(attempt.settle(Returned::Value(int(1)), Vec::new()), Err(Refusal::Conflict { .. })));
    drop(engine.begin(&add).unwrap());
    assert_eq!(outcomes(&engine), ["committed", "conflict", "cancelled"]);
    let hashed: Vec<bool> = records(&engine).iter().map(|record| record.update.is_some()).collect();
    assert_eq!(hashed, [true, true, false], "what was tried is hashed, also where it was refused");
    assert_eq!(system(&engine).get_count_all(), 0);
}

fn run(engine: &Engine, what: &str, crash_retries: u32) -> Arc<theus::TaskOutput> {
    let contract = contract(&["domain.count"], &["domain.count"]);
    let process = Process::new("p", Contract { parallel: true, crash_retries, ..contract });
    let function = Arc::new(Function { id: engine.new_function_id(), definition: Vec::new() });
    let task = RemoteTask::new(engine, &process, function, tuple([Value::from(what)]), mapping([]));
    engine.submit(task, None).unwrap().wait(Some(PATIENCE)).unwrap()
}

#[test]
fn a_workers_failures_count_under_a_key_of_their_own_besides() {
    let engine = engine(recipe(Level::Count, 0));
    assert!(run(&engine, "die", 1).is_err());
    // Both lost attempts, and one call.
    assert_eq!((system(&engine).get_count("p:worker"), system(&engine).get_count("p")), (2, 1));
    assert!(run(&engine, "garble", 0).is_err());
    assert_eq!((system(&engine).get_count("p:worker"), system(&engine).get_count("p")), (3, 2));
    assert!(run(&engine, "add", 0).is_ok());
    assert_eq!((system(&engine).get_count("p:worker"), system(&engine).get_count("p")), (0, 0));
    assert_eq!(outcomes(&engine), ["crashed", "crashed", "failed", "committed"]);
    engine.shutdown(PATIENCE);
}

#[test]
fn a_lost_worker_may_block_before_its_retries_are_used_up() {
    let engine = engine(recipe(Level::Abort, 0));
    match &*run(&engine, "die", 5) {
        Err(TaskError::Blocked { error, cause, .. }) => {
            assert_eq!((&*error.key, error.level), ("p:worker", Level::Abort));
            assert!(matches!(**cause, TaskError::Crashed { .. }), "{cause:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(outcomes(&engine), ["crashed"]);
    engine.shutdown(PATIENCE);
}

#[test]
fn a_completion_that_is_refused_leaves_a_record_of_its_own() {
    let engine = engine(recipe(Level::Stop, 0));
    assert!(run(&engine, "add", 0).is_ok());
    assert!(run(&engine, "late", 0).is_ok());
    assert_eq!(engine.snapshot().get(&path("domain.count")), Some(&int(7)));
    let found = records(&engine);
    let refused: Vec<_> = found.iter().filter(|record| record.outcome == Outcome::Refused).collect();
    let last = found.iter().rev().find(|record| record.outcome == Outcome::Committed).unwrap();
    assert_eq!(refused.len(), 2);
    assert_eq!((refused[0].task, refused[0].attempt), (last.task, 2));
    assert_eq!((refused[1].task, refused[1].attempt), (last.task + 1, 1));
    for record in refused {
        assert_eq!((record.worker, record.version, &*record.process), (last.worker, None, "(unknown)"));
        assert!(record.error.as_ref().unwrap().contains("which it was not running"), "{record:?}");
    }
    // It says nothing of the process, and nothing is stopped for it.
    assert_eq!(system(&engine).get_count_all(), 0);
    engine.shutdown(PATIENCE);
}

#[test]
fn engines_may_share_their_counters_on_purpose_and_do_not_otherwise() {
    let shared = Arc::new(AuditSystem::new(recipe(Level::Block, 1), 10));
    let engines: Vec<Engine> =
        (0..2).map(|_| Engine::builder().audit_system(Arc::clone(&shared)).build()).collect();
    let fail =
        |engine: &Engine| engine.begin(&process("p", &[])).unwrap().abandon(Outcome::Failed, "boom".into());
    assert_eq!(fail(&engines[0]), None);
    assert!(fail(&engines[1]).is_some());
    let own: Vec<Engine> = (0..2).map(|_| engine(recipe(Level::Block, 1))).collect();
    assert_eq!((fail(&own[0]), fail(&own[1])), (None, None));
    // Without a recipe nothing is counted.
    let bare = Engine::builder().build();
    assert!(bare.audit().system().is_none());
    assert_eq!((fail(&bare), fail(&bare), fail(&bare)), (None, None, None));
    assert_eq!(outcomes(&bare), ["failed"; 3]);
}
