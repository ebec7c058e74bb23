//! Counters, log and latch of an audit system, and how the rules of a call are judged.

use std::sync::{Arc, Barrier};
use std::thread;

use theus_audit::{AuditRecipe, AuditSystem, Book, Leniency, Level, Number, Rule, Subject, Verdict};

fn rules(text: &str) -> (AuditSystem, Vec<Rule>) {
    let (book, _) = Book::parse(text, "r.yaml", Leniency::Strict).unwrap_or_else(|error| panic!("{error}"));
    (AuditSystem::new(book.recipe, 10), book.processes["p"].inputs.clone())
}

fn int(value: i128) -> Subject<'static> {
    Subject::Number(Number::Int(value))
}

fn messages(audit: &AuditSystem) -> Vec<String> {
    audit.get_logs().iter().map(|entry| entry.message.clone()).collect()
}

#[test]
fn the_log_keeps_the_newest_entries_and_counts_all() {
    let audit = AuditSystem::with_clock(AuditRecipe::default(), 2, || 12.5);
    for message in ["one", "two", "three"] {
        audit.log("greet", message);
    }
    assert_eq!(messages(&audit), ["two", "three"]);
    let first = &audit.get_logs()[0];
    assert_eq!((first.timestamp, first.key.as_str()), (12.5, "greet"));
    assert_eq!((audit.ring_buffer_len(), audit.get_count_all(), audit.capacity()), (2, 3, 2));
    assert_eq!(audit.get_count("greet"), 0, "an entry is no failure");
    // A reader keeps what it read.
    let read = audit.get_logs();
    audit.log("greet", "four");
    assert_eq!(read[0].message, "two");
}

#[test]
fn without_capacity_entries_are_counted_only() {
    let audit = AuditSystem::new(AuditRecipe::default(), 0);
    audit.log("greet", "one");
    assert_eq!((audit.ring_buffer_len(), audit.get_count_all()), (0, 1));
    assert!(audit.get_logs().is_empty());
    assert_eq!(AuditSystem::default().capacity(), 1000);
}

#[test]
fn a_failure_is_counted_and_not_logged() {
    let audit = AuditSystem::default();
    audit.log_fail("greet", None, None);
    assert_eq!((audit.get_count("greet"), audit.get_count_all()), (1, 0));
}

#[test]
fn a_success_resets_its_key_and_no_other() {
    let audit = AuditSystem::default();
    for key in ["a", "a", "b"] {
        audit.log_fail(key, None, None);
    }
    audit.log_success("a");
    audit.log_success("unknown");
    assert_eq!((audit.get_count("a"), audit.get_count("b")), (0, 1));
    audit.log_success("b");
    audit.log_fail("a", None, None);
    assert_eq!((audit.get_count("a"), audit.get_count("b")), (1, 0));
}

#[test]
fn without_reset_on_success_counts_only_rise() {
    let audit = AuditSystem::new(AuditRecipe { reset_on_success: false, ..AuditRecipe::default() }, 10);
    for expected in [Verdict::Pass, Verdict::Pass, Verdict::Pass] {
        assert_eq!(audit.log_fail("a", None, None), expected);
        audit.log_success("a");
    }
    assert!(matches!(audit.log_fail("a", None, None), Verdict::Refuse(_)));
}

#[test]
fn a_stop_latches_the_first_refusal_until_reset() {
    let audit = AuditSystem::new(AuditRecipe { stop_latch: true, ..AuditRecipe::default() }, 10);
    audit.log_fail("a", Some(Level::Abort), None);
    assert_eq!(audit.stopped(), None, "an abort does not latch");
    audit.log_fail("b", Some(Level::Stop), None);
    audit.log_fail("c", Some(Level::Stop), None);
    audit.log_success("b");
    assert_eq!(audit.stopped().map(|refusal| (refusal.key, refusal.level)), Some(("b".into(), Level::Stop)));
    audit.log("b", "kept");
    audit.reset();
    assert_eq!((audit.stopped(), audit.get_count("a"), audit.get_count("c")), (None, 0, 0));
    assert_eq!(messages(&audit), ["kept"]);
    let audit = AuditSystem::default();
    audit.log_fail("a", Some(Level::Stop), None);
    assert_eq!(audit.stopped(), None, "the recipe does not latch");
}

#[test]
fn a_failing_rule_is_logged_once_and_counted_once() {
    let (audit, rules) = rules(
        "process_recipes: {p: {inputs: [{field: age, min: 18, max: 10}]}}"
            .replace("max: 10", "max: 99")
            .as_str(),
    );
    let judgement = audit.judge(&rules, |_| int(17));
    assert_eq!((judgement.warnings.len(), judgement.refused), (0, None));
    assert_eq!(messages(&audit), ["VIOLATION: age is 17; it must be at least 18"]);
    assert_eq!(audit.get_logs()[0].key, "p:input:age");
    assert_eq!(audit.get_count("p:input:age"), 1);
    audit.judge(&rules, |_| int(18));
    assert_eq!((audit.get_count("p:input:age"), audit.get_count_all()), (0, 1));
    audit.judge(&rules, |_| int(17));
    audit.judge(&rules, |_| Subject::Absent);
    assert_eq!(audit.get_count("p:input:age"), 1, "what is skipped did not pass");
}

