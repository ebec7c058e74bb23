//! Syncs: who waits for one, how many there are, and what a failed one means.

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;

use theus_audit::{Durability, OnFull, Trail, TrailError, TrailOptions};

use super::fake::FakeDisk;
use super::{entry, quiet};

const PATH: &str = "/disk/trail.theus";

fn open(disk: &FakeDisk, options: TrailOptions) -> Trail {
    Trail::open_on(Arc::new(disk.clone()), Path::new(PATH), options).unwrap()
}

#[test]
fn batched_records_are_not_waited_for_and_each_ones_are() {
    for (durability, expected) in [(Durability::Batched, 0), (Durability::Each, 1)] {
        let disk = FakeDisk::default();
        let trail = open(&disk, TrailOptions { durability, ..quiet() });
        let before = disk.syncs();
        let number = trail.append(entry(1));
        trail.wait_durable(number).unwrap();
        assert_eq!(disk.syncs() - before, expected, "{durability:?}");
        trail.wait_durable(number).unwrap();
        assert_eq!(disk.syncs() - before, expected, "what is on the disk is not synced again");
    }
}

#[test]
fn those_who_wait_share_syncs() {
    const THREADS: u64 = 8;
    const EACH: u64 = 50;
    let disk = FakeDisk::default();
    let trail = open(&disk, TrailOptions { durability: Durability::Each, ..quiet() });
    let start = Barrier::new(THREADS as usize);
    let before = disk.syncs();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (trail, start) = (&trail, &start);
            scope.spawn(move || {
                for task in 0..EACH {
                    start.wait();
                    let number = trail.append(entry(thread * EACH + task));
                    // All are appended before the first waits, so one sync is enough for all.
                    start.wait();
                    trail.wait_durable(number).unwrap();
                }
            });
        }
    });
    assert_eq!(disk.syncs() - before, EACH);
}

#[test]
fn a_failed_sync_breaks_the_trail_for_good() {
    for on_full in [OnFull::Block, OnFull::Pass] {
        let disk = FakeDisk::default();
        let trail = open(&disk, TrailOptions { durability: Durability::Each, on_full, ..quiet() });
        let durable = trail.append(entry(1));
        trail.wait_durable(durable).unwrap();
        let number = trail.append(entry(2));
        disk.fail_syncs(1);
        let error = trail.wait_durable(number).unwrap_err();
        assert!(error.to_string().contains("the disk is dying"), "{error}");
        // The disk says that all is well now. Nobody believes it.
        let TrailError::Unwritten(refusal) = trail.wait_durable(number).unwrap_err() else {
            panic!("another error");
        };
        assert!(refusal.broken);
        assert!(trail.check_writable().unwrap_err().broken);
        assert!(trail.try_append(entry(3)).unwrap_err().broken);
        assert!(trail.sync().is_err() && trail.checkpoint().is_err());
        // What was on the disk before is there, and what has happened is still written down.
        trail.wait_durable(durable).unwrap();
        assert_eq!(trail.append(entry(4)), number + 1);
        drop(trail);
        let trail = open(&disk, quiet());
        assert_eq!(trail.opened().unwrap().records, 3);
    }
}

#[test]
fn a_sync_that_fails_while_files_change_breaks_the_trail_too() {
    let disk = FakeDisk::default();
    let trail = open(&disk, TrailOptions { max_file: 300, ..quiet() });
    disk.fail_syncs(1);
    let mut taken = trail.len();
    let refusal = (1..10).find_map(|task| match trail.try_append(entry(task)) {
        Ok(record) => {
            taken = record.number;
            None
        }
        Err(refusal) => Some(refusal),
    });
    assert!(refusal.expect("a refusal").broken);
    assert_eq!(trail.len(), taken, "nothing was appended");
    assert_eq!(disk.image().len(), 1, "no next file was begun");
}

#[test]
fn a_checkpoint_comes_after_the_sync_of_what_it_covers() {
    let disk = FakeDisk::default();
    let trail = open(&disk, quiet());
    trail.append(entry(1));
    disk.fail_syncs(1);
    let frames = trail.len();
    trail.checkpoint().unwrap_err();
    assert_eq!(trail.len(), frames, "there is no checkpoint of what is not on the disk");
}
