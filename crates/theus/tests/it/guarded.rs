//! Physics beside other commits: an update is held to the state that it is really applied to.

use crate::stage::{int, map, mapping, outcomes, path, process};
use theus::{Attempt, Engine, Isolation, Refusal, Returned, StateUpdate, Update, Value, Violation};
use theus_value::{Map, Op};

fn list(items: &[i64]) -> Value {
    Value::from(items.iter().copied().map(Value::from).collect::<Vec<_>>())
}

fn set(text: &str, value: Value) -> Update {
    [Op::Set { path: path(text), value }].into_iter().collect()
}

fn append(text: &str, item: i64) -> Update {
    [Op::Append { path: path(text), values: vec![int(item)] }].into_iter().collect()
}

/// `domain.box` with a log of 1, 2 and a list with a map in it.
fn engine() -> Engine {
    let list_of_maps = Value::from(vec![mapping([("y", int(1))])]);
    let inner = mapping([("log_x", list(&[1, 2])), ("list", list_of_maps)]);
    Engine::builder().initial(map([("domain", mapping([("box", inner)]))])).build()
}

fn begin(engine: &Engine) -> Attempt {
    engine.begin(&process("late", &["domain"])).unwrap()
}

fn settle(attempt: &mut Attempt, update: Update, assert_version: Option<u64>) -> Result<u64, Refusal> {
    attempt.settle(Returned::Update(StateUpdate { update, assert_version }), Vec::new())
}

/// Somebody else's commit.
fn meanwhile(engine: &Engine, update: Update) {
    engine.compare_and_swap(engine.snapshot().version(), update).unwrap();
}

fn log(engine: &Engine) -> Option<Value> {
    engine.snapshot().get(&path("domain.box.log_x")).cloned()
}

fn is_conflict<T>(result: &Result<T, Refusal>) -> bool {
    matches!(result, Err(Refusal::Conflict { .. }))
}

fn is_violation<T>(result: &Result<T, Refusal>) -> bool {
    matches!(result, Err(Refusal::Violation(Violation::Physics { .. })))
}

#[test]
fn an_entry_that_others_add_to_a_log_is_never_lost() {
    let engine = engine();
    let writes = [
        set("domain.box.log_x", list(&[1, 2, 9])),
        append("domain.box.log_x", 9),
        // The container: as it was when the attempt began, and with another entry.
        set("domain.box", mapping([("log_x", list(&[1, 2, 9]))])),
    ];
    for (number, update) in writes.into_iter().enumerate() {
        let before = log(&engine);
        let mut attempt = begin(&engine);
        meanwhile(&engine, append("domain.box.log_x", number as i64));
        let longer = log(&engine);
        assert_ne!(longer, before);
        let settled = settle(&mut attempt, update, None);
        assert!(is_conflict(&settled) || is_violation(&settled), "{settled:?}");
        assert_eq!(log(&engine), longer);
    }
    // Said as an append, it goes through on the next try.
    let mut attempt = begin(&engine);
    settle(&mut attempt, append("domain.box.log_x", 9), None).unwrap();
    assert_eq!(log(&engine), Some(list(&[1, 2, 0, 1, 2, 9])));
}

#[test]
fn a_commit_beside_it_changes_no_verdict() {
    for (update, passes) in
        [(append("domain.box.log_x", 3), true), (set("domain.box.log_x", list(&[])), false)]
    {
        let engine = engine();
        let mut attempt = begin(&engine);
        meanwhile(&engine, append("domain.box.log_y", 1));
        meanwhile(&engine, set("domain.other", int(1)));
        let settled = settle(&mut attempt, update, None);
        assert_eq!(settled.is_ok(), passes);
        assert_eq!(is_violation(&settled), !passes);
    }
}

#[test]
fn a_log_that_came_under_a_replaced_container_is_not_dropped() {
    let engine = engine();
    let mut attempt = begin(&engine);
    meanwhile(&engine, set("domain.new", mapping([("log_z", list(&[1]))])));
    assert!(is_conflict(&settle(&mut attempt, set("domain.new", int(1)), None)));
    attempt.again();
    assert!(is_violation(&settle(&mut attempt, set("domain.new", int(1)), None)));
}

