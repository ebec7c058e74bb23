//! A trail that is closed while somebody still has it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use theus_audit::{Durability, Filter, OnFull, Trail, TrailOptions};

use super::fake::FakeDisk;
use super::{Place, assert_whole, entry, quiet, tasks};

#[test]
fn a_closed_trail_is_whole_free_for_others_and_takes_nothing_more() {
    let place = Place::new();
    let trail = Trail::open(&place.trail(), quiet()).unwrap();
    trail.append(entry(1));
    trail.close();
    trail.close();
    assert_whole(&place.trail());
    // Whoever must have a record is refused, and what happens anyway stays in memory.
    let refused = trail.try_append(entry(2)).unwrap_err();
    assert!(refused.to_string().ends_with("it was closed"), "{refused}");
    assert!(trail.check_writable().is_err());
    trail.append(entry(3));
    assert_eq!(trail.records(Filter::default()).len(), 2);
    let report = trail.verify();
    assert!(report.ok(), "{report:?}");
    assert_eq!((trail.sync().is_ok(), trail.checkpoint().unwrap()), (true, None));
    trail.wait_durable(u64::MAX).unwrap();
    // The next writer needs no drop.
    let next = Trail::open(&place.trail(), quiet()).unwrap();
    next.append(entry(4));
    drop((trail, next));
    assert_eq!(tasks(&place.trail()), [1, 4]);
    assert_whole(&place.trail());
}

#[test]
fn what_is_acknowledged_beside_a_closing_is_in_the_file() {
    for round in 0..20 {
        let place = Place::new();
        let options = TrailOptions { durability: Durability::Each, ..quiet() };
        let trail = Trail::open(&place.trail(), options).unwrap();
        let closing = AtomicBool::new(false);
        let acknowledged: Vec<u64> = thread::scope(|scope| {
            let appenders: Vec<_> = (0..4)
                .map(|thread| {
                    let (trail, closing) = (&trail, &closing);
                    scope.spawn(move || {
                        let mut done = Vec::new();
                        for n in 0.. {
                            let task = thread * 1_000_000 + n;
                            let Ok(record) = trail.try_append(entry(task)) else { break };
                            trail.wait_durable(record.number).unwrap();
                            done.push(task);
                            closing.store(n >= round, Ordering::Relaxed);
                        }
                        done
                    })
                })
                .collect();
            while !closing.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            trail.close();
            appenders.into_iter().flat_map(|appender| appender.join().unwrap()).collect()
        });
        assert_whole(&place.trail());
        let written = tasks(&place.trail());
        assert!(acknowledged.iter().all(|task| written.contains(task)), "round {round}");
    }
}

#[test]
fn the_last_checkpoint_is_handed_over_when_a_trail_is_closed() {
    let place = Place::new();
    let told = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&told);
    let sink: theus_audit::CheckpointSink = Box::new(move |_| tell.store(true, Ordering::Relaxed));
    let trail = Trail::open(&place.trail(), TrailOptions { checkpoints: Some(sink), ..quiet() }).unwrap();
    trail.append(entry(1));
    trail.close();
    assert!(told.load(Ordering::Relaxed), "the last checkpoint is handed over too");
}

#[test]
fn the_function_that_takes_checkpoints_may_ask_the_trail_for_anything() {
    for own_thread in [false, true] {
        let place = Place::new();
        let (trail, called) = (Arc::new(OnceLock::<Trail>::new()), Arc::new(AtomicBool::new(false)));
        let (asked, tell) = (Arc::clone(&trail), Arc::clone(&called));
        let sink: theus_audit::CheckpointSink = Box::new(move |_| {
            let Some(trail) = asked.get() else { return };
            trail.append(entry(2));
            trail.sync().unwrap();
            assert_eq!(trail.checkpoint().unwrap(), None);
            assert!(trail.verify().ok());
            // Not now: whoever made this checkpoint is not done.
            trail.close();
            tell.store(trail.check_writable().is_ok(), Ordering::Relaxed);
        });
        let mut options = TrailOptions { checkpoints: Some(sink), ..quiet() };
        if own_thread {
            options.sync_every = std::time::Duration::from_millis(1);
            options.checkpoint_every = options.sync_every;
        }
        let opened = Trail::open(&place.trail(), options).unwrap();
        let opened = trail.get_or_init(|| opened);
        opened.append(entry(1));
        while own_thread && !called.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        opened.checkpoint().unwrap();
        assert!(called.load(Ordering::Relaxed), "own thread: {own_thread}");
        opened.close();
        assert!(opened.check_writable().is_err());
        assert_whole(&place.trail());
    }
}

#[test]
fn what_a_full_disk_never_took_before_the_end_is_not_called_synced() {
    let (place, disk) = (Place::new(), FakeDisk::default());
    let options = TrailOptions { on_full: OnFull::Pass, durability: Durability::Each, ..quiet() };
    let trail = Trail::open_on(Arc::new(disk.clone()), &place.trail(), options).unwrap();
    let kept = trail.try_append(entry(1)).unwrap().number;
    disk.set_room(Some(0));
    let lost = trail.try_append(entry(2)).unwrap().number;
    trail.close();
    trail.wait_durable(kept).unwrap();
    let refused = trail.wait_durable(lost).unwrap_err();
    assert!(refused.to_string().contains("1 records waited in memory"), "{refused}");
    assert!(trail.sync().is_err());
    assert!(trail.verify().notes.iter().any(|note| note.starts_with("1 records waited")));
}
