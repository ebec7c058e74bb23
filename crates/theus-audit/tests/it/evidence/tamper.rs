//! Every way to damage the files of a trail by a byte, a bit or a cut, and many ways to forge them.
//!
//! `THEUS_TAMPER=full` takes 10,000 records, every byte and every bit, and ten times the forgeries. Better in release.

use std::env;

use crate::evidence::forge::{ATTEMPT, CHECKPOINT, FILE, Forged, Log, Plan, place, report};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use theus_audit::{CheckpointNote, MAGIC, Report, Verifier, VerifyOptions};

fn full() -> bool {
    env::var("THEUS_TAMPER").is_ok_and(|value| value == "full")
}

/// A trail of short files, so that a check of a damaged file can begin just before it.
struct Sweep {
    files: Vec<Vec<u8>>,
    /// The verifier before each file, and after the last.
    before: Vec<Verifier>,
    /// The number of the first frame of each file.
    first: Vec<u64>,
    /// Where each frame of each file begins, and where the last ends.
    offsets: Vec<Vec<usize>>,
}

impl Sweep {
    fn new(records: u64) -> Self {
        let log = Plan { records, per_file: 9, per_checkpoint: 50, ..Plan::default() }.build();
        let mut sweep =
            Sweep { files: log.files(), before: Vec::new(), first: Vec::new(), offsets: Vec::new() };
        for frame in &log.frames {
            if frame.kind == FILE {
                sweep.first.push(frame.number);
                sweep.offsets.push(vec![MAGIC.len()]);
            }
            let offsets = sweep.offsets.last_mut().unwrap();
            offsets.push(offsets.last().unwrap() + frame.bytes().len());
        }
        let mut verifier = Verifier::new(&VerifyOptions::default());
        for file in &sweep.files {
            sweep.before.push(verifier.clone());
            verifier.file(&file[..]).unwrap();
        }
        let report = verifier.clone().finish();
        assert!(report.ok() && report.records == records, "{report:?}");
        sweep.before.push(verifier);
        sweep
    }

    /// The report on the trail with this in place of one file.
    fn with(&self, index: usize, file: &[u8], and_later: bool) -> Report {
        let mut verifier = self.before[index].clone();
        verifier.file(file).unwrap();
        if and_later {
            // Two more show whatever there is to show: each begins with a number and a link.
            self.files.iter().skip(index + 1).take(2).for_each(|file| verifier.file(&file[..]).unwrap());
        }
        verifier.finish()
    }

    /// The number of the frame that has this byte.
    fn frame_at(&self, index: usize, at: usize) -> u64 {
        let before = self.offsets[index].iter().filter(|offset| **offset <= at).count().saturating_sub(1);
        self.first[index] + before as u64
    }
}

#[track_caller]
fn assert_bad(report: &Report, number: u64, what: &str) {
    let found = report.finding.as_ref().map(place);
    assert_eq!(found, Some((number, number)), "{what}: {report:?}");
}

#[test]
fn every_truncation_is_found_at_its_frame_or_leaves_a_trail_that_was_once_whole() {
    let sweep = Sweep::new(if full() { 10_000 } else { 1_000 });
    let mut count = 0_u64;
    for (index, file) in sweep.files.iter().enumerate() {
        for at in 0..file.len() {
            let frame = sweep.frame_at(index, at);
            let whole = sweep.offsets[index][1..].contains(&at);
            let last = sweep.with(index, &file[..at], false);
            if whole {
                assert!(last.ok() && last.count == frame - 1, "file {index} byte {at}: {last:?}");
            } else {
                assert_bad(&last, frame, "cut");
                assert_eq!(
                    last.torn_bytes == 0,
                    at == 0 || at == MAGIC.len(),
                    "file {index} byte {at}: {last:?}"
                );
            }
            if index + 1 < sweep.files.len() {
                assert_bad(&sweep.with(index, &file[..at], true), frame, "cut before another file");
            }
            count += 1;
        }
    }
    assert!(count > 100_000, "{count}");
}

#[test]
fn every_flipped_bit_is_found_at_its_frame() {
    let sweep = Sweep::new(if full() { 10_000 } else { 1_000 });
    let mut count = 0_u64;
    for (index, file) in sweep.files.iter().enumerate() {
        let mut file = file.clone();
        for at in 0..file.len() {
            // In the short run each byte has one of its bits flipped, and each bit of the byte's place has its turn.
            let bits = if full() { 0..8 } else { at % 8..at % 8 + 1 };
            for bit in bits {
                file[at] ^= 1 << bit;
                let report = sweep.with(index, &file, false);
                assert_bad(&report, sweep.frame_at(index, at), "flip");
                file[at] ^= 1 << bit;
                count += 1;
            }
        }
    }
    assert!(count > 100_000, "{count}");
}