/// A merge over a list names none of the list's items, and takes them all away.
#[test]
fn a_merge_over_a_list_is_held_to_the_list_of_now() {
    let engine = engine();
    let over = || -> Update {
        let value = map([("list", mapping([("a", int(1))]))]);
        [Op::Merge { path: path("domain.box"), value }].into_iter().collect()
    };
    let mut attempt = begin(&engine);
    meanwhile(&engine, set("domain.box.list.0.log_z", list(&[1])));
    let before = engine.snapshot();
    let settled = settle(&mut attempt, over(), None);
    assert!(is_violation(&settled) || is_conflict(&settled), "{settled:?}");
    assert_eq!(engine.snapshot().root(), before.root());
    // Without a log in it, the list may go.
    let engine = self::engine();
    settle(&mut begin(&engine), over(), None).unwrap();
}

#[test]
fn a_stale_swap_is_a_conflict_and_no_violation() {
    let engine = engine();
    meanwhile(&engine, append("domain.box.log_x", 3));
    // Right for version 1, and it would shorten the log of version 2.
    assert!(is_conflict(&engine.compare_and_swap(1, set("domain.box.log_x", list(&[1, 2])))));
    assert!(is_violation(&engine.compare_and_swap(2, set("domain.box.log_x", list(&[1, 2])))));
    assert_eq!(outcomes(&engine), ["committed", "conflict", "contract"]);
}

#[test]
fn a_base_above_the_current_version_escapes_nothing() {
    let engine = engine();
    assert!(is_violation(&engine.compare_and_swap(99, set("domain.box.log_x", list(&[1])))));
    assert!(is_violation(&engine.compare_and_swap(99, set("domain", Value::Map(Map::new())))));
    assert_eq!(engine.compare_and_swap(99, append("domain.box.log_x", 3)).unwrap(), 2);
    engine.set_isolation(Isolation::Strict);
    assert!(is_conflict(&engine.compare_and_swap(99, append("domain.box.log_x", 3))));
}

#[test]
fn an_asserted_version_escapes_nothing() {
    for isolation in [Isolation::Smart, Isolation::Strict, Isolation::Serializable] {
        let engine = engine();
        engine.set_isolation(isolation);
        let shorter = || set("domain.box.log_x", list(&[1]));
        assert!(is_violation(&settle(&mut begin(&engine), shorter(), Some(1))));
        let mut attempt = begin(&engine);
        meanwhile(&engine, set("domain.other", int(1)));
        let settled = settle(&mut attempt, shorter(), Some(2));
        assert!(
            is_violation(&settled) || isolation == Isolation::Strict && is_conflict(&settled),
            "{settled:?}"
        );
        assert_eq!(log(&engine), Some(list(&[1, 2])));
    }
}

#[test]
fn logs_grow_from_many_threads_and_lose_nothing() {
    // A base above the current version meets no conflict: physics alone keeps what the log holds.
    for ahead in [0, 1000] {
        grow(&engine(), ahead);
    }
}

fn grow(engine: &Engine, ahead: u64) {
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for number in 0..50 {
                    let entry = thread * 1000 + number;
                    loop {
                        let seen = engine.snapshot();
                        let Some(Value::List(mut log)) = seen.get(&path("domain.box.log_x")).cloned() else {
                            panic!("no log")
                        };
                        log.push(int(entry));
                        match engine.compare_and_swap(
                            seen.version() + ahead,
                            set("domain.box.log_x", Value::List(log)),
                        ) {
                            Ok(_) => break,
                            refused => {
                                let outdated = is_conflict(&refused) || ahead > 0 && is_violation(&refused);
                                assert!(outdated, "{refused:?}");
                            }
                        }
                    }
                }
            });
        }
    });
    let Some(Value::List(log)) = log(engine) else { panic!("no log") };
    assert_eq!(log.len(), 2 + 4 * 50);
    for thread in 0..4 {
        let own = |item: &Value| matches!(item, Value::Int(n) if n / 1000 == thread && *n > 2);
        let own: Vec<Value> = log.iter().skip(2).filter(|item| own(item)).cloned().collect();
        assert!(own.windows(2).all(|pair| format!("{:?}", pair[0]) != format!("{:?}", pair[1])));
    }
}
