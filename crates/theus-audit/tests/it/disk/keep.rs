//! What a trail on disk keeps, over openings, files and threads.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use theus_audit::{
    CheckpointNote, Filter, Kind, Outcome, Signer, Trail, TrailOptions, VerifyOptions, records_of,
    trail_files, verify_files,
};

use super::{Place, assert_whole, entry, frames, quiet, records, tasks};

#[test]
fn what_was_appended_is_in_the_file_at_once_and_after_reopening() {
    let place = Place::new();
    let trail = Trail::open(&place.trail(), quiet()).unwrap();
    assert_eq!(trail.opened().unwrap().records, 0);
    let numbers: Vec<u64> = (1..=5).map(|task| trail.append(entry(task))).collect();
    // Frame 1 says which file it is.
    assert_eq!(numbers, [2, 3, 4, 5, 6]);
    let written = records(&place.trail());
    assert!(written.iter().zip(trail.records(Filter::default())).all(|(read, kept)| *read == *kept));
    drop(trail);

    let trail = Trail::open(&place.trail(), quiet()).unwrap();
    let opened = trail.opened().unwrap();
    assert_eq!((opened.records, opened.cut_bytes, opened.cut_at), (5, 0, 0));
    // The checkpoint of the closing, and the frame that tells of the opening.
    assert_eq!(trail.append(entry(6)), 9);
    assert_eq!(trail.counts().get(Outcome::Committed), 1);
    assert!(trail.verify().ok());
    drop(trail);
    assert_eq!(tasks(&place.trail()), [1, 2, 3, 4, 5, 6]);
    assert_whole(&place.trail());
}

#[test]
fn a_new_trail_is_for_its_user_only() {
    let place = Place::new();
    drop(Trail::open(&place.trail(), quiet()).unwrap());
    assert_eq!(fs::metadata(place.trail()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn files_follow_one_another_and_are_one_trail() {
    let place = Place::new();
    let options = || TrailOptions { max_file: 1_000, ..quiet() };
    for round in 0..4 {
        let trail = Trail::open(&place.trail(), options()).unwrap();
        (0..20).for_each(|task| {
            trail.append(entry(round * 20 + task));
            if task % 7 == 0 {
                trail.checkpoint().unwrap().unwrap();
            }
        });
        assert!(trail.verify().ok(), "{:?}", trail.verify());
        drop(trail);
        assert_whole(&place.trail());
    }
    assert_eq!(tasks(&place.trail()), (0..80).collect::<Vec<u64>>());
    let files = trail_files(&place.trail()).unwrap();
    assert!(files.len() > 10, "{} files", files.len());
    for (index, path) in files {
        let bytes = fs::read(path).unwrap();
        let (frames, end) = frames(&bytes);
        assert_eq!(end, bytes.len());
        assert!(end < 2_000, "file {index} has {end} bytes");
        assert!(
            frames
                .iter()
                .map(|(_, frame)| frame.kind == Kind::File)
                .eq((0..frames.len()).map(|place| place == 0))
        );
    }
}

#[test]
fn threads_write_in_the_order_of_their_numbers_and_none_is_missing() {
    const THREADS: u64 = 8;
    const EACH: u64 = 500;
    let place = Place::new();
    let options = TrailOptions {
        max_file: 50_000,
        sync_every: Duration::from_millis(1),
        checkpoint_records: 50,
        ..quiet()
    };
    let trail = Trail::open(&place.trail(), options).unwrap();
    let start = Barrier::new(THREADS as usize);
    let mut given: Vec<u64> = thread::scope(|scope| {
        let appenders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (trail, start) = (&trail, &start);
                scope.spawn(move || {
                    start.wait();
                    let number = |task| trail.try_append(entry(thread * EACH + task)).unwrap().number;
                    (0..EACH).map(number).collect::<Vec<u64>>()
                })
            })
            .collect();
        appenders.into_iter().flat_map(|appender| appender.join().unwrap()).collect()
    });
    let report = trail.verify();
    assert!(report.ok(), "{report:?}");
    drop(trail);
    assert_whole(&place.trail());
    let read: Vec<u64> = records(&place.trail()).iter().map(|record| record.number).collect();
    given.sort_unstable();
    assert_eq!(read, given);
    let mut seen = tasks(&place.trail());
    for thread in 0..THREADS {
        let own = seen.iter().copied().filter(|task| task / EACH == thread);
        assert!(own.eq(thread * EACH..(thread + 1) * EACH), "thread {thread} lost its order");
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..THREADS * EACH).collect::<Vec<u64>>());
}