/// One way to damage a trail.
#[derive(Clone, Debug)]
enum Damage {
    Byte { at: usize, by: u8 },
    Remove { at: usize, count: usize },
    Insert { at: usize, bytes: Vec<u8> },
    Copy { from: usize, to: usize, count: usize },
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<u32>().prop_map(|at| at as usize);
    prop_oneof![
        (at.clone(), 1_u8..).prop_map(|(at, by)| Damage::Byte { at, by }),
        (at.clone(), 1_usize..400).prop_map(|(at, count)| Damage::Remove { at, count }),
        (at.clone(), prop::collection::vec(any::<u8>(), 1..60))
            .prop_map(|(at, bytes)| Damage::Insert { at, bytes }),
        (at.clone(), at, 1_usize..400).prop_map(|(from, to, count)| Damage::Copy { from, to, count }),
    ]
}

impl Damage {
    /// Damages the bytes. Half of the cuts are at the beginnings of frames.
    fn apply(&self, bytes: &mut Vec<u8>, offsets: &[usize]) {
        let place = |at: usize, bytes: &[u8]| match at % 2 {
            0 => (at / 2) % bytes.len(),
            _ => offsets[(at / 2) % offsets.len()].min(bytes.len() - 1),
        };
        match self {
            Damage::Byte { at, by } => {
                let at = place(*at, bytes);
                bytes[at] ^= by;
            }
            Damage::Remove { at, count } => {
                let at = place(*at, bytes);
                drop(bytes.drain(at..(at + count).min(bytes.len())));
            }
            Damage::Insert { at, bytes: more } => {
                let at = place(*at, bytes);
                drop(bytes.splice(at..at, more.iter().copied()));
            }
            Damage::Copy { from, to, count } => {
                let (from, to) = (place(*from, bytes), place(*to, bytes));
                let copied = bytes[from..(from + count).min(bytes.len())].to_vec();
                drop(bytes.splice(to..to, copied));
            }
        }
    }
}

fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases: if full() { cases * 10 } else { cases },
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn random_damage_is_found_at_the_first_frame_that_differs() {
    let log = Plan { records: 30, per_checkpoint: 10, ..Plan::default() }.build();
    let (file, offsets) = (log.files().remove(0), log.offsets());
    let strategy = prop::collection::vec(damage(), 1..4);
    runner(10_000)
        .run(&strategy, |damages| {
            let mut bytes = file.clone();
            damages.iter().for_each(|damage| damage.apply(&mut bytes, &offsets));
            let same = bytes.iter().zip(&file).take_while(|(now, then)| now == then).count();
            let frame = offsets.iter().filter(|offset| **offset <= same).count().max(1) as u64;
            let report = report(std::slice::from_ref(&bytes), &VerifyOptions::default());
            if bytes == file || same == bytes.len() && offsets[1..].contains(&same) {
                prop_assert!(report.ok(), "{report:?}");
                prop_assert_eq!(report.count, frame - 1);
            } else {
                prop_assert_eq!(report.finding.as_ref().map(place), Some((frame, frame)), "{:?}", report);
            }
            Ok(())
        })
        .unwrap();
}

/// One way to forge a trail, with checksums made anew.
#[derive(Clone, Debug)]
enum Forgery {
    Payload { frame: usize, at: usize, by: u8 },
    Head { frame: usize, at: usize, by: u8 },
    Remove { frame: usize, count: usize },
    Double { frame: usize, to: usize },
    Swap { frame: usize, with: usize },
    Splice { frame: usize, to: usize },
}

fn forgery() -> impl Strategy<Value = Forgery> {
    let frame = 0_usize..10_000;
    prop_oneof![
        4 => (frame.clone(), any::<usize>(), 1_u8..).prop_map(|(frame, at, by)| Forgery::Payload { frame, at, by }),
        2 => (frame.clone(), any::<usize>(), 1_u8..).prop_map(|(frame, at, by)| Forgery::Head { frame, at, by }),
        1 => (frame.clone(), 1_usize..4).prop_map(|(frame, count)| Forgery::Remove { frame, count }),
        1 => (frame.clone(), frame.clone()).prop_map(|(frame, to)| Forgery::Double { frame, to }),
        1 => (frame.clone(), frame.clone()).prop_map(|(frame, with)| Forgery::Swap { frame, with }),
        1 => (frame.clone(), frame).prop_map(|(frame, to)| Forgery::Splice { frame, to }),
    ]
}

impl Forgery {
    fn apply(&self, log: &mut Log, other: &Log) {
        let count = log.frames.len();
        match *self {
            Forgery::Payload { frame, at, by } => {
                let payload = &mut log.frames[frame % count].payload;
                let at = at % payload.len();
                payload[at] ^= by;
            }
            Forgery::Head { frame, at, by } => {
                let frame: &mut Forged = &mut log.frames[frame % count];
                match at % 17 {
                    0 => frame.time = frame.time.wrapping_sub(u64::from(by)),
                    at => frame.link[at - 1] ^= by,
                }
            }
            Forgery::Remove { frame, count: many } => {
                let frame = frame % count;
                drop(log.frames.drain(frame..(frame + many).min(count)));
            }
            Forgery::Double { frame, to } => log.frames.insert(to % count, log.frames[frame % count].clone()),
            Forgery::Swap { frame, with } => log.frames.swap(frame % count, with % count),
            Forgery::Splice { frame, to } => {
                let (from, to) = (frame % count, to % count);
                log.frames.splice(
                    to.min(from)..to.max(from),
                    other.frames[to.min(from)..to.max(from)].iter().cloned(),
                );
            }
        }
    }
}

