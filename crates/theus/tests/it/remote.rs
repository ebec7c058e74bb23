//! A task for a worker, driven by hand as the pool drives it: start, fetch, finish.

use crate::stage::{contract, engine, int, map, mapping, outcomes, path, process, records, tuple};
use std::sync::Arc;
use std::time::Duration;
use theus::{
    Contract, Engine, Function, Isolation, Process, RemoteTask, Returned, TaskError, TaskOutput, Update,
    Value, allocate, decode, encode, heavy_value, path_query,
};
use theus_pool::{Attempt, Bytes, CrashRecord, Delivery, Ending, Job, Next, Outcome};

pub(crate) fn task(engine: &Engine, process: &Process) -> RemoteTask {
    let function = Arc::new(Function { id: engine.new_function_id(), definition: Vec::new() });
    RemoteTask::new(engine, process, function, Value::Tuple([].into()), mapping([]))
}

pub(crate) fn attempt(number: u32) -> Attempt {
    Attempt { task: 1, number, worker: 4711 }
}

pub(crate) fn completed(value: &Value) -> Outcome {
    Outcome::Completed(Delivery::new(Bytes::Inline(encode(value)), Vec::new()))
}

fn fetch(task: &mut RemoteTask, text: &str) -> (i64, Value) {
    let reply = decode(&task.fetch(&path_query(&path(text))).payload).unwrap();
    let Value::Tuple(parts) = reply else { panic!("{reply:?}") };
    let [Value::Int(status), value] = &*parts else { panic!("{parts:?}") };
    (*status, value.clone())
}

fn done(next: Next<TaskOutput>) -> TaskOutput {
    match next {
        Next::Done(output) => output,
        Next::Retry(wait) => panic!("a retry after {wait:?}"),
    }
}

/// An engine with two arrays and an object in the heavy zone.
fn with_arrays(object: bool) -> Engine {
    let engine = engine();
    let mut update = Update::new();
    for name in ["a", "b"] {
        let block = allocate(engine.arena(), name, "<u1", &[4096], true).unwrap();
        update.set(path(&format!("heavy.{name}")), Value::from(heavy_value(&block, "<u1", &[4096])));
    }
    if object {
        update.set(
            path("heavy.model"),
            Value::from(theus_value::Object { codec: "pickle".into(), bytes: [1][..].into() }),
        );
    }
    engine.compare_and_swap(1, update).unwrap();
    engine
}

fn payload(task: &mut RemoteTask, number: u32) -> (Vec<Value>, usize) {
    let request = task.start(attempt(number));
    let Value::Tuple(parts) = decode(&request.payload).unwrap() else { panic!("no tuple") };
    (parts.to_vec(), request.blocks.len())
}

fn listed(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Map(map) => Some(map.keys().map(ToString::to_string).collect()),
        _ => None,
    }
}

#[test]
fn a_task_carries_its_version_and_the_arrays_it_may_read() {
    let everything = Process::new("p", Contract { parallel: true, ..Contract::default() });
    let engine = with_arrays(false);
    let (parts, blocks) = payload(&mut task(&engine, &everything), 1);
    assert_eq!((&parts[2], listed(&parts[3]), blocks), (&int(2), Some(vec!["a".into(), "b".into()]), 2));
    let some = Process::new("p", contract(&["heavy.b"], &[]));
    let (parts, blocks) = payload(&mut task(&engine, &some), 1);
    assert_eq!((listed(&parts[3]), blocks), (Some(vec!["b".into()]), 1));
    // What is not an array is not sent with every task, and what is read must be seen where reads count.
    let (parts, blocks) = payload(&mut task(&with_arrays(true), &everything), 1);
    assert_eq!((listed(&parts[3]), blocks), (None, 0));
    engine.set_isolation(Isolation::Serializable);
    let (parts, _) = payload(&mut task(&engine, &everything), 1);
    assert_eq!(listed(&parts[3]), None);
}

#[test]
fn blocks_of_arguments_travel_with_the_task() {
    let engine = with_arrays(false);
    let array = engine.snapshot().get(&path("heavy.a")).cloned().unwrap();
    let function = Arc::new(Function { id: 1, definition: Vec::new() });
    let arguments = tuple([tuple([array.clone()]), Value::from(vec![array.clone()])]);
    let none = Process::new("p", contract(&[], &[]));
    let mut task = RemoteTask::new(&engine, &none, function, arguments, mapping([("x", array)]));
    assert_eq!(task.start(attempt(1)).blocks.len(), 3);
}

