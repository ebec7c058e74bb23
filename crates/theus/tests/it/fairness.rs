//! Nobody starves: who always loses gets the priority ticket, others wait, and the ticket comes back in any case.

use crate::stage::{contract, engine, int, outcomes, path, process};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use theus::{
    Attempt, CommitError, Contract, Engine, Outcome, Process, Refusal, Requester, Returned, StateUpdate,
    Update, Value,
};

/// Retries that a conflict is granted before the line for the ticket.
const RETRIES: u32 = 5;

fn count(attempt: &Attempt) -> i64 {
    match attempt.snapshot().get(&path("domain.count")) {
        Some(Value::Int(count)) => *count,
        _ => 0,
    }
}

/// Adds one, and says how many attempts it took; `body` is what happens between reading and writing.
fn add(engine: &Engine, name: &str, mut body: impl FnMut(&Engine)) -> Result<u32, Refusal> {
    let mut attempt = engine.begin(&process(name, &["domain.count"])).unwrap();
    loop {
        let next = int(count(&attempt) + 1);
        body(engine);
        match attempt.settle(Returned::Value(next), Vec::new()) {
            Ok(_) => return Ok(attempt.number()),
            Err(Refusal::Conflict { retry: Some(wait), .. }) => thread::sleep(wait),
            Err(refusal) => return Err(refusal),
        }
        while let Some(wait) = attempt.ready() {
            thread::sleep(wait);
        }
        attempt.again();
    }
}

/// Somebody else's commit of the same path, whatever is there; true if it went through.
fn intrude(engine: &Engine) -> Result<u64, Refusal> {
    let mut update = Update::new();
    update.set(path("domain.count"), int(1_000));
    engine.compare_and_swap(engine.snapshot().version(), update)
}

/// An attempt that has lost so often that the next one has the ticket; it has not begun.
fn starving(engine: &Engine, retries: u32) -> Attempt {
    let mut attempt = engine.begin(&process("slow", &["domain.count"])).unwrap();
    attempt.allow_retries(retries);
    for conflict in 1..=RETRIES + 1 {
        intrude(engine).unwrap();
        let lost = attempt.settle(Returned::Value(int(1)), Vec::new());
        assert!(matches!(lost, Err(Refusal::Conflict { retry: Some(_), .. })), "conflict {conflict}");
        assert_eq!(attempt.ready(), None);
        if conflict <= RETRIES {
            attempt.again();
        }
    }
    attempt
}

