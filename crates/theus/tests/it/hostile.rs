//! A worker that sends anything at all: no panic, the state as it was unless the bytes were a proper result, one
//! record, and the task ends.

use crate::remote::{attempt, completed, task};
use crate::stage::{engine, int, mapping, outcomes, path, process, records, tuple};
use proptest::prelude::*;
use theus::{Contract, Engine, Process, TaskError, Value, allocate, decode, encode, heavy_value};
use theus_pool::{Bytes, Delivery, Job, Next, Outcome};
use theus_testkit::values;
use theus_value::Set;

fn state(engine: &Engine) -> Vec<u8> {
    encode(&Value::Map(engine.snapshot().root().clone()))
}

/// Ends a task with an outcome; checks what must hold whatever the outcome was.
fn ends(engine: &Engine, process: &Process, outcome: Outcome) -> Result<(), String> {
    let (before, version, records_before) =
        (state(engine), engine.snapshot().version(), engine.trail().len());
    let mut task = task(engine, process);
    let _request = task.start(attempt(1));
    let next = task.finish(attempt(1), outcome);
    drop(task);
    assert_eq!(engine.trail().len(), records_before + 1, "one record for one attempt");
    match next {
        Next::Retry(_) => panic!("nothing here can conflict"),
        Next::Done(Ok(settled)) => {
            assert_eq!(settled.version, version + 1);
            // Whatever was committed can be encoded, sent and read again.
            assert!(decode(&state(engine)).is_ok());
            Ok(())
        }
        Next::Done(Err(error)) => {
            assert_eq!((state(engine), engine.snapshot().version()), (before, version));
            Err(error.to_string())
        }
    }
}

fn free() -> Process {
    Process::new("p", Contract { parallel: true, ..Contract::default() })
}

/// Something like a result: the right form around any values, or nearly.
fn likely() -> impl Strategy<Value = Value> {
    let kind = || prop_oneof![4 => 0i64..5, 1 => any::<i64>()];
    let text = prop_oneof![Just("heavy.m".to_owned()), Just("data".to_owned()), "[a-c.\\[\\]']{0,8}"];
    let op = (kind(), text, values::value())
        .prop_map(|(kind, text, value)| tuple([int(kind), Value::from(text), value]));
    let ops = proptest::collection::vec(prop_oneof![6 => op, 1 => values::value()], 0..4);
    prop_oneof![
        2 => values::value(),
        2 => (kind(), values::value()).prop_map(|(kind, value)| tuple([int(kind), value])),
        4 => ops.prop_map(|ops| tuple([int(1), Value::Tuple(ops.into())])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200), version in any::<bool>()) {
        let engine = engine();
        let bytes = if version { [&[1], &bytes[..]].concat() } else { bytes };
        for process in [free(), process("p", &["domain.count", "heavy.*"])] {
            let _ended = ends(&engine, &process, Outcome::Completed(Delivery::new(Bytes::Inline(bytes.clone()), Vec::new())));
            let failed = ends(&engine, &process, Outcome::Failed(Bytes::Inline(bytes.clone())));
            prop_assert!(failed.is_err());
        }
    }

    #[test]
    fn likely_results(values in proptest::collection::vec(likely(), 1..4), flip in any::<proptest::sample::Index>()) {
        let engine = engine();
        for value in values {
            for process in [free(), process("p", &["domain", "heavy.*", "a.b"])] {
                let _ended = ends(&engine, &process, completed(&value));
            }
            let mut bytes = encode(&value);
            let at = flip.index(bytes.len() * 8);
            bytes[at / 8] ^= 1 << (at % 8);
            let _ended = ends(&engine, &free(), Outcome::Completed(Delivery::new(Bytes::Inline(bytes), Vec::new())));
        }
    }

    #[test]
    fn any_query(query in proptest::collection::vec(any::<u8>(), 0..60), lengths in any::<bool>()) {
        let engine = engine();
        let mut task = task(&engine, &process("p", &["domain.count"]));
        let _request = task.start(attempt(1));
        let query = if lengths { query.iter().flat_map(|byte| [1, 0, 0, 0, *byte]).collect() } else { query };
        prop_assert!(decode(&task.fetch(&query).payload).is_ok());
    }
}