#[test]
fn a_worker_gets_what_the_contract_grants_and_nothing_else() {
    let engine = engine();
    let mut update = Update::new();
    update.set(path("domain.secret"), int(1)).set(path("score"), int(2));
    engine.compare_and_swap(1, update).unwrap();
    let reader =
        Process::new("p", Contract { parallel: true, ..contract(&["domain.count", "domain.absent"], &[]) });
    let mut task = task(&engine, &reader);
    let _request = task.start(attempt(1));
    assert_eq!(fetch(&mut task, "domain.count"), (1, int(0)));
    assert_eq!(fetch(&mut task, "domain.absent"), (0, Value::Null));
    assert_eq!(fetch(&mut task, "domain.secret"), (2, Value::Null));
    assert_eq!(fetch(&mut task, "score"), (2, Value::Null));
    assert_eq!(fetch(&mut task, "domain"), (3, tuple([Value::from("count")])));
    assert_eq!(fetch(&mut task, "data"), (3, tuple([Value::from("domain")])));
    // It reads its own snapshot, whatever is committed meanwhile.
    let mut update = Update::new();
    update.set(path("domain.count"), int(9));
    engine.compare_and_swap(2, update).unwrap();
    assert_eq!(fetch(&mut task, "domain.count"), (1, int(0)));
    let _request = task.start(attempt(2));
    assert_eq!(fetch(&mut task, "domain.count"), (1, int(9)));
    done(task.finish(attempt(2), Outcome::Cancelled)).unwrap_err();
}

#[test]
fn a_result_is_committed_like_any_other() {
    let engine = engine();
    let mut plain = task(&engine, &process("p", &["domain.count"]));
    let _request = plain.start(attempt(1));
    let settled = done(plain.finish(attempt(1), completed(&tuple([int(0), int(5)])))).unwrap();
    assert_eq!(settled.version, 2);
    assert!(matches!(settled.returned, Returned::Value(Value::Int(5))));
    let mut explicit = task(&engine, &process("p", &["domain"]));
    let _request = explicit.start(attempt(1));
    let op = |kind, text: &str, value| tuple([int(kind), Value::from(text), value]);
    let ops = tuple([
        op(0, "domain.count", int(6)),
        op(1, "domain_ctx.user", mapping([("name", int(1))])),
        op(3, "domain.log", Value::from(vec![int(7)])),
        op(2, "domain.gone", Value::Null),
        op(4, "", int(2)),
    ]);
    done(explicit.finish(attempt(1), completed(&tuple([int(1), ops])))).unwrap();
    let snapshot = engine.snapshot();
    assert_eq!(snapshot.get(&path("domain.count")), Some(&int(6)));
    assert_eq!(snapshot.get(&path("domain.user.name")), Some(&int(1)));
    assert_eq!(snapshot.get(&path("domain.log.0")), Some(&int(7)));
    assert_eq!(outcomes(&engine), ["committed", "committed"]);
    assert_eq!(records(&engine)[0].worker, Some(4711));
}