#[test]
fn judging_ends_at_the_first_refusal() {
    let text = "
level: C
threshold_min: 1
process_recipes:
  p:
    inputs:
      - {field: a, min: 1}
      - {field: b, min: 1, level: A, message: b is bad}
      - {field: c, min: 1, level: S}
";
    let (audit, rules) = rules(text);
    let mut seen = Vec::new();
    let judgement = audit.judge(&rules, |rule| {
        seen.push(rule.field().to_owned());
        int(0)
    });
    assert_eq!(seen, ["a", "b"]);
    let warning = "Audit Warning: p:input:a failed (count 1, threshold 3): a is 0; it must be at least 1";
    assert_eq!(judgement.warnings, [warning]);
    let refusal = judgement.refused.expect("b refuses");
    assert_eq!((refusal.level, refusal.key.as_str()), (Level::Abort, "p:input:b"));
    assert_eq!(refusal.message, "Audit Aborted: p:input:b failed: b is bad");
    assert_eq!(messages(&audit), ["VIOLATION: a is 0; it must be at least 1", "VIOLATION: b is bad"]);
    assert_eq!(["a", "b", "c"].map(|field| audit.get_count(&format!("p:input:{field}"))), [1, 1, 0]);
}

#[test]
fn a_rule_of_level_ignore_is_not_looked_at() {
    let (audit, rules) =
        rules("level: I\nprocess_recipes: {p: {inputs: [{field: a, min: 1}, {field: b, min: 1, level: A}]}}");
    let mut seen = Vec::new();
    let judgement = audit.judge(&rules, |rule| {
        seen.push(rule.field().to_owned());
        int(0)
    });
    assert_eq!(seen, ["b"]);
    assert!(judgement.refused.is_some());
    assert_eq!((audit.get_count("p:input:a"), audit.get_count_all()), (0, 1));
}

#[test]
fn a_rule_of_level_block_refuses_above_its_own_threshold() {
    let (audit, rules) =
        rules("threshold_max: 9\nprocess_recipes: {p: {inputs: [{field: a, min: 1, max_threshold: 1}]}}");
    assert_eq!(audit.judge(&rules, |_| int(0)).refused, None);
    let refusal = audit.judge(&rules, |_| int(0)).refused.expect("the second");
    let message =
        "Audit Blocked: p:input:a exceeded threshold 1 with failure 2: a is 0; it must be at least 1";
    assert_eq!(refusal.message, message);
}

/// The lock is free while the caller's code runs: it may use the system itself, and may panic.
#[test]
fn a_look_may_use_the_system_and_may_panic() {
    let (audit, rules) = rules("process_recipes: {p: {inputs: [{field: a, min: 1}]}}");
    audit.judge(&rules, |_| {
        audit.log_fail("inner", None, None);
        int(audit.get_count("inner").into())
    });
    assert_eq!(audit.get_count("inner"), 1);
    let judge = || audit.judge(&rules, |_| panic!("a length that raises"));
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(judge)).unwrap_err();
    assert_eq!(audit.get_count("inner"), 1);
}

#[test]
fn systems_share_nothing_but_the_shared_one() {
    let (one, other) = (AuditSystem::default(), AuditSystem::default());
    one.log_fail("a", None, None);
    assert_eq!(other.get_count("a"), 0);
    let key = "a key of this test alone";
    let before = AuditSystem::shared().get_count(key);
    thread::spawn(move || AuditSystem::shared().log_fail(key, Some(Level::Count), None))
        .join()
        .expect("no panic");
    assert_eq!(AuditSystem::shared().get_count(key), before + 1);
}

#[test]
fn no_failure_is_lost_between_threads() {
    const THREADS: usize = 4;
    const EACH: usize = 2_000;
    let recipe = AuditRecipe { threshold_max: 5_000, ..AuditRecipe::default() };
    let audit = Arc::new(AuditSystem::new(recipe, 100));
    let start = Arc::new(Barrier::new(THREADS));
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let (audit, start) = (Arc::clone(&audit), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                let own = format!("own {number}");
                let mut refused = 0;
                for _ in 0..EACH {
                    audit.log("log", "entry");
                    refused += usize::from(matches!(audit.log_fail("all", None, None), Verdict::Refuse(_)));
                    audit.log_fail(&own, None, None);
                    audit.log_success(&own);
                }
                refused
            })
        })
        .collect();
    let refused: usize = threads.into_iter().map(|thread| thread.join().expect("no panic")).sum();
    assert_eq!(audit.get_count("all"), (THREADS * EACH) as u64);
    assert_eq!(refused, THREADS * EACH - 5_000, "each count was seen by exactly one");
    assert_eq!(audit.get_count_all(), (THREADS * EACH) as u64);
    assert_eq!((0..THREADS).map(|number| audit.get_count(&format!("own {number}"))).sum::<u64>(), 0);
}

#[test]
fn a_system_may_be_shared_and_sent() {
    const fn shared_and_sent<T: Send + Sync>() {}
    const { shared_and_sent::<AuditSystem>() };
    const { shared_and_sent::<Book>() };
}

#[test]
fn a_system_shows_its_recipe_and_uses_the_clock_of_the_system() {
    let recipe = AuditRecipe { level: Level::Abort, threshold_max: 7, ..AuditRecipe::default() };
    let audit = AuditSystem::new(recipe, 1);
    assert_eq!(*audit.recipe(), recipe);
    assert!(format!("{audit:?}").contains("threshold_max: 7"), "{audit:?}");
    audit.log("greet", "now");
    assert!(audit.get_logs()[0].timestamp > 1.7e9, "seconds since 1970");
}
