//! Checked commits and the ticket: a check that keeps losing the race is run so many times and no more.

use crate::counter::set;
use crate::{explore, must_find};
use theus_state::{Commit, CommitError, CommitRefused, Isolation, MAX_RETRIES, Requester, Store};
use theus_sync::thread;
use theus_value::Map;

/// Commits with a check.
type Checker = fn(&Store, Commit, &mut dyn FnMut()) -> Result<u64, CommitError>;

fn with_ticket(store: &Store, commit: Commit, check: &mut dyn FnMut()) -> Result<u64, CommitError> {
    let agrees = |_: &Map, _: &Map| {
        check();
        Ok::<(), ()>(())
    };
    match store.commit_checked(commit, agrees) {
        Ok(done) => Ok(done.version),
        Err(CommitRefused::Commit(error)) => Err(error),
        Err(CommitRefused::Check { .. }) => panic!("the check agrees"),
    }
}

/// Planted bug: tries again and again, and never lines up.
fn without_ticket(store: &Store, commit: Commit, check: &mut dyn FnMut()) -> Result<u64, CommitError> {
    loop {
        let seen = store.snapshot();
        let pending = seen.advance(commit.clone())?;
        check();
        let strictly = Commit { base: seen.version(), isolation: Isolation::Strict, ..commit.clone() };
        if let Ok(done) = store.commit(strictly) {
            assert_eq!(done.version, pending.version());
            return Ok(done.version);
        }
    }
}

/// The first races are lost for sure, the next ones are run against a thread that commits twice.
fn checks_are_bounded(commit_checked: Checker) {
    explore(None, move || {
        let store = Store::new(Map::new());
        let (mut checks, mut rival) = (0, None);
        let done = commit_checked(&store, set(0, "mine", 1), &mut || {
            checks += 1;
            assert!(checks <= MAX_RETRIES + 1, "checked once too often");
            if checks < MAX_RETRIES {
                store.commit(set(u64::MAX, "yours", 1)).unwrap();
            } else if checks == MAX_RETRIES {
                let store = store.clone();
                rival = Some(thread::spawn(move || {
                    let once = |_| store.commit(set(u64::MAX, "yours", 2)).is_ok();
                    (0..2).map(once).filter(|passed| *passed).count() as u64
                }));
            }
        });
        let passed = rival.unwrap().join().unwrap();
        assert!(done.is_ok());
        assert_eq!(
            store.version(),
            u64::from(MAX_RETRIES) + passed,
            "a version is missing or was made twice"
        );
    });
}

/// A ticket that is handed on while a checked commit is under way keeps it out or lets it pass, whole.
fn a_ticket_meets_a_check(commit_checked: Checker) {
    explore(None, move || {
        let store = Store::new(Map::new());
        let holder = store.clone();
        let holder = thread::spawn(move || {
            let ticket = holder.priority(Requester::new("slow"), std::time::Duration::MAX);
            assert!(ticket.holds());
            let base = holder.version();
            let done = holder.commit(set(base, "mine", 2).requester(Requester::new("slow")));
            assert!(
                done.is_ok_and(|done| done.version == base + 1),
                "another committed while the ticket was held"
            );
        });
        let passed = match commit_checked(&store, set(u64::MAX, "mine", 1), &mut || {}) {
            Ok(_) => 1,
            Err(CommitError::Busy { .. }) => 0,
            Err(error) => panic!("{error}"),
        };
        holder.join().unwrap();
        assert_eq!(store.version(), 1 + passed);
    });
}

/// Planted bug: commits as the holder whatever the ticket says, if it was free before the check.
fn looks_too_early(store: &Store, commit: Commit, check: &mut dyn FnMut()) -> Result<u64, CommitError> {
    if let Some(holder) = store.blocked(None) {
        return Err(CommitError::Busy { update: commit.update, base: commit.base, current: 0, holder });
    }
    check();
    store.commit(commit.requester(Requester::new("slow"))).map(|done| done.version)
}

/// Commits if the check agrees to the pending state; whether it did.
type Decider = fn(&Store, Commit, fn(&Map) -> bool) -> bool;

fn decided(store: &Store, commit: Commit, agrees: fn(&Map) -> bool) -> bool {
    store.commit_checked(commit, |pending, _| if agrees(pending) { Ok(()) } else { Err(()) }).is_ok()
}

/// Planted bug: what is published is not compared with what was checked.
fn decided_on_what_was(store: &Store, commit: Commit, agrees: fn(&Map) -> bool) -> bool {
    let pending = store.snapshot().advance(commit.clone());
    pending.is_ok_and(|pending| agrees(pending.root())) && store.commit(commit).is_ok()
}

/// Two that meet nowhere, and a check that agrees to either but not to both: just one passes.
fn what_was_checked_is_published(decide: Decider) {
    explore(None, move || {
        let store = Store::new(Map::new());
        let alone = |pending: &Map| pending.len() < 2;
        let other = store.clone();
        let other = thread::spawn(move || decide(&other, set(0, "left", 1), alone));
        let mine = decide(&store, set(0, "right", 1), alone);
        assert!(mine != other.join().unwrap(), "published what the check never saw");
        assert_eq!((store.version(), store.snapshot().root().len()), (1, 1));
    });
}

#[test]
fn store_publishes_what_was_checked() {
    what_was_checked_is_published(decided);
}

#[test]
fn planted_publication_without_a_comparison_is_found() {
    must_find("published what the check never saw", || what_was_checked_is_published(decided_on_what_was));
}

#[test]
fn checks_that_lose_the_race_are_bounded() {
    checks_are_bounded(with_ticket);
}

#[test]
fn store_keeps_checked_commits_out_of_a_ticket() {
    a_ticket_meets_a_check(with_ticket);
}

#[test]
fn planted_retry_without_an_end_is_found() {
    must_find("checked once too often", || checks_are_bounded(without_ticket));
}

#[test]
fn planted_look_before_the_check_only_is_found() {
    must_find("another committed while the ticket was held", || a_ticket_meets_a_check(looks_too_early));
}
