//! The ticket: whom it lets pass, and how it changes hands.

use super::{commit, set};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::time::Duration;
use theus_state::{
    Commit, CommitError, CommitRefused, MAX_RETRIES, Requester, Store, TransactionError, TransactionOptions,
};
use theus_sync::thread;
use theus_value::Map;

/// Far longer than any test.
const LONG: Duration = Duration::from_secs(600);

fn store() -> Store {
    Store::new(Map::new())
}

fn who(name: &str) -> Requester {
    Requester::new(name)
}

fn is_busy<T>(result: Result<T, CommitError>) -> bool {
    matches!(result, Err(CommitError::Busy { .. }))
}

#[test]
fn the_holder_passes_and_others_are_refused_by_name() {
    let store = store();
    store.commit(commit(0)).unwrap();
    let ticket = store.priority(who("slow"), LONG);
    assert!(ticket.holds());
    assert_eq!((store.blocked(None), store.blocked(Some(&who("slow")))), (Some(who("slow")), None));
    let refused = store.commit(commit(0).requester(who("fast"))).unwrap_err();
    let text = refused.to_string();
    assert!(text.starts_with("System Busy (VIP Access Only)") && text.contains("\"slow\""), "{text}");
    match refused {
        CommitError::Busy { update, base: 0, current: 1, holder } => {
            assert_eq!((update, holder), (set("a", 1), who("slow")));
        }
        other => panic!("{other:?}"),
    }
    assert!(is_busy(store.commit(commit(1))), "nobody in particular is an other too");
    assert_eq!(store.version(), 1);
    store.commit(commit(1).requester(who("slow"))).unwrap();
    assert!(ticket.holds(), "a commit does not give the ticket back");
    store.commit(commit(2).requester(who("slow"))).unwrap();
    drop(ticket);
    store.commit(commit(3)).unwrap();
}

#[test]
fn a_ticket_of_one_task_is_not_one_of_all() {
    let store = store();
    let one = store.priority(Requester::task("pay", 1), LONG);
    assert!(is_busy(store.commit(commit(0).requester(Requester::task("pay", 2)))));
    assert!(is_busy(store.commit(commit(0).requester(who("pay")))));
    store.commit(commit(0).requester(Requester::task("pay", 1))).unwrap();
    drop(one);
    let _all = store.priority(who("pay"), LONG);
    store.commit(commit(1).requester(Requester::task("pay", 2))).unwrap();
    assert!(is_busy(store.commit(commit(2).requester(Requester::task("ship", 2)))));
}

#[test]
fn the_line_moves_in_the_order_of_coming_and_without_those_who_left() {
    let store = store();
    let [first, second, third, fourth] = ["1", "2", "3", "4"].map(|name| store.priority(who(name), LONG));
    let holders = || [&second, &third, &fourth].map(|place| place.holds());
    assert!(first.holds());
    assert_eq!(holders(), [false; 3]);
    drop(first);
    assert_eq!(holders(), [true, false, false]);
    drop(third);
    drop(second);
    assert!(fourth.holds());
    assert_eq!(fourth.requester(), &who("4"));
    drop(fourth);
    assert_eq!(store.blocked(None), None);
}

#[test]
fn a_holder_that_panics_gives_the_ticket_back() {
    let store = store();
    let next = {
        let ticket = store.priority(who("doomed"), LONG);
        let next = store.priority(who("next"), LONG);
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            assert!(ticket.holds());
            panic_any("as planned");
        }));
        assert!(panicked.is_err());
        next
    };
    assert!(next.holds());
}

#[test]
fn a_lease_that_runs_out_passes_the_ticket_on() {
    let store = store();
    let hung = store.priority(who("hung"), Duration::ZERO);
    assert!(!hung.holds(), "it has run out");
    store.commit(commit(0)).unwrap();
    std::mem::forget(store.priority(who("leaked"), Duration::from_millis(1)));
    let next = store.priority(who("next"), LONG);
    assert!(next.wait(LONG), "nobody gave the ticket back, only the time");
    assert!(!hung.wait(LONG), "one whose lease ran out does not wait for ever, it is out");
    drop(hung);
    assert!(next.holds(), "the place that is out takes nothing along");
}

#[test]
fn a_lease_that_has_run_out_keeps_no_commit_out_though_nobody_looked() {
    let store = store();
    let leaked = || std::mem::forget(store.priority(who("leaked"), Duration::ZERO));
    leaked();
    store.commit(commit(0)).unwrap();
    leaked();
    assert_eq!(store.blocked(None), None);
    leaked();
    store.commit_checked(commit(1), |_, _| Ok::<(), ()>(())).unwrap();
}

