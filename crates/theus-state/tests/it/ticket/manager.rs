//! Counting conflicts, and who goes next.

use super::commit;
use std::time::Duration;
use theus_state::{CommitError, ConflictManager, Requester, Store};
use theus_value::Map;

const BASE: Duration = Duration::from_millis(2);

fn manager(max_retries: u32) -> (Store, ConflictManager) {
    let store = Store::new(Map::new());
    (store.clone(), ConflictManager::new(store, max_retries, BASE))
}

fn key(name: &str) -> Requester {
    Requester::new(name)
}

/// Conflicts until the retries are used up.
fn exhaust(manager: &ConflictManager, requester: &Requester, retries: u32) {
    (0..retries).for_each(|_| assert!(manager.report_conflict(requester).should_retry));
}

#[test]
fn waits_double_and_then_the_ticket_is_taken() {
    let (store, manager) = manager(5);
    for n in 1..=5 {
        let decision = manager.report_conflict(&key("slow"));
        let middle = Duration::from_millis(2 << (n - 1));
        assert!(decision.should_retry);
        assert!(
            decision.wait >= middle.mul_f64(0.799) && decision.wait <= middle.mul_f64(1.201),
            "{decision:?}"
        );
        assert_eq!((manager.failure_count(&key("slow")), manager.is_blocked(None)), (n, false));
    }
    for n in 6..=7 {
        let decision = manager.report_conflict(&key("slow"));
        assert_eq!((decision.should_retry, decision.wait), (true, Duration::from_millis(1)));
        assert_eq!(manager.failure_count(&key("slow")), n);
    }
    assert!(!manager.is_blocked(Some(&key("slow"))));
    assert!(manager.is_blocked(Some(&key("fast"))) && manager.is_blocked(None));
    assert!(matches!(store.commit(commit(0)), Err(CommitError::Busy { .. })), "it binds every commit");
    store.commit(commit(0).requester(key("slow"))).unwrap();
    manager.report_success(&key("slow"));
    assert_eq!((manager.failure_count(&key("slow")), manager.is_blocked(None)), (0, false));
    store.commit(commit(1)).unwrap();
}

#[test]
fn the_next_one_waits_fifty_ms_a_try_until_its_turn() {
    let (_, manager) = manager(1);
    exhaust(&manager, &key("first"), 2);
    exhaust(&manager, &key("second"), 1);
    assert_eq!(manager.report_conflict(&key("second")).wait, Duration::from_millis(50));
    assert_eq!(manager.report_conflict(&key("second")).wait, Duration::from_millis(50));
    assert!(manager.is_blocked(Some(&key("second"))));
    manager.report_success(&key("first"));
    assert!(!manager.is_blocked(Some(&key("second"))) && manager.is_blocked(Some(&key("first"))));
    assert_eq!(manager.report_conflict(&key("second")).wait, Duration::from_millis(1));
}

#[test]
fn one_that_asks_again_keeps_its_place_in_the_line() {
    let (_, manager) = manager(0);
    ["first", "second", "third"].iter().for_each(|name| exhaust(&manager, &key(name), 1));
    assert_eq!(manager.report_conflict(&key("second")).wait, Duration::from_millis(50));
    manager.report_success(&key("first"));
    assert!(!manager.is_blocked(Some(&key("second"))) && manager.is_blocked(Some(&key("third"))));
}

#[test]
fn a_success_begins_the_count_anew() {
    let (_, manager) = manager(3);
    exhaust(&manager, &key("a"), 3);
    manager.report_success(&key("a"));
    assert!(manager.report_conflict(&key("a")).wait < BASE * 2);
    assert!(!manager.is_blocked(None));
    manager.report_success(&key("never seen"));
}

#[test]
fn the_ticket_of_one_that_vanished_returns() {
    let (store, manager) = manager(0);
    let manager = manager.lease(Duration::ZERO);
    manager.report_conflict(&key("vanished"));
    assert!(!manager.is_blocked(None), "its lease has run out");
    store.commit(commit(0)).unwrap();
    // Back again, it lines up anew.
    manager.report_conflict(&key("vanished"));
    assert_eq!(manager.failure_count(&key("vanished")), 2);
}

#[test]
fn those_that_vanished_in_the_line_do_not_get_a_turn_each() {
    let lease = Duration::from_millis(100);
    let store = Store::new(Map::new());
    let manager = ConflictManager::new(store.clone(), 0, BASE).lease(lease);
    for n in 0..1_000 {
        manager.report_conflict(&key(&format!("gone {n}")));
    }
    assert!(manager.is_blocked(None));
    // Past one lease the next report finds that all of them have gone.
    std::thread::sleep(lease * 2);
    manager.report_conflict(&key("here"));
    assert!(!manager.is_blocked(Some(&key("here"))));
    manager.report_success(&key("here"));
    assert!(!manager.is_blocked(None) && store.commit(commit(0)).is_ok());
}

#[test]
fn a_manager_that_goes_takes_its_tickets_along() {
    let (store, manager) = manager(0);
    manager.report_conflict(&key("first"));
    manager.report_conflict(&key("second"));
    assert!(store.blocked(None).is_some());
    drop(manager);
    assert_eq!(store.blocked(None), None);
}

#[test]
fn what_is_kept_of_vanished_keys_is_bounded() {
    let (_, manager) = manager(1);
    let keys: Vec<Requester> = (0..20_000).map(|n| key(&n.to_string())).collect();
    for requester in &keys {
        manager.report_conflict(requester);
        assert_eq!(manager.failure_count(requester), 1, "the newest is never forgotten");
    }
    let known = keys.iter().filter(|requester| manager.failure_count(requester) > 0).count();
    assert!((1_000..=4_096).contains(&known), "{known}");
    let latest = &keys[keys.len() - 2_000..];
    assert!(
        latest.iter().all(|requester| manager.failure_count(requester) > 0),
        "the oldest are forgotten first"
    );
}