#[test]
fn a_handle_of_shared_memory_cannot_be_smuggled_in() {
    let engine = engine();
    let block = allocate(engine.arena(), "m", "<u1", &[16], true).unwrap();
    let handle = Value::from(heavy_value(&block, "<u1", &[16]));
    let op = |value| tuple([int(1), tuple([tuple([int(0), Value::from("heavy.m"), value])])]);
    for hidden in [
        handle.clone(),
        tuple([handle.clone()]),
        Value::from(vec![int(1), handle.clone()]),
        mapping([("x", mapping([("y", handle.clone())]))]),
        Value::Set(Set::from_values([handle.clone()])),
    ] {
        for result in [tuple([int(0), hidden.clone()]), op(hidden.clone())] {
            let error = ends(&engine, &free(), completed(&result)).unwrap_err();
            assert!(error.contains("shared memory that is not the worker's"), "{error}");
        }
        // Nor in a report of an exception.
        let report = mapping([("summary", Value::from("boom")), ("notes", hidden)]);
        let mut task = task(&engine, &free());
        let _request = task.start(attempt(1));
        let failed = Outcome::Failed(Bytes::Inline(encode(&report)));
        let Next::Done(Err(TaskError::Failed { failure, .. })) = task.finish(attempt(1), failed) else {
            panic!("no failure")
        };
        assert!(failure.summary.contains("shared memory"), "{}", failure.summary);
        assert_ne!(failure.report, report);
    }
    assert_eq!(engine.snapshot().get(&path("heavy")), None);
}

#[test]
fn a_result_that_is_too_deep_for_the_state_is_refused() {
    let engine = engine();
    let deep = |depth| (0..depth).fold(int(1), |inner, _| tuple([inner]));
    let op = |value| tuple([int(1), tuple([tuple([int(0), Value::from("a.b.c"), value])])]);
    assert!(ends(&engine, &free(), completed(&op(deep(100)))).is_ok());
    let refused = ends(&engine, &free(), completed(&op(deep(122)))).unwrap_err();
    assert!(refused.contains("'a.b.c'"), "{refused}");
    let unreadable = ends(&engine, &free(), completed(&op(deep(126)))).unwrap_err();
    assert!(unreadable.contains("cannot be read"), "{unreadable}");
    assert_eq!(outcomes(&engine), ["committed", "contract", "failed"]);
}

#[test]
fn a_huge_summary_does_not_fill_the_trail() {
    let engine = engine();
    let report = mapping([("summary", Value::from("é".repeat(100_000)))]);
    ends(&engine, &free(), Outcome::Failed(Bytes::Inline(encode(&report)))).unwrap_err();
    assert!(records(&engine)[0].error.as_ref().unwrap().len() < 20_000);
}

#[test]
fn forms_that_are_nearly_right_are_refused() {
    let engine = engine();
    let op = |kind, text: &str, value| tuple([int(1), tuple([tuple([int(kind), Value::from(text), value])])]);
    for (number, result) in [
        int(1),
        tuple([]),
        tuple([int(0)]),
        tuple([int(2), int(1)]),
        tuple([int(1), int(1)]),
        tuple([int(1), tuple([int(1)])]),
        op(0, "", int(1)),
        op(0, "a..b", int(1)),
        op(1, "a", int(1)),
        op(2, "a", int(1)),
        op(3, "a", tuple([])),
        op(4, "", int(-1)),
        op(5, "a", int(1)),
        op(-1, "a", int(1)),
    ]
    .into_iter()
    .enumerate()
    {
        let error = ends(&engine, &free(), completed(&result)).unwrap_err();
        assert!(error.contains("cannot be read"), "{number}: {error}");
    }
}
