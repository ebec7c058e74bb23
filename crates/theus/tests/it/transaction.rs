//! Transactions of the caller: one version or nothing, one record, limits, and maintenance with a reason.

use crate::stage::{engine, int, map, mapping, outcomes, path, records};
use std::time::Duration;
use theus::{
    ArrayError, Authority, EncodedArray, Engine, Isolation, Refusal, Transaction, TransactionOptions, Update,
    Value, Violation,
};

fn begin(engine: &Engine) -> Transaction {
    engine.transaction(TransactionOptions::default()).unwrap()
}

fn set(text: &str, value: Value) -> Update {
    let mut update = Update::new();
    update.set(path(text), value);
    update
}

#[test]
fn its_updates_become_one_version_and_one_record() {
    let engine = engine();
    let mut transaction = begin(&engine);
    transaction.update(set("domain.count", int(1))).unwrap();
    transaction.update(set("domain.other", int(2))).unwrap();
    assert_eq!(transaction.get(&path("domain.count")).unwrap(), Some(int(1)), "it sees its own writes");
    assert_eq!(engine.snapshot().get(&path("domain.count")), Some(&int(0)), "nobody else does");
    assert_eq!(transaction.commit().unwrap(), 2);
    assert_eq!(
        engine.snapshot().root().get("domain"),
        Some(&mapping([("count", int(1)), ("other", int(2))]))
    );
    assert_eq!(begin(&engine).commit().unwrap(), 3, "an empty one makes a version too");
    assert_eq!(outcomes(&engine), ["committed", "committed"]);
    let first = &records(&engine)[0];
    assert_eq!(
        (&*first.process, first.attempt, first.base_version, first.version),
        ("transaction", 1, 1, Some(2))
    );
    let paths: Vec<&str> = first.paths.iter().map(|changed| &*changed.path).collect();
    assert_eq!(paths, ["domain.count", "domain.other"]);
}

#[test]
fn a_dropped_one_leaves_a_record_and_nothing_else() {
    let engine = engine();
    let mut transaction = begin(&engine);
    transaction.update(set("domain.count", int(1))).unwrap();
    drop(transaction);
    assert_eq!((engine.snapshot().version(), outcomes(&engine)), (1, vec!["cancelled"]));
}

#[test]
fn a_conflict_refuses_all_of_it() {
    let engine = engine();
    let mut transaction = begin(&engine);
    transaction.update(set("domain.count", int(1))).unwrap();
    transaction.update(set("domain.other", int(2))).unwrap();
    engine.compare_and_swap(1, set("domain.count", int(7))).unwrap();
    let refused = transaction.commit().unwrap_err();
    assert!(matches!(refused, Refusal::Conflict { retry: None, .. }), "{refused}");
    assert_eq!(engine.snapshot().root().get("domain"), Some(&mapping([("count", int(7))])));
    assert_eq!(outcomes(&engine), ["committed", "conflict"]);
}

#[test]
fn what_it_read_counts_in_the_serializable_mode() {
    for (isolation, passes) in [(Isolation::Smart, true), (Isolation::Serializable, false)] {
        let engine = engine();
        engine.set_isolation(isolation);
        let mut transaction = begin(&engine);
        transaction.get(&path("domain.count")).unwrap();
        transaction.update(set("domain.other", int(2))).unwrap();
        engine.compare_and_swap(1, set("domain.count", int(7))).unwrap();
        assert_eq!(transaction.commit().is_ok(), passes);
    }
}

#[test]
fn its_updates_are_judged_together() {
    let engine = engine();
    let mut transaction = begin(&engine);
    let list = |items: &[i64]| Value::from(items.iter().copied().map(Value::from).collect::<Vec<_>>());
    // Each step but the first would be refused by itself; together they begin a log.
    transaction.update(set("domain.log_x", list(&[1, 2]))).unwrap();
    transaction.update(set("domain.log_x", list(&[3]))).unwrap();
    transaction.commit().unwrap();
    let mut transaction = begin(&engine);
    transaction.update(set("domain.log_x", list(&[3, 4]))).unwrap();
    transaction.update(set("domain.log_x", list(&[4]))).unwrap();
    let refused = transaction.commit().unwrap_err();
    assert!(matches!(refused, Refusal::Violation(Violation::Physics { .. })), "{refused}");
    assert_eq!(engine.snapshot().get(&path("domain.log_x")), Some(&list(&[3])));
    assert_eq!(outcomes(&engine), ["committed", "contract"]);
}

#[test]
fn maintenance_leaves_its_reason_in_the_record() {
    let engine = Engine::builder().initial(map([("log_x", int(1)), ("const_x", int(1))])).build();
    let authority = Authority::Admin { reason: "ticket 12".into() };
    let options = TransactionOptions { process: "repair".into(), authority, ..TransactionOptions::default() };
    let mut transaction = engine.transaction(options.clone()).unwrap();
    transaction.update(set("log_x", int(2))).unwrap();
    assert_eq!(transaction.commit().unwrap(), 2);
    let mut transaction = engine.transaction(options).unwrap();
    transaction.update(set("const_x", int(2))).unwrap();
    let refused = transaction.commit().unwrap_err().to_string();
    assert!(
        refused.starts_with("Process 'repair': UPDATE capability required for path 'const_x'"),
        "{refused}"
    );
    assert_eq!(outcomes(&engine), ["committed", "contract"]);
    let found = records(&engine);
    assert!(
        found
            .iter()
            .all(|record| &*record.process == "repair" && record.reason.as_deref() == Some("ticket 12"))
    );
}

#[test]
fn one_that_takes_too_long_writes_nothing() {
    let engine = engine();
    for (life, idle) in [(Duration::ZERO, Duration::MAX), (Duration::MAX, Duration::ZERO)] {
        let options = || TransactionOptions { life, idle, ..TransactionOptions::default() };
        let is_late = |refusal: Refusal| {
            assert!(matches!(refusal, Refusal::TimedOut { .. }), "{refusal}");
            assert_eq!(refusal.path(), None);
        };
        is_late(engine.transaction(options()).unwrap().commit().unwrap_err());
        let mut transaction = engine.transaction(options()).unwrap();
        is_late(transaction.update(set("domain.count", int(1))).unwrap_err());
        is_late(transaction.get(&path("domain.count")).unwrap_err());
        is_late(transaction.commit().unwrap_err());
    }
    assert_eq!((engine.snapshot().version(), outcomes(&engine)), (1, vec!["timeout"; 4]));
}

#[test]
fn an_update_that_does_not_fit_leaves_it_as_it_was() {
    let engine = engine();
    let mut transaction = begin(&engine);
    transaction.update(set("domain.other", int(2))).unwrap();
    let refused = transaction.update(set("domain.count.below", int(1))).unwrap_err();
    assert!(matches!(refused, Refusal::Apply { .. }), "{refused}");
    let huge = transaction.update(set("heavy.m", EncodedArray::encode("<u1", &[1 << 40], &[]))).unwrap_err();
    assert!(matches!(huge, Refusal::Array(ArrayError::Encoding { .. })), "{huge}");
    transaction.update(set("heavy.m", EncodedArray::encode("<u1", &[2], &[1, 2]))).unwrap();
    assert!(matches!(transaction.get(&path("heavy.m")).unwrap(), Some(Value::Heavy(_))));
    assert_eq!(transaction.commit().unwrap(), 2);
    assert_eq!(outcomes(&engine), ["committed"]);
    engine.shutdown(Duration::ZERO);
    engine.transaction(TransactionOptions::default()).map(drop).unwrap_err();
}
