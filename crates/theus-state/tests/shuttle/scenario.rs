//! What eight threads do at once: commit in every way, line up for the ticket and leave, commit while others observe.

use crate::counter::{increment, number, set};
use crate::feed::Feed;
use crate::gate::Gate;
use crate::subject::{Subject, Unlocked};
use std::time::Duration;
use theus_state::{
    CommitError, CommitRefused, ConflictManager, RecvError, Requester, Store, TransactionError,
    TransactionOptions,
};
use theus_sync::thread::{self, JoinHandle};

const THREADS: u64 = 8;
const EACH: u64 = 3;

/// One increment in the way that the number says: the version, or nothing if it was refused.
pub(crate) trait Counter: Subject {
    fn try_increment(&self, way: u64) -> Option<u64>;
}

impl Counter for Unlocked {
    fn try_increment(&self, _way: u64) -> Option<u64> {
        self.commit(increment(&self.snapshot())).ok()
    }
}

/// A refusal that tells to try again; anything else is a failure.
fn again(error: &CommitError) {
    assert!(matches!(error, CommitError::Conflict { .. } | CommitError::Busy { .. }), "{error}");
}

impl Counter for Store {
    fn try_increment(&self, way: u64) -> Option<u64> {
        let who = Requester::task("counter", way);
        match way % 4 {
            0 => self.commit_checked(increment(&self.snapshot()), |_, _| Ok::<(), ()>(())).map_or_else(
                |refused| match refused {
                    CommitRefused::Commit(error) => {
                        again(&error);
                        None
                    }
                    CommitRefused::Check { .. } => panic!("the check agrees"),
                },
                |done| Some(done.version),
            ),
            1 => {
                let mut transaction = self.transaction(TransactionOptions {
                    life: Duration::MAX,
                    idle: Duration::MAX,
                    ..TransactionOptions::default()
                });
                let update = increment(transaction.base()).update;
                transaction.update(update).unwrap();
                match transaction.commit() {
                    Ok(done) => Some(done.version),
                    Err(TransactionError::Commit(error)) => {
                        again(&error);
                        None
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            2 => {
                // With the ticket from the first conflict on, and then at the first attempt.
                let manager = ConflictManager::new(self.clone(), 0, Duration::ZERO).lease(Duration::MAX);
                let mut holds = false;
                loop {
                    let done = self.commit(increment(&self.snapshot()).requester(who.clone()));
                    let Err(error) = done else { return done.ok().map(|done| done.version) };
                    again(&error);
                    assert!(!holds || matches!(error, CommitError::Busy { .. }), "the holder met a conflict");
                    holds = manager.report_conflict(&who).wait == Duration::from_millis(1);
                    assert!(self.wait_unblocked(Some(&who), Duration::MAX));
                }
            }
            _ => {
                let done = self.commit(increment(&self.snapshot()).requester(who));
                done.map_err(|error| again(&error)).ok().map(|done| done.version)
            }
        }
    }
}

/// Eight that increment one counter, each in its own way, and one that looks.
pub(crate) fn committers<C: Counter>() {
    let counter = C::new();
    let threads: Vec<JoinHandle<Vec<u64>>> = (0..THREADS)
        .map(|way| {
            let counter = counter.clone();
            let persist = move || loop {
                if let Some(version) = counter.try_increment(way) {
                    return version;
                }
                thread::yield_now();
            };
            thread::spawn(move || (0..EACH).map(|_| persist()).collect())
        })
        .collect();
    let mut last = 0;
    for _ in 0..4 {
        let (version, seen) = counter.look();
        assert!(version == seen.version() && version >= last, "versions went back");
        assert_eq!(number(&seen, "left"), number(&seen, "right"), "a version was torn");
        last = version;
    }
    let mut versions: Vec<u64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(number(&counter.snapshot(), "left") as u64, THREADS * EACH, "an update was lost");
    versions.sort_unstable();
    assert!(versions.into_iter().eq(1..=THREADS * EACH), "a version is missing or was made twice");
}

/// Eight in and out of line: those that hold the ticket commit at the first attempt, some only pass by, some leave the
/// line, and those without it come through in the end.
pub(crate) fn line<G: Gate>() {
    let gate = G::new();
    let names = ["0", "1", "2", "3", "4", "5", "6", "7"];
    let threads: Vec<JoinHandle<u64>> = names
        .into_iter()
        .enumerate()
        .map(|(n, who)| {
            let gate = gate.clone();
            thread::spawn(move || match n % 4 {
                0 | 1 => hold(&gate, who),
                2 => {
                    // Leaves the line, perhaps as the holder.
                    drop(gate.line_up(who));
                    0
                }
                _ => loop {
                    match gate.commit(increment(&gate.snapshot())) {
                        Ok(_) => return 1,
                        Err(CommitError::Busy { .. }) => gate.wait_unblocked(),
                        Err(_) => thread::yield_now(),
                    }
                },
            })
        })
        .collect();
    let made: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let now = gate.snapshot();
    assert_eq!((now.version(), number(&now, "left") as u64), (made, made), "an update was lost");
    assert!(gate.commit(set(u64::MAX, "left", 0)).is_ok(), "the ticket was not given back");
}

/// Waits for the ticket and commits twice with it; how often it committed.
fn hold<G: Gate>(gate: &G, who: &'static str) -> u64 {
    let place = gate.line_up(who);
    G::wait(&place);
    for _ in 0..2 {
        match gate.commit(increment(&gate.snapshot()).requester(Requester::new(who))) {
            Ok(_) => {}
            Err(CommitError::Busy { .. }) => panic!("the holder was kept out"),
            Err(_) => panic!("another committed while the ticket was held"),
        }
    }
    2
}

/// Six that commit, one that receives all of it in a small queue, until the store is gone.
pub(crate) fn observers<F: Feed>() {
    let feed = F::new();
    let observer = feed.observe(4);
    let receiver = thread::spawn(move || {
        let (mut versions, mut lost) = (vec![], 0);
        loop {
            match F::recv(&observer) {
                Ok(version) => versions.push(version),
                Err(RecvError::Lagged { missed }) => lost += missed,
                Err(RecvError::Closed) => return (versions, lost),
                Err(error) => panic!("{error}"),
            }
        }
    });
    let committers: Vec<JoinHandle<()>> = (0..6)
        .map(|_| {
            let feed = feed.clone();
            thread::spawn(move || {
                (0..EACH).for_each(|_| {
                    feed.commit();
                });
            })
        })
        .collect();
    drop(feed);
    committers.into_iter().for_each(|committer| committer.join().unwrap());
    let (versions, missed) = receiver.join().unwrap();
    assert!(versions.is_sorted_by(|a, b| a < b), "not in order: {versions:?}");
    assert_eq!(versions.len() as u64 + missed, 6 * EACH, "the events and those missed are not all");
    assert_eq!(versions.last(), Some(&(6 * EACH)), "the newest was dropped");
}
