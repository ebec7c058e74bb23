//! Rules as gates: of arguments before the body, of the pending state before the commit, whatever way the values came.

use crate::stage::{int, map, mapping, outcomes, path, records, tuple};
use crate::worker::launch;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use theus::{
    AuditFault, Book, CALLER, Closed, Contract, Engine, Function, Leniency, Level, Number, Outcome, Process,
    Refusal, RemoteTask, Requester, Returned, StateUpdate, Subject, TaskError, TransactionOptions, Update,
    Value,
};
use theus_testkit::crash::PATIENCE;

/// The process of all routes has this name, so that one recipe binds them all.
const NAME: &str = "compare_and_swap";

/// An engine with a rule for `domain.count`, at most 5.
fn engine(settings: &str, rule: &str) -> Engine {
    let text = format!(
        "audit: {{{settings}}}\nprocess_recipes: {{{NAME}: {{inputs: [{{field: n, max: 5{rule}}}], outputs: [{{field: \
         data.domain_ctx.count, max: 5{rule}}}]}}}}"
    );
    let (book, notices) = Book::parse(&text, "recipe.yaml", Leniency::Strict).unwrap();
    assert!(notices.is_empty(), "{notices:?}");
    let initial = map([("domain", mapping([("count", int(0))]))]);
    let builder = Engine::builder().initial(initial).heap_bytes(16 << 20).pool_size(1).launch(launch());
    builder.rules(book).unwrap().build()
}

fn process() -> Process {
    Process::new(NAME, crate::stage::contract(&["domain.count"], &["domain.count"]))
}

fn set(count: i64) -> Update {
    let mut update = Update::new();
    update.set(path("domain.count"), int(count));
    update
}

/// A way by which a value gets into the state.
type Route = fn(&Engine, i64) -> Result<u64, Refusal>;

const ROUTES: [(&str, Route); 5] = [
    ("returned", |engine, count| {
        engine.begin(&process()).unwrap().settle(Returned::Value(int(count)), Vec::new())
    }),
    ("update", |engine, count| {
        let update = StateUpdate { update: set(count), assert_version: None };
        engine.begin(&process()).unwrap().settle(Returned::Update(update), Vec::new())
    }),
    ("update that asserts", |engine, count| {
        let update = StateUpdate { update: set(count), assert_version: Some(engine.snapshot().version()) };
        engine.begin(&process()).unwrap().settle(Returned::Update(update), Vec::new())
    }),
    ("compare and swap", |engine, count| engine.compare_and_swap(engine.snapshot().version(), set(count))),
    ("transaction", |engine, count| {
        let options = TransactionOptions { process: NAME.into(), ..TransactionOptions::default() };
        let mut transaction = engine.transaction(options).unwrap();
        transaction.update(set(count)).unwrap();
        transaction.commit()
    }),
];

