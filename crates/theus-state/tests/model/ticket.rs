//! The ticket: only its holder commits, it is handed on when a holder goes, and no wake-up is lost.

use crate::counter::{increment, number, set};
use crate::gate::{DROWSY, EARLY, GHOSTS, Gate, SILENT, SOUND, Twin};
use crate::{explore, must_find};
use theus_state::{CommitError, Requester, Store};
use theus_sync::thread;

/// Lines up, waits, and commits at the first attempt, since nobody else may meanwhile.
fn go_next<G: Gate>(gate: &G, who: &'static str) {
    let place = gate.line_up(who);
    G::wait(&place);
    let commit = increment(&gate.snapshot()).requester(Requester::new(who));
    match gate.commit(commit) {
        Ok(_) => {}
        Err(CommitError::Busy { .. }) => panic!("the holder was kept out"),
        Err(_) => panic!("another committed while the ticket was held"),
    }
}

fn spawn<G: Gate, T: 'static>(
    gate: &G,
    work: impl FnOnce(&G) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let gate = gate.clone();
    thread::spawn(move || work(&gate))
}

/// One with the ticket, one without.
fn only_the_holder_commits<G: Gate>() {
    explore(None, || {
        let gate = G::new();
        let other = spawn(&gate, |gate| go_next(gate, "slow"));
        let passed = match gate.commit(set(u64::MAX, "left", 7)) {
            Ok(_) => true,
            Err(CommitError::Busy { holder, .. }) => {
                assert_eq!(holder, Requester::new("slow"));
                false
            }
            Err(error) => panic!("{error}"),
        };
        other.join().unwrap();
        assert_eq!(gate.snapshot().version(), 1 + u64::from(passed));
    });
}

/// Two that want the ticket: each gets it, one after the other.
fn the_ticket_is_handed_on<G: Gate>(wanting: &'static [&'static str], preemptions: Option<usize>) {
    explore(preemptions, move || {
        let gate = G::new();
        let (first, others) = wanting.split_first().unwrap();
        let others: Vec<_> = others.iter().map(|who| spawn(&gate, |gate| go_next(gate, who))).collect();
        go_next(&gate, first);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(number(&gate.snapshot(), "left"), wanting.len() as i64, "an update was lost");
        assert!(gate.commit(set(u64::MAX, "left", 0)).is_ok(), "the ticket was not given back");
    });
}

/// The holder goes without a commit, and one that waits leaves the line, while a third waits.
fn the_dead_hinder_nobody<G: Gate>() {
    explore(Some(3), || {
        let gate = G::new();
        let holder = gate.line_up("holder");
        let impatient = spawn(&gate, |gate| drop(gate.line_up("impatient")));
        let patient = spawn(&gate, |gate| go_next(gate, "patient"));
        drop(holder);
        impatient.join().unwrap();
        patient.join().unwrap();
        assert_eq!(gate.snapshot().version(), 1);
    });
}

/// One waits until it is not kept out any more.
fn those_kept_out_are_woken<G: Gate>() {
    explore(None, || {
        let gate = G::new();
        let holder = gate.line_up("holder");
        let other = spawn(&gate, |gate| {
            gate.wait_unblocked();
            gate.commit(set(0, "left", 1)).unwrap();
        });
        drop(holder);
        other.join().unwrap();
    });
}

#[test]
fn store_lets_only_the_holder_commit() {
    only_the_holder_commits::<Store>();
}

#[test]
fn store_hands_the_ticket_on() {
    the_ticket_is_handed_on::<Store>(&["one", "two"], None);
}

#[test]
fn store_hands_the_ticket_on_among_three() {
    the_ticket_is_handed_on::<Store>(&["one", "two", "three"], Some(3));
}

#[test]
fn store_hands_the_ticket_on_from_the_dead() {
    the_dead_hinder_nobody::<Store>();
}

#[test]
fn store_wakes_those_kept_out() {
    those_kept_out_are_woken::<Store>();
}

#[test]
fn the_sound_twin_passes_so_the_planted_bugs_are_what_is_found() {
    only_the_holder_commits::<Twin<SOUND>>();
    the_ticket_is_handed_on::<Twin<SOUND>>(&["one", "two"], None);
    the_dead_hinder_nobody::<Twin<SOUND>>();
    those_kept_out_are_woken::<Twin<SOUND>>();
}

#[test]
fn planted_early_look_is_found() {
    must_find("another committed while the ticket was held", only_the_holder_commits::<Twin<EARLY>>);
}

#[test]
fn planted_silence_is_found() {
    must_find("deadlock", || the_ticket_is_handed_on::<Twin<SILENT>>(&["one", "two"], None));
    must_find("deadlock", those_kept_out_are_woken::<Twin<SILENT>>);
}

#[test]
fn planted_lost_wake_up_is_found() {
    must_find("deadlock", || the_ticket_is_handed_on::<Twin<DROWSY>>(&["one", "two"], None));
    must_find("deadlock", those_kept_out_are_woken::<Twin<DROWSY>>);
}

#[test]
fn planted_ghost_is_found() {
    must_find("deadlock", the_dead_hinder_nobody::<Twin<GHOSTS>>);
}