#[test]
fn checkpoints_are_signed_and_handed_out_by_the_trails_own_thread() {
    let place = Place::new();
    let signer = || Signer::from_seed("example.com/trail", &[7; 32]).unwrap();
    let key = signer().public_key();
    let notes = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::new(std::sync::Condvar::new());
    let (kept, tell) = (Arc::clone(&notes), Arc::clone(&told));
    let options = TrailOptions {
        signer: Some(signer()),
        sync_every: Duration::from_millis(1),
        checkpoint_every: Duration::from_millis(1),
        checkpoints: Some(Box::new(move |note| {
            kept.lock().unwrap().push(note.to_owned());
            tell.notify_all();
            panic!("what a stranger's function breaks is its own");
        })),
        ..TrailOptions::new([1; 16], 1)
    };
    let trail = Trail::open(&place.trail(), options).unwrap();
    for task in 1..=3 {
        let number = trail.append(entry(task));
        let covers = |note: &String| CheckpointNote::parse(note).unwrap().checkpoint().size >= number;
        let waiting = |notes: &mut Vec<String>| !notes.last().is_some_and(covers);
        let (_notes, timeout) =
            told.wait_timeout_while(notes.lock().unwrap(), Duration::from_secs(60), waiting).unwrap();
        assert!(!timeout.timed_out(), "no checkpoint of frame {number}");
    }
    drop(trail);
    let notes: Vec<CheckpointNote> =
        notes.lock().unwrap().iter().map(|note| CheckpointNote::parse(note).unwrap()).collect();
    assert!(notes.iter().all(|note| note.is_signed_by(&key) == Ok(true)));
    assert!(notes.windows(2).all(|pair| pair[0].checkpoint().size < pair[1].checkpoint().size));
    let options = VerifyOptions { key: Some(&key), checkpoints: &notes };
    let report = verify_files(&place.trail(), &options).unwrap();
    assert!(report.ok() && report.signed && report.kept == notes.len() as u64, "{report:?}");
}

#[test]
fn a_checkpoint_is_made_only_of_what_is_new() {
    let place = Place::new();
    let trail = Trail::open(&place.trail(), quiet()).unwrap();
    assert_eq!(trail.checkpoint().unwrap(), None);
    trail.append(entry(1));
    let note = CheckpointNote::parse(&trail.checkpoint().unwrap().unwrap()).unwrap();
    assert_eq!(note.checkpoint().size, 2);
    assert_eq!(note.checkpoint().origin, "theus/6120747261696c27732069643a203136");
    assert_eq!(trail.checkpoint().unwrap(), None);
    assert_eq!(trail.len(), 3);
}

#[test]
fn a_clock_that_was_set_back_does_not_make_the_trail_look_edited() {
    let place = Place::new();
    let at = |now| TrailOptions { now, ..quiet() };
    let trail = Trail::open(&place.trail(), at(|| 2_000)).unwrap();
    trail.append(entry(1));
    drop(trail);
    let trail = Trail::open(&place.trail(), at(|| 1_000)).unwrap();
    trail.append(entry(2));
    drop(trail);
    assert_whole(&place.trail());
    assert!(records(&place.trail()).iter().all(|record| record.time == 2_000));
}

#[test]
fn records_can_be_read_while_the_trail_is_written() {
    let place = Place::new();
    let options = TrailOptions { max_file: 20_000, ..quiet() };
    let trail = Trail::open(&place.trail(), options).unwrap();
    thread::scope(|scope| {
        let appender = scope.spawn(|| {
            (0..2_000).for_each(|task| {
                trail.append(entry(task));
            });
        });
        while !appender.is_finished() {
            let tasks = records_of(&place.trail()).unwrap().map_while(Result::ok).map(|record| record.task);
            assert!(tasks.zip(0..).all(|(task, expected)| task == expected));
            assert!(trail.verify().ok());
        }
    });
}

#[test]
fn a_file_that_others_put_in_the_trails_place_is_found() {
    let place = Place::new();
    let trail = Trail::open(&place.trail(), quiet()).unwrap();
    trail.append(entry(1));
    let other = Trail::open(&place.file("other"), quiet()).unwrap();
    other.append(entry(2));
    assert!(trail.verify().ok());
    fs::copy(place.file("other"), place.trail()).unwrap();
    let finding = trail.verify().finding.expect("a finding");
    assert!(finding.reason.contains("others were put in their place"), "{finding}");
}

#[test]
fn records_do_not_end_without_a_word_where_the_trail_goes_on() {
    let place = Place::new();
    let trail = Trail::open(&place.trail(), quiet()).unwrap();
    for task in 1..=5 {
        trail.append(entry(task));
    }
    trail.checkpoint().unwrap();
    drop(trail);
    let whole = fs::read(place.trail()).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(place.trail(), &damaged).unwrap();
    assert!(
        records_of(&place.trail()).unwrap().any(|record| record.is_err()),
        "a checkpoint lies behind the flaw"
    );
    // Half a frame is the end, and so is half a beginning; another file is neither.
    fs::write(place.trail(), &whole[..whole.len() / 2]).unwrap();
    assert!(records_of(&place.trail()).unwrap().all(|record| record.is_ok()));
    for (content, read) in
        [(&whole[..0], true), (&whole[..9], true), (b"root:x:0:0:root:/root:/bin/sh\n", false)]
    {
        fs::write(place.trail(), content).unwrap();
        assert_eq!(records_of(&place.trail()).unwrap().next().is_none(), read, "{} bytes", content.len());
    }
}
