//! Transactions: many updates, one version, or nothing.

use std::time::Duration;
use theus_state::{
    CommitError, Isolation, Limit, Requester, Store, Transaction, TransactionError, TransactionOptions,
};
use theus_value::{ApplyError, Map, Op, Path, Update, Value};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn set(at: &str, n: i64) -> Update {
    Update::from_iter([Op::Set { path: path(at), value: Value::from(n) }])
}

fn number(n: i64) -> Option<Value> {
    Some(Value::from(n))
}

fn begin(store: &Store, isolation: Isolation) -> Transaction {
    store.transaction(TransactionOptions { isolation, ..TransactionOptions::default() })
}

#[test]
fn several_updates_make_one_version_that_is_seen_at_once() {
    let store = Store::new(Map::new());
    let mut transaction = begin(&store, Isolation::Smart);
    transaction.update(set("a", 1)).unwrap();
    transaction.update(set("b.c", 2)).unwrap();
    transaction.update(set("a", 3)).unwrap();
    assert_eq!(
        (transaction.get(&path("a")).unwrap(), transaction.get(&path("b.c")).unwrap()),
        (number(3), number(2))
    );
    assert_eq!(transaction.pending().len(), 2);
    assert_eq!((store.version(), store.snapshot().root().len(), transaction.base().root().len()), (0, 0, 0));
    let done = transaction.commit().unwrap();
    assert_eq!((done.version, store.version()), (1, 1));
    assert_eq!(store.snapshot().get(&path("a")), number(3).as_ref());
    assert_eq!(store.snapshot().get(&path("b.c")), number(2).as_ref());
}

#[test]
fn an_empty_one_makes_a_version_too() {
    let store = Store::new(Map::new());
    assert_eq!(begin(&store, Isolation::Smart).commit().unwrap().version, 1);
    assert_eq!(begin(&store, Isolation::Serializable).commit().unwrap().version, 2);
}

#[test]
fn one_that_is_dropped_leaves_nothing() {
    let store = Store::new(Map::new());
    let before = store.snapshot();
    let mut transaction = begin(&store, Isolation::Smart);
    transaction.update(set("a", 1)).unwrap();
    drop(transaction);
    assert_eq!(store.version(), 0);
    assert!(store.snapshot().root().ptr_eq(before.root()));
}