/// Lets time pass; nothing else happens meanwhile.
fn pass(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn after_five_lost_retries_the_next_attempt_commits_and_others_are_refused() {
    let engine = engine();
    let mut refused = Vec::new();
    let attempts = add(&engine, "slow", |engine| match intrude(engine) {
        Ok(_) => {}
        Err(Refusal::Conflict { error: error @ CommitError::Busy { .. }, retry: None, .. }) => {
            refused.push(error.to_string());
        }
        Err(other) => panic!("{other}"),
    });
    // The first, five retries, and the one with the ticket, which the intruder cannot spoil.
    assert_eq!(attempts.unwrap(), 1 + RETRIES + 1);
    assert_eq!(refused.len(), 1);
    assert!(
        refused[0].contains("System Busy (VIP Access Only)") && refused[0].contains("slow"),
        "{refused:?}"
    );
    assert!(intrude(&engine).is_ok(), "the ticket comes back with the commit");
    assert_eq!(outcomes(&engine).iter().filter(|outcome| **outcome == "conflict").count(), 6 + 1);
}

#[test]
fn the_ticket_comes_back_when_its_holder_fails_or_is_dropped() {
    for end in [Outcome::Failed, Outcome::Cancelled] {
        let engine = engine();
        let mut attempt = starving(&engine, 0);
        attempt.again();
        assert!(intrude(&engine).is_err());
        match end {
            Outcome::Failed => drop(attempt.abandon(Outcome::Failed, "boom".into())),
            _ => drop(attempt),
        }
        assert!(intrude(&engine).is_ok(), "{end:?}");
    }
}

#[test]
fn another_task_of_the_same_process_waits_and_waiting_is_no_attempt() {
    let engine = engine();
    let mut holder = engine.begin(&process("same", &["domain.count"])).unwrap();
    for _ in 0..=RETRIES {
        intrude(&engine).unwrap();
        holder.settle(Returned::Value(int(1)), Vec::new()).unwrap_err();
        holder.again();
    }
    let mut other = engine.begin(&process("same", &["domain.count"])).unwrap();
    let refused = other.settle(Returned::Value(int(2)), Vec::new()).unwrap_err();
    assert!(
        matches!(refused, Refusal::Conflict { error: CommitError::Busy { .. }, retry: Some(_), .. }),
        "{refused}"
    );
    assert!(other.ready().is_some() && other.ready().is_some());
    assert_eq!(holder.settle(Returned::Value(int(3)), Vec::new()).unwrap(), engine.snapshot().version());
    assert_eq!(other.ready(), None);
    other.again();
    assert!(other.settle(Returned::Value(int(4)), Vec::new()).is_ok());
    assert_eq!(other.number(), 2);
}

#[test]
fn the_wait_for_a_ticket_ends_with_the_write_limit() {
    let engine = Engine::builder().write_limit(Duration::from_millis(200)).build();
    for _ in 0..=RETRIES {
        engine.report_conflict("a caller");
    }
    let refused = add(&engine, "other", |_| {}).unwrap_err();
    assert!(
        matches!(&refused, Refusal::Conflict { error: CommitError::Busy { .. }, retry: None, .. }),
        "{refused}"
    );
    engine.report_success("a caller");
    assert!(add(&engine, "other", |_| {}).is_ok());
}

#[test]
fn a_ticket_that_was_lost_before_its_attempt_began_is_taken_anew() {
    let engine = engine();
    let mut attempt = starving(&engine, 0);
    // No worker is free, and its lease runs out.
    while intrude(&engine).is_err() {
        pass(Duration::from_millis(10));
    }
    attempt.again();
    intrude(&engine).unwrap_err();
    assert!(attempt.settle(Returned::Value(int(1)), Vec::new()).is_ok());
}

#[test]
fn a_task_that_sleeps_before_a_retry_keeps_nobody_out() {
    let engine = engine();
    let mut attempt = starving(&engine, 1);
    attempt.again();
    // Its own body spoils what it returns.
    let mut update = Update::new();
    update.set(path("domain.count"), int(5));
    let version = engine.snapshot().version();
    engine.compare_and_swap_as(Some(attempt.requester()), version, update).unwrap();
    let lost = attempt.settle(Returned::Value(int(1)), Vec::new());
    assert!(matches!(lost, Err(Refusal::Conflict { retry: Some(_), .. })));
    intrude(&engine).unwrap();
    // When it goes on, it has the ticket again.
    assert_eq!(attempt.ready(), None);
    intrude(&engine).unwrap_err();
    attempt.again();
    attempt.settle(Returned::Value(int(1)), Vec::new()).unwrap();
}

#[test]
fn a_conflict_that_ends_the_task_gives_the_ticket_back_at_once() {
    let engine = engine();
    let mut attempt = starving(&engine, 0);
    attempt.again();
    let asserted = StateUpdate { update: Update::new(), assert_version: Some(1) };
    let refused = attempt.settle(Returned::Update(asserted), Vec::new());
    assert!(matches!(refused, Err(Refusal::Conflict { retry: None, .. })), "{refused:?}");
    intrude(&engine).unwrap();
    drop(attempt);
}

#[test]
fn who_meets_one_ticket_after_the_other_lines_up_too() {
    let engine = engine();
    let mut attempt = engine.begin(&process("other", &["domain.count"])).unwrap();
    for refusal in 0..=RETRIES {
        for _ in 0..=RETRIES {
            engine.report_conflict("a caller");
        }
        let refused = attempt.settle(Returned::Value(int(1)), Vec::new());
        let Err(Refusal::Conflict { error: CommitError::Busy { .. }, retry: Some(_), .. }) = refused else {
            panic!("{refused:?}")
        };
        engine.report_success("a caller");
        assert_eq!(attempt.ready(), None);
        assert_eq!(intrude(&engine).is_ok(), refusal < RETRIES, "{refusal}");
        attempt.again();
    }
    attempt.settle(Returned::Value(int(1)), Vec::new()).unwrap();
}

#[test]
fn the_time_of_attempts_is_no_time_of_waiting() {
    let limit = Duration::from_millis(300);
    let engine = Engine::builder().write_limit(limit).build();
    let hold = || {
        for _ in 0..=RETRIES {
            engine.report_conflict("a caller");
        }
    };
    // Its body may take longer than a writer waits.
    let patient = Contract { timeout: Some(limit * 100), ..contract(&[], &["domain.count"]) };
    let mut attempt = engine.begin(&Process::new("other", patient)).unwrap();
    hold();
    attempt.settle(Returned::Value(int(1)), Vec::new()).unwrap_err();
    assert!(attempt.ready().is_some());
    engine.report_success("a caller");
    assert_eq!(attempt.ready(), None);
    attempt.again();
    pass(limit);
    hold();
    let refused = attempt.settle(Returned::Value(int(1)), Vec::new());
    assert!(matches!(refused, Err(Refusal::Conflict { retry: Some(_), .. })), "{refused:?}");
    assert!(attempt.ready().is_some());
    // Waiting alone counts.
    pass(limit);
    assert_eq!(attempt.ready(), None);
    attempt.again();
    let refused = attempt.settle(Returned::Value(int(1)), Vec::new());
    assert!(matches!(refused, Err(Refusal::Conflict { retry: None, .. })), "{refused:?}");
}

#[test]
fn a_caller_that_reports_conflicts_lines_up_under_its_name() {
    let engine = engine();
    for n in 1..=RETRIES {
        let wait = engine.report_conflict("caller").wait;
        let middle = Duration::from_millis(2 << (n - 1));
        assert!(wait >= middle.mul_f64(0.79) && wait <= middle.mul_f64(1.21), "{n}: {wait:?}");
        intrude(&engine).unwrap();
    }
    assert_eq!(engine.report_conflict("caller").wait, Duration::from_millis(1));
    intrude(&engine).unwrap_err();
    let mut update = Update::new();
    update.set(path("domain.count"), int(5));
    let version = engine.snapshot().version();
    engine.compare_and_swap_as(Some(Requester::new("other")), version, update.clone()).unwrap_err();
    engine.compare_and_swap_as(Some(Requester::new("caller")), version, update).unwrap();
    // A process of that name is covered as well.
    assert_eq!(add(&engine, "caller", |_| {}).unwrap(), 1);
    engine.report_success("caller");
    intrude(&engine).unwrap();
}

#[test]
fn a_slow_task_among_fast_ones_ends_within_bounded_attempts_and_no_update_is_lost() {
    let engine = engine();
    let (done, fast) = (AtomicBool::new(false), AtomicU32::new(0));
    let attempts = thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    add(&engine, "fast", |_| {}).unwrap();
                    fast.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Work that takes until others have committed, as long as they can.
        let attempts = add(&engine, "slow", |engine| {
            let begun = engine.snapshot().version();
            for _ in 0..50 {
                if engine.snapshot().version() > begun + 1 {
                    break;
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
        done.store(true, Ordering::Relaxed);
        attempts
    });
    assert!((2..=1 + RETRIES + 1).contains(&attempts.unwrap()));
    let made = i64::from(fast.load(Ordering::Relaxed)) + 1;
    assert_eq!(engine.snapshot().get(&path("domain.count")), Some(&int(made)), "an update was lost");
    let committed = engine.trail().counts().iter().find(|(outcome, _)| *outcome == Outcome::Committed);
    assert_eq!(committed, Some((Outcome::Committed, made as u64)));
}