#[test]
fn a_lease_starts_when_the_ticket_is_obtained() {
    let store = store();
    let first = store.priority(who("first"), LONG);
    let second = store.priority(who("second"), Duration::from_millis(1));
    assert!(!second.wait(Duration::from_millis(20)), "it waits longer than its lease");
    drop(first);
    let third = store.priority(who("third"), LONG);
    assert!(third.wait(LONG));
    assert!(!second.holds());
}

#[test]
fn waiting_ends_when_the_ticket_changes_hands() {
    let store = store();
    let first = store.priority(who("first"), LONG);
    let second = store.priority(who("second"), LONG);
    assert!(!second.wait(Duration::ZERO));
    assert!(!store.wait_unblocked(None, Duration::ZERO));
    assert!(store.wait_unblocked(Some(&who("first")), Duration::ZERO));
    let waiting = thread::spawn(move || second.wait(LONG).then_some(second));
    let outside = store.clone();
    let outside = thread::spawn(move || outside.wait_unblocked(None, LONG));
    drop(first);
    let second = waiting.join().unwrap().unwrap();
    assert!(second.holds());
    drop(second);
    assert!(outside.join().unwrap());
}

#[test]
fn every_way_to_commit_minds_the_ticket() {
    let store = store();
    let open = store.transaction(TransactionOptions::default());
    let mine = TransactionOptions { requester: Some(who("slow")), ..TransactionOptions::default() };
    let mine = store.transaction(mine);
    let _ticket = store.priority(who("slow"), LONG);
    assert!(matches!(open.commit(), Err(TransactionError::Commit(CommitError::Busy { .. }))));
    let unasked = |_: &Map, _: &Map| -> Result<(), ()> { panic!("checked though it is refused anyway") };
    let refused = store.commit_checked(commit(0), unasked);
    assert!(matches!(refused, Err(CommitRefused::Commit(CommitError::Busy { .. }))));
    assert_eq!(mine.commit().unwrap().version, 1);
    store.commit_checked(commit(1).requester(who("slow")), |_, _| Ok::<(), ()>(())).unwrap();
}

#[test]
fn a_ticket_that_comes_during_the_check_refuses_too() {
    let store = store();
    let mut ticket = None;
    let refused = store.commit_checked(commit(0), |_, _| {
        ticket = Some(store.priority(who("slow"), LONG));
        Ok::<(), ()>(())
    });
    assert!(matches!(refused, Err(CommitRefused::Commit(CommitError::Busy { .. }))));
    assert_eq!(store.version(), 0);
}

/// Commits with a check during which a rival always commits something else, as `rival`. How often was checked, and how
/// often the rival got through.
fn raced(store: &Store, mine: Commit, rival: Option<Requester>) -> (u32, u32) {
    let (mut checks, mut lost) = (0, 0);
    let done = store.commit_checked(mine, |_, _| {
        checks += 1;
        let theirs = Commit { requester: rival.clone(), ..Commit::new(store.version(), set("b", 1)) };
        match store.commit(theirs) {
            Ok(_) => lost += 1,
            Err(error) => assert!(is_busy::<()>(Err(error))),
        }
        Ok::<(), ()>(())
    });
    assert_eq!(done.unwrap().version, store.version());
    (checks, lost)
}

#[test]
fn a_check_that_always_loses_the_race_is_run_so_many_times() {
    let store = store();
    assert_eq!(raced(&store, commit(0), None), (MAX_RETRIES + 1, MAX_RETRIES));
    assert_eq!(store.blocked(None), None, "the ticket was given back");
    // Not even its own siblings pass meanwhile.
    let mine = commit(store.version()).requester(who("pay"));
    assert_eq!(raced(&store, mine, Some(who("pay"))), (MAX_RETRIES + 1, MAX_RETRIES));
}

#[test]
fn a_check_within_its_own_ticket_ends_too_and_leaves_it() {
    let store = store();
    let ticket = store.priority(who("pay"), LONG);
    let mine = commit(0).requester(who("pay"));
    assert_eq!(raced(&store, mine, Some(who("pay"))), (MAX_RETRIES + 1, MAX_RETRIES));
    assert!(ticket.holds());
    drop(ticket);
    assert_eq!(store.blocked(None), None);
}

#[test]
fn a_check_that_panics_gives_its_ticket_back() {
    let store = store();
    let mut checks = 0;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        store.commit_checked(commit(0), |_, _| {
            checks += 1;
            if checks > MAX_RETRIES {
                panic_any("as planned");
            }
            store.commit(Commit::new(store.version(), set("b", 1))).map(drop)
        })
    }));
    assert!(panicked.is_err());
    assert_eq!((checks, store.blocked(None)), (MAX_RETRIES + 1, None));
    store.commit(commit(store.version())).unwrap();
}