#[test]
fn an_update_that_does_not_fit_leaves_it_as_it_was() {
    let store = Store::new(Map::new());
    let mut transaction = begin(&store, Isolation::Smart);
    transaction.update(set("a", 1)).unwrap();
    let mut half = set("b", 2);
    half.set(path("a.x"), Value::from(3));
    match transaction.update(half.clone()).unwrap_err() {
        TransactionError::Apply { update, error: ApplyError::NotAContainer { .. } } => {
            assert_eq!(update, half)
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(transaction.get(&path("b")).unwrap(), None);
    transaction.update(set("c", 4)).unwrap();
    let after = transaction.commit().unwrap().snapshot;
    let keys: Vec<_> = after.root().keys().map(|key| key.to_string()).collect();
    assert_eq!(keys, ["a", "c"]);
}

#[test]
fn a_rival_wins_and_the_updates_come_back_as_one() {
    let store = Store::new(Map::new());
    let mut transaction = begin(&store, Isolation::Smart);
    (0..1_000).for_each(|n| transaction.update(set("a", n)).unwrap());
    transaction.update(set("b", 1)).unwrap();
    store.commit(theus_state::Commit::new(0, set("a", -1))).unwrap();
    match transaction.commit().unwrap_err() {
        TransactionError::Commit(CommitError::Conflict {
            update, base: 0, current: 1, conflicts, ..
        }) => {
            let mut whole = set("a", 999);
            whole.set(path("b"), Value::from(1));
            assert_eq!((update, conflicts.len()), (whole, 1));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((store.version(), store.snapshot().get(&path("a"))), (1, number(-1).as_ref()));
}

#[test]
fn disjoint_changes_merge() {
    let store = Store::new(Map::new());
    let (mut one, mut two) = (begin(&store, Isolation::Smart), begin(&store, Isolation::Serializable));
    one.update(set("domain.a", 1)).unwrap();
    two.update(set("domain.b", 2)).unwrap();
    assert_eq!((one.commit().unwrap().version, two.commit().unwrap().version), (1, 2));
    let now = store.snapshot();
    assert_eq!(
        (now.get(&path("domain.a")), now.get(&path("domain.b"))),
        (number(1).as_ref(), number(2).as_ref())
    );
    let mut late = begin(&store, Isolation::Strict);
    late.update(set("domain.c", 3)).unwrap();
    begin(&store, Isolation::Smart).commit().unwrap();
    assert!(matches!(late.commit(), Err(TransactionError::Commit(CommitError::Conflict { .. }))));
}

#[test]
fn what_was_read_counts_in_serializable_mode_only() {
    for (isolation, passes) in [(Isolation::Smart, true), (Isolation::Serializable, false)] {
        for read in ["seen", "absent", "seen.below"] {
            let store = Store::new([("seen".into(), Value::from(1))].into_iter().collect());
            let mut transaction = begin(&store, isolation);
            transaction.get(&path(read)).unwrap();
            transaction.update(set("out", 1)).unwrap();
            let at = read.split('.').next().unwrap();
            store.commit(theus_state::Commit::new(1, set(at, 2))).unwrap();
            assert_eq!(transaction.commit().is_ok(), passes, "{isolation:?} {read}");
        }
        let store = Store::new(Map::new());
        let transaction = begin(&store, isolation);
        assert!(transaction.pending().get("seen").is_none());
        store.commit(theus_state::Commit::new(0, set("seen", 2))).unwrap();
        transaction.commit().unwrap();
    }
}

#[test]
fn it_sees_its_own_writes_and_not_those_of_others() {
    let store = Store::new(Map::new());
    let mut transaction = begin(&store, Isolation::Smart);
    transaction.update(set("mine", 1)).unwrap();
    store.commit(theus_state::Commit::new(0, set("yours", 2))).unwrap();
    assert_eq!(
        (transaction.get(&path("mine")).unwrap(), transaction.get(&path("yours")).unwrap()),
        (number(1), None)
    );
    transaction.update(Update::from_iter([Op::Delete { path: path("mine") }])).unwrap();
    assert_eq!(transaction.get(&path("mine")).unwrap(), None);
}

fn limits(life: Duration, idle: Duration) -> TransactionOptions {
    TransactionOptions { life, idle, ..TransactionOptions::default() }
}

#[test]
fn past_a_limit_it_is_over_and_nothing_is_written() {
    const LONG: Duration = Duration::from_secs(600);
    for (options, exceeded) in
        [(limits(Duration::ZERO, LONG), Limit::Life), (limits(LONG, Duration::ZERO), Limit::Idle)]
    {
        let store = Store::new(Map::new());
        let mut transaction = store.transaction(options.clone());
        match transaction.update(set("a", 1)).unwrap_err() {
            TransactionError::TimedOut { update, limit, allowed, .. } => {
                assert_eq!((update, limit, allowed), (set("a", 1), exceeded, Duration::ZERO));
            }
            other => panic!("{other:?}"),
        }
        let error = transaction.get(&path("a")).unwrap_err();
        assert!(error.to_string().contains(&format!("{exceeded} limit is 0 ms")), "{error}");
        assert!(matches!(transaction.commit(), Err(TransactionError::TimedOut { .. })));
        assert!(
            matches!(store.transaction(options).commit(), Err(TransactionError::TimedOut { .. })),
            "at exit"
        );
        assert_eq!(store.version(), 0);
    }
}

#[test]
fn it_commits_as_its_requester() {
    let store = Store::new(Map::new());
    let me = Requester::task("pay", 1);
    let observer = store.observe(1);
    let _ticket = store.priority(me.clone(), Duration::from_secs(600));
    store
        .transaction(TransactionOptions { requester: Some(me.clone()), ..TransactionOptions::default() })
        .commit()
        .unwrap();
    assert_eq!(observer.try_recv().unwrap().unwrap().requester, Some(me));
}
