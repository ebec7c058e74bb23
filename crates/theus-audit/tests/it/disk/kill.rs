//! Real kills: a process that appends from several threads dies at any moment, and what it had appended is there.
//!
//! The number of rounds is THEUS_KILLS.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use theus_audit::{Durability, Entry, Outcome, Signer, Trail, TrailOptions, VerifyOptions, verify_files};
use theus_testkit::crash::{Dice, Victim, role, rounds};

use super::{Place, quiet, records};

const THREADS: u64 = 3;
/// How many openings a trail gets before a new one is begun.
const OPENINGS: u64 = 8;

fn options(folder: &Path, durability: Durability) -> TrailOptions {
    TrailOptions {
        max_file: 8_000,
        durability,
        sync_every: Duration::from_millis(1),
        checkpoint_records: 20,
        checkpoint_every: Duration::from_millis(2),
        checkpoint_file: Some(folder.join("kept")),
        signer: Some(Signer::from_seed("example.com/killed", &[9; 32]).unwrap()),
        ..quiet()
    }
}

/// The victim: opens the trail, and says of each append that it has returned: the thread's slot in a file has the number of
/// the thread's newest record, and how many it has appended.
#[test]
#[ignore = "a role that other tests start as a process of its own"]
fn play() {
    let (folder, socket) = role().expect("started by another test");
    let folder = PathBuf::from(folder);
    let trail = Trail::open(&folder.join("trail.theus"), options(&folder, Durability::Each)).unwrap();
    let said = OpenOptions::new().write(true).open(folder.join("said")).unwrap();
    UnixStream::from(socket).write_all(b"open").unwrap();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (trail, said) = (&trail, &said);
            scope.spawn(move || {
                for task in 1.. {
                    let entry = Entry::new(format!("thread {thread}"), task, Outcome::Committed);
                    let number = if task % 2 == 0 {
                        trail.append(entry)
                    } else {
                        trail.try_append(entry).unwrap().number
                    };
                    if task % 16 == 0 {
                        trail.wait_durable(number).unwrap();
                    }
                    let slot = [number.to_le_bytes(), task.to_le_bytes()].concat();
                    said.write_all_at(&slot, thread * 16).unwrap();
                }
            });
        }
    });
}

fn said(folder: &Place) -> Vec<(u64, u64)> {
    let bytes = fs::read(folder.file("said")).unwrap();
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    bytes.chunks(16).map(|slot| (number(&slot[..8]), number(&slot[8..]))).collect()
}

#[test]
fn a_killed_process_loses_nothing_that_it_had_appended() {
    let mut dice = Dice::of_this_run();
    let seed = dice.seed();
    let (mut place, mut before) = (Place::new(), 0);
    let (mut torn, mut appended) = (0, 0);
    for round in 0..rounds(25) {
        if round % OPENINGS == 0 {
            (place, before) = (Place::new(), 0);
        }
        fs::write(place.file("said"), vec![0; THREADS as usize * 16]).unwrap();
        let folder = place.file("");
        let mut victim = Victim::start("disk::kill::play", folder.to_str().unwrap());
        // Every fifth dies somewhere on its way to an open trail.
        if round % 5 != 4 {
            assert_eq!(victim.receive(0).0, b"open", "seed {seed}, round {round}");
        }
        let end = Instant::now() + Duration::from_micros(dice.below(12_000));
        while Instant::now() < end {
            thread::yield_now();
        }
        assert_eq!(victim.kill(), Some(9), "seed {seed}, round {round}");

        let said = said(&place);
        let trail = Trail::open(&place.trail(), options(&folder, Durability::Batched));
        let trail = trail.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}"));
        let opened = trail.opened().unwrap();
        torn += u64::from(opened.cut_bytes > 0);
        drop(trail);
        let key = Signer::from_seed("example.com/killed", &[9; 32]).unwrap().public_key();
        let report =
            verify_files(&place.trail(), &VerifyOptions { key: Some(&key), checkpoints: &[] }).unwrap();
        assert!(report.ok(), "seed {seed}, round {round}: {:?}", report.finding);
        let records = records(&place.trail());
        assert_eq!(records.len() as u64, opened.records);
        let new = &records[before..];
        for (thread, (number, task)) in said.into_iter().enumerate() {
            let name = format!("thread {thread}");
            let own: Vec<_> = new.iter().filter(|record| *record.process == *name).collect();
            assert!(
                own.iter().map(|record| record.task).eq(1..=own.len() as u64),
                "seed {seed}, round {round}: a gap"
            );
            assert!(
                own.len() as u64 >= task,
                "seed {seed}, round {round}: {task} appended, {} there",
                own.len()
            );
            let told = task.checked_sub(1).map(|place| own[place as usize].number);
            assert_eq!(told.unwrap_or_default(), number, "seed {seed}, round {round}");
        }
        appended += new.len();
        before = records.len();
    }
    println!("{appended} records, {torn} torn ends");
}