/// The number of the first frame that two trails do not have in common, if there is one.
fn first_difference(one: &Log, two: &Log) -> Option<u64> {
    let same = one.frames.iter().zip(&two.frames).take_while(|(one, two)| one == two).count();
    (same < one.frames.len().max(two.frames.len())).then_some(same as u64 + 1)
}

#[test]
fn forged_frames_are_found_where_they_are_or_one_before() {
    let plan = Plan { records: 30, per_checkpoint: 10, ..Plan::default() };
    let (whole, other) = (plan.build(), Plan { id: 2, ..plan }.build());
    let kept = [whole.note(whole.frames.len() as u64)];
    runner(10_000)
        .run(&forgery(), |forgery| {
            let mut log = whole.clone();
            forgery.apply(&mut log, &other);
            let Some(number) = first_difference(&whole, &log) else {
                prop_assert!(log.report(&kept).ok());
                return Ok(());
            };
            let with = log.report(&kept);
            let (first, last) = with.finding.as_ref().map_or((0, 0), place);
            // Where other frames begin, a link cannot tell whether the last of these or the first of those is the wrong one; and
            // if the trail begins with the other frames, they end where the link shows it.
            let count = whole.frames.len();
            let number = match forgery {
                Forgery::Splice { frame, to } if number == 1 => (frame % count).max(to % count) as u64 + 1,
                _ => number,
            };
            prop_assert!((first..=last).contains(&number) || last == number - 1, "{number}: {with:?}");
            let without = log.report(&[]);
            if without.ok() {
                prop_assert!(number >= log.frames.len() as u64, "{number}: {without:?}");
            } else {
                prop_assert!(last - first <= 12, "{number}: {with:?}");
            }
            Ok(())
        })
        .unwrap();
}

/// Forges one frame and makes all links after it anew; gives how often nothing was found, and whether the place was right.
fn forge_and_relink(plan: Plan, cases: u32, kept: &[u64], with_key: bool) -> u64 {
    let whole = plan.build();
    let kept: Vec<CheckpointNote> = kept.iter().map(|size| whole.note(*size)).collect();
    let unnoticed = std::cell::Cell::new(0);
    let strategy = (any::<u32>(), any::<u32>(), 1_u8..);
    runner(cases)
        .run(&strategy, |(frame, at, by)| {
            let mut log = whole.clone();
            let attempts: Vec<u64> =
                log.frames.iter().filter(|frame| frame.kind == ATTEMPT).map(|frame| frame.number).collect();
            let number = attempts[frame as usize % attempts.len()];
            // Within the task and the version that was read, where any bytes are right.
            log.at(number).payload[[2 + at as usize % 8, 14 + at as usize % 8][at as usize / 8 % 2]] ^= by;
            log.relink(number, with_key);
            let report = log.report(&kept);
            match report.finding.as_ref().map(place) {
                None => unnoticed.set(unnoticed.get() + 1),
                Some((first, last)) => {
                    prop_assert!((first..=last).contains(&number), "{number}: {report:?}");
                    prop_assert!(
                        whole.at_kind(last) != ATTEMPT
                            || kept.iter().any(|note| note.checkpoint().size == last)
                    );
                }
            }
            Ok(())
        })
        .unwrap();
    unnoticed.get()
}

impl Log {
    fn at_kind(&self, number: u64) -> u8 {
        self.frames[number as usize - 1].kind
    }
}

#[test]
fn links_made_anew_are_always_found_by_a_checkpoint() {
    // Frame 40 is the last checkpoint, about 38 frames; the record after it is covered by a kept one.
    let plan = Plan { records: 36, per_checkpoint: 10, ..Plan::default() };
    let log = plan.build();
    assert_eq!(log.at_kind(40), CHECKPOINT);
    assert_eq!(forge_and_relink(plan, 3_000, &[log.frames.len() as u64], false), 0);
    assert_eq!(forge_and_relink(Plan { signer: None, ..plan }, 3_000, &[log.frames.len() as u64], false), 0);
}

#[test]
fn all_made_anew_with_the_key_is_found_by_kept_checkpoints_only() {
    let plan = Plan { records: 36, per_checkpoint: 10, ..Plan::default() };
    let frames = plan.build().frames.len() as u64;
    assert_eq!(forge_and_relink(plan, 300, &[20, frames], true), 0);
    let cases = if full() { 3_000 } else { 300 };
    assert_eq!(forge_and_relink(plan, 300, &[], true), cases);
}

/// The campaign above must be able to fail: without checkpoints a chain of links says nothing.
#[test]
fn planted_a_trail_without_checkpoints_lets_links_made_anew_pass() {
    assert!(forge_and_relink(Plan { per_checkpoint: 0, ..Plan::default() }, 20, &[], false) > 0);
}