fn level_of(refusal: &Refusal) -> Level {
    match refusal {
        Refusal::Audit { error: AuditFault::Rule(refused), .. } => refused.level,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_output_rule_binds_every_route_at_every_level() {
    assert_eq!(NAME, CALLER);
    // Level, threshold, and which of four violations in a row are refused.
    let cases: [(&str, [bool; 4]); 6] = [
        ("level: S", [true; 4]),
        ("level: A", [true; 4]),
        ("level: B, threshold_max: 2", [false, false, true, true]),
        ("level: B, threshold_max: 0", [true; 4]),
        ("level: C", [false; 4]),
        ("level: I", [false; 4]),
    ];
    for (route, commit) in ROUTES {
        for (settings, refused) in cases {
            // By the recipe's setting, and by the rule's own, which beats it.
            for engine in
                [engine(settings, ""), engine("level: C, threshold_max: 9", &format!(", {settings}"))]
            {
                for (round, refused) in refused.into_iter().enumerate() {
                    let before = engine.snapshot().version();
                    let count = 10 + round as i64;
                    let done = commit(&engine, count);
                    assert_eq!(done.is_err(), refused, "{route}, {settings}, round {round}: {done:?}");
                    let after = engine.snapshot();
                    let stands = after.get(&path("domain.count")) == Some(&int(count));
                    assert_eq!(
                        (after.version(), stands),
                        (before + u64::from(!refused), !refused),
                        "{route}"
                    );
                    let record = records(&engine).pop().unwrap();
                    let outcome = if refused { Outcome::Audit } else { Outcome::Committed };
                    assert_eq!((record.outcome, record.version.is_some()), (outcome, !refused), "{route}");
                    assert!(record.update.is_some(), "{route}: a record without the update's hash");
                    if let Err(refusal) = done {
                        assert_eq!(level_of(&refusal).to_string().chars().next(), settings.chars().nth(7));
                        assert!(record.error.as_ref().unwrap().contains("domain_ctx.count is"), "{record:?}");
                    }
                }
                assert_eq!(records(&engine).len(), 4, "{route}: one record for each attempt");
                assert!(commit(&engine, 5).is_ok(), "{route}: what keeps the rule passes");
                // That one has reset the counter.
                let again = commit(&engine, 10);
                assert_eq!(again.is_err(), refused[0], "{route}, {settings}");
            }
        }
    }
}

#[test]
fn an_output_rule_judges_what_a_worker_returns() {
    let engine = engine("level: A", "");
    let contract =
        Contract { parallel: true, ..crate::stage::contract(&["domain.count"], &["domain.count"]) };
    let process = Process::new(NAME, contract);
    let run = || {
        let function = Arc::new(Function { id: engine.new_function_id(), definition: Vec::new() });
        let task = RemoteTask::new(&engine, &process, function, tuple([Value::from("add")]), mapping([]));
        engine.submit(task, None).unwrap().wait(Some(PATIENCE)).unwrap()
    };
    for _ in 0..5 {
        assert!(run().is_ok());
    }
    match &*run() {
        Err(TaskError::Refused(refusal)) => assert_eq!(level_of(refusal), Level::Abort),
        other => panic!("{other:?}"),
    }
    assert_eq!(engine.snapshot().get(&path("domain.count")), Some(&int(5)));
    let record = records(&engine).pop().unwrap();
    assert_eq!(record.outcome, Outcome::Audit);
    assert!(record.worker.is_some() && record.inputs.is_some() && record.update.is_some());
    engine.shutdown(PATIENCE);
}

#[test]
fn an_input_rule_is_asked_before_the_body_and_leaves_a_record_when_it_refuses() {
    let engine = engine("level: B, threshold_max: 1, threshold_min: 1", "");
    let ask = |n: i64| {
        engine.admit(&process(), Some([7; 32]), |field| {
            assert_eq!(field, "n");
            Subject::Number(Number::Int(n.into()))
        })
    };
    assert!(ask(5).unwrap().is_empty());
    let warnings = ask(6).unwrap();
    assert!(warnings[0].contains("compare_and_swap:input:n"), "{warnings:?}");
    assert!(records(&engine).is_empty(), "a call that may go on has no record yet");
    let refused = ask(6).unwrap_err();
    assert_eq!(level_of(&refused), Level::Block);
    let record = records(&engine).pop().unwrap();
    assert_eq!((record.outcome, record.inputs, record.base_version), (Outcome::Audit, Some([7; 32]), 1));
    // An argument that keeps the rule resets its counter.
    ask(5).unwrap();
    assert!(ask(6).is_ok());
}

#[test]
fn a_latched_stop_lets_nothing_through_until_it_is_lifted() {
    let engine = engine("level: S, stop_latch: true", "");
    let mut running = engine.begin(&process()).unwrap();
    let mut transaction = engine.transaction(TransactionOptions::default()).unwrap();
    transaction.update(set(1)).unwrap();
    assert_eq!(level_of(&engine.compare_and_swap(1, set(9)).unwrap_err()), Level::Stop);
    // What is new, and what was running.
    let Err(Closed::Audit(AuditFault::Stopped(why))) = engine.begin(&process()) else { panic!("it began") };
    assert_eq!(why.key, "compare_and_swap:output:data.domain_ctx.count");
    let stopped = |refusal: Refusal| {
        assert!(matches!(refusal, Refusal::Audit { error: AuditFault::Stopped(_), .. }), "{refusal:?}");
        assert!(refusal.to_string().contains("engine.audit.reset"), "{refusal}");
    };
    stopped(running.settle(Returned::Value(int(1)), Vec::new()).unwrap_err());
    stopped(transaction.commit().unwrap_err());
    stopped(engine.compare_and_swap(1, set(1)).unwrap_err());
    assert_eq!(engine.snapshot().version(), 1);
    engine.reset_audit("looked at by hand");
    let record = records(&engine).pop().unwrap();
    assert_eq!((record.outcome, record.reason.as_deref()), (Outcome::Reset, Some("looked at by hand")));
    engine.compare_and_swap(1, set(1)).unwrap();
    assert_eq!(outcomes(&engine), ["audit", "audit", "audit", "audit", "reset", "committed"]);
}

#[test]
fn a_rule_sees_what_others_have_committed_meanwhile() {
    let text = "process_recipes: {p: {outputs: [{field: domain.other, max: 5, level: A}]}}";
    let (book, _) = Book::parse(text, "recipe.yaml", Leniency::Strict).unwrap();
    let initial = map([("domain", mapping([("count", int(0))]))]);
    let engine = Engine::builder().initial(initial).rules(book).unwrap().build();
    let process = Process::new("p", crate::stage::contract(&[], &["domain.count"]));
    let mut attempt = engine.begin(&process).unwrap();
    let mut update = Update::new();
    update.set(path("domain.other"), int(6));
    engine.compare_and_swap(1, update).unwrap();
    let refused = attempt.settle(Returned::Value(int(1)), Vec::new()).unwrap_err();
    assert_eq!(level_of(&refused), Level::Abort);
    assert_eq!(engine.snapshot().version(), 2);
}

#[test]
fn a_rule_that_looks_at_no_path_is_told_when_the_engine_is_made() {
    let text = "process_recipes: {p: {outputs: [{field: '[', max: 5}]}}";
    let refused = match Book::parse(text, "recipe.yaml", Leniency::Strict) {
        Ok((book, _)) => Engine::builder().rules(book).unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    assert!(
        refused.contains("'['") || refused.contains("\"[\"") || refused.contains("p:output:["),
        "{refused}"
    );
}

#[test]
fn records_of_commits_stand_in_the_order_of_versions() {
    let engine = Engine::builder().build();
    thread::scope(|scope| {
        for thread in 0..8 {
            let engine = &engine;
            scope.spawn(move || {
                for n in 0..200 {
                    let mut update = Update::new();
                    update.set(path(&format!("of{thread}")), int(n));
                    engine.compare_and_swap(engine.snapshot().version(), update).unwrap();
                }
            });
        }
    });
    let found = records(&engine);
    assert!(found.iter().map(|record| record.number).eq(1..=1600));
    assert!(found.iter().filter_map(|record| record.version).eq(1..=1600));
    assert!(engine.trail().verify().ok());
    let hashes: BTreeSet<_> = found.iter().map(|record| record.update).collect();
    assert_eq!(hashes.len(), 1600, "different updates have different hashes");
}

#[test]
fn what_a_body_commits_by_itself_is_held_to_the_rules_of_its_process() {
    let text = "process_recipes: {body: {outputs: [{field: domain.count, max: 5, level: A}]}}";
    let (book, _) = Book::parse(text, "recipe.yaml", Leniency::Strict).unwrap();
    let initial = map([("domain", mapping([("count", int(0))]))]);
    let engine = Engine::builder().initial(initial).rules(book).unwrap().build();
    let refused = engine.compare_and_swap_as(Some(Requester::task("body", 1)), 1, set(6)).unwrap_err();
    assert_eq!(level_of(&refused), Level::Abort);
    assert_eq!(refused.path().as_deref(), Some("domain.count"));
    assert_eq!(engine.snapshot().version(), 1);
    assert_eq!((records(&engine)[0].process.as_ref(), outcomes(&engine)), (CALLER, vec!["audit"]));
    engine.compare_and_swap_as(Some(Requester::task("body", 1)), 1, set(5)).unwrap();
    // A name that only holds a ticket is no body.
    engine.compare_and_swap_as(Some(Requester::new("body")), 2, set(6)).unwrap();
}
