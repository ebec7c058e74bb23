//! Many threads append and read at once.

use std::sync::Barrier;
use std::thread;

use theus_audit::{Entry, Filter, Outcome, Trail};

const THREADS: u64 = 4;
const OUTCOMES: u64 = Outcome::ALL.len() as u64;
const EACH: u64 = 200 * OUTCOMES;

#[test]
fn concurrent_appends_give_gapless_numbers() {
    let trail = Trail::new((THREADS * EACH) as usize);
    let start = Barrier::new(THREADS as usize);
    let mut numbers: Vec<u64> = thread::scope(|scope| {
        let appenders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (trail, start) = (&trail, &start);
                scope.spawn(move || {
                    start.wait();
                    let numbers = (0..EACH).map(|task| {
                        let outcome = Outcome::ALL[(task % OUTCOMES) as usize];
                        trail.append(Entry::new(format!("thread {thread}"), task, outcome))
                    });
                    numbers.collect::<Vec<u64>>()
                })
            })
            .collect();
        appenders.into_iter().flat_map(|appender| appender.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=THREADS * EACH).collect::<Vec<u64>>());

    let records = trail.records(Filter::default());
    assert!(records.iter().map(|record| record.number).eq(1..=THREADS * EACH));
    assert!(records.iter().all(|record| record.is_intact()));
    for (outcome, count) in trail.counts().iter() {
        assert_eq!(count, THREADS * EACH / OUTCOMES, "{outcome}");
    }
    for thread in 0..THREADS {
        let process = format!("thread {thread}");
        let own = trail.records(Filter { process: Some(&process), since: None });
        assert!(own.iter().map(|record| record.task).eq(0..EACH), "{process} lost its order");
    }
}

#[test]
fn a_reader_beside_appends_sees_consecutive_numbers() {
    let trail = Trail::new(64);
    thread::scope(|scope| {
        let appender = scope.spawn(|| {
            (0..20_000).for_each(|task| {
                trail.append(Entry::new("thumbnail", task, Outcome::Committed));
            });
        });
        while !appender.is_finished() {
            let records = trail.records(Filter::default());
            assert!(records.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
            assert!(records.len() <= 64);
        }
    });
}

#[test]
fn a_trail_may_be_shared_and_sent() {
    const fn shared_and_sent<T: Send + Sync>() {}
    const { shared_and_sent::<Trail>() };
    const { shared_and_sent::<theus_audit::Record>() };
}