#[test]
fn a_task_that_always_loses_commits_with_the_ticket_as_elsewhere() {
    let engine = engine();
    let mut task = task(&engine, &process("p", &["domain.count"]));
    let mut other = self::task(&engine, &process("other", &["domain.count"]));
    for number in 1.. {
        assert_eq!(task.ready(), None);
        let _request = task.start(attempt(number));
        let mut update = Update::new();
        update.set(path("domain.count"), int(number.into()));
        let intruded = engine.compare_and_swap(engine.snapshot().version(), update);
        assert_eq!(intruded.is_err(), number == 7, "{number}");
        if number == 7 {
            let _request = other.start(attempt(1));
            let next = other.finish(attempt(1), completed(&tuple([int(0), int(-2)])));
            assert!(matches!(next, Next::Retry(_)) && other.ready().is_some(), "it waits for its turn");
        }
        if let Next::Done(output) = task.finish(attempt(number), completed(&tuple([int(0), int(-1)]))) {
            assert_eq!(output.unwrap().version, engine.snapshot().version());
            assert_eq!(number, 7, "the first, five retries, and the one with the ticket");
            assert_eq!(other.ready(), None);
            break;
        }
    }
    let tried: Vec<u32> = records(&engine)
        .iter()
        .filter(|record| &*record.process == "p")
        .map(|record| record.attempt)
        .collect();
    assert_eq!(tried, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_crash_costs_a_starving_task_no_ticket() {
    let engine = engine();
    let retried = Contract { crash_retries: 1, ..contract(&[], &["domain.count"]) };
    let mut task = task(&engine, &Process::new("p", retried));
    let intrude = || {
        let mut update = Update::new();
        update.set(path("domain.count"), int(5));
        engine.compare_and_swap(engine.snapshot().version(), update)
    };
    for number in 1..=6 {
        let _request = task.start(attempt(number));
        intrude().unwrap();
        let next = task.finish(attempt(number), completed(&tuple([int(0), int(-1)])));
        assert!(matches!(next, Next::Retry(_)));
        assert_eq!(task.ready(), None);
    }
    let _request = task.start(attempt(7));
    intrude().unwrap_err();
    let lost = CrashRecord { task: 1, attempt: 7, worker: 4711, ending: Ending::Signalled(9), reason: None };
    assert!(matches!(task.finish(attempt(7), Outcome::Crashed(lost)), Next::Retry(_)));
    intrude().unwrap();
    let _request = task.start(attempt(8));
    intrude().unwrap_err();
    done(task.finish(attempt(8), completed(&tuple([int(0), int(-1)])))).unwrap();
    intrude().unwrap();
}

#[test]
fn reads_of_a_worker_count_in_the_serializable_mode() {
    for (isolation, expected) in [(Isolation::Smart, true), (Isolation::Serializable, false)] {
        let engine = engine();
        engine.set_isolation(isolation);
        let copy = Process::new("p", contract(&["domain.count"], &["domain.copy"]));
        let mut task = task(&engine, &copy);
        let _request = task.start(attempt(1));
        fetch(&mut task, "domain.count");
        fetch(&mut task, "domain.secret");
        let mut update = Update::new();
        update.set(path("domain.secret"), int(1));
        engine.compare_and_swap(1, update).unwrap();
        let mut update = Update::new();
        update.set(path("domain.count"), int(1));
        engine.compare_and_swap(2, update).unwrap();
        let next = task.finish(attempt(1), completed(&tuple([int(0), int(0)])));
        assert_eq!(matches!(next, Next::Done(Ok(_))), expected);
        // The next attempt has its own reads only.
        if let Next::Retry(_) = next {
            let _request = task.start(attempt(2));
            done(task.finish(attempt(2), completed(&tuple([int(0), int(0)])))).unwrap();
        }
    }
}

#[test]
fn a_worker_that_asks_without_end_counts_as_having_read_everything() {
    let engine = engine();
    engine.set_isolation(Isolation::Serializable);
    let copy = Process::new("p", contract(&["domain"], &["domain.copy"]));
    let mut task = task(&engine, &copy);
    let _request = task.start(attempt(1));
    for number in 0..20_000 {
        task.fetch(&path_query(&path(&format!("domain.n{number}"))));
    }
    let mut update = Update::new();
    update.set(path("elsewhere"), int(1));
    engine.compare_and_swap(1, update).unwrap();
    assert!(matches!(task.finish(attempt(1), completed(&tuple([int(0), int(0)]))), Next::Retry(_)));
}

#[test]
fn a_crash_costs_an_attempt_until_the_retries_are_used_up() {
    let engine = engine();
    let crash_retries = 1;
    let fragile = Process::new("p", Contract { crash_retries, ..contract(&[], &["domain.count"]) });
    let mut task = task(&engine, &fragile);
    let crash = |number| CrashRecord {
        task: 1,
        attempt: number,
        worker: 4711,
        ending: Ending::Signalled(9),
        reason: None,
    };
    let _request = task.start(attempt(1));
    let next = task.finish(attempt(1), Outcome::Crashed(crash(1)));
    assert!(matches!(next, Next::Retry(Duration::ZERO)));
    let _request = task.start(attempt(2));
    let lost = done(task.finish(attempt(2), Outcome::Crashed(crash(2)))).unwrap_err();
    assert!(matches!(lost, TaskError::Crashed { retries: 1, base_version: 1, .. }), "{lost}");
    let found = records(&engine);
    assert_eq!(outcomes(&engine), ["crashed", "crashed"]);
    assert_eq!((found[1].attempt, found[1].signal, found[1].worker), (2, Some(9), Some(4711)));
    assert_eq!(engine.snapshot().version(), 1);
}

#[test]
fn tasks_that_never_reached_a_worker_leave_one_record_too() {
    let engine = engine();
    let waiting = Attempt { task: 1, number: 1, worker: 0 };
    let ends = [
        (Outcome::Cancelled, "cancelled"),
        (Outcome::TimedOut, "timeout"),
        (Outcome::Undeliverable("no program".into()), "failed"),
    ];
    for (number, (outcome, expected)) in ends.into_iter().enumerate() {
        let mut task = task(&engine, &process("p", &[])).limit(Some(Duration::from_secs(1)));
        done(task.finish(waiting, outcome)).unwrap_err();
        drop(task);
        assert_eq!(outcomes(&engine)[number..], [expected]);
        assert_eq!(records(&engine)[number].worker, None);
    }
    // One that nobody ever took has never begun.
    drop(task(&engine, &process("p", &[])));
    assert_eq!(engine.trail().len(), 3);
    // A verdict between two attempts ends the second, which never began.
    let mut between = task(&engine, &process("p", &[]));
    let _request = between.start(attempt(1));
    let crash = CrashRecord { task: 1, attempt: 1, worker: 4711, ending: Ending::Unknown, reason: None };
    let _next = between.finish(attempt(1), Outcome::Crashed(crash));
    done(between.finish(Attempt { number: 2, worker: 0, ..waiting }, Outcome::Cancelled)).unwrap_err();
    let found = records(&engine);
    assert_eq!((found[4].attempt, found[4].worker), (2, None));
}

#[test]
fn a_report_of_an_exception_reaches_the_caller() {
    let engine = engine();
    let mut task = task(&engine, &process("p", &[]));
    let _request = task.start(attempt(1));
    let report = Value::Map(map([("summary", Value::from("ValueError: no")), ("more", int(1))]));
    let bytes = Bytes::Inline(encode(&report));
    let Err(TaskError::Failed { failure, .. }) = done(task.finish(attempt(1), Outcome::Failed(bytes))) else {
        panic!("no failure")
    };
    assert_eq!((failure.summary.as_str(), failure.report), ("ValueError: no", report));
    assert_eq!(records(&engine)[0].error.as_deref(), Some("ValueError: no"));
}
