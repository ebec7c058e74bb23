//! The table of verdicts in `verify`, row by row.

use crate::evidence::forge::{
    ATTEMPT, CHECKPOINT, FILE, Forged, Log, OPENED, ORIGIN, Plan, place, raw_checkpoint, report,
};
use theus_audit::{CheckpointNote, PublicKey, Report, Signer, VerifyOptions};

fn log() -> Log {
    Plan::default().build()
}

fn bad(report: &Report) -> Option<(u64, u64)> {
    report.finding.as_ref().map(place)
}

fn reason(report: &Report) -> &str {
    report.finding.as_ref().map_or("", |finding| &finding.reason)
}

fn forget_end(log: &mut Log, frames: usize) {
    log.frames.truncate(frames);
}

#[test]
fn a_good_trail_is_good_and_the_report_says_what_was_not_shown() {
    let log = Plan { per_file: 15, ..Plan::default() }.build();
    let total = log.frames.len() as u64;
    let report = log.report(&[]);
    assert!(report.ok(), "{report:?}");
    assert_eq!((report.count, report.files, report.records, report.checkpoints), (total, 4, 40, 4));
    assert_eq!((report.covered, report.signed, report.kept, report.torn_bytes), (38, true, 0, 0));
    let notes = report.notes.join("\n");
    assert!(notes.contains(&format!("frames 39 to {total} are covered by no checkpoint")), "{notes}");
    assert!(notes.contains("no checkpoint that was kept elsewhere"), "{notes}");

    let report = log.report(&[log.note(total), log.note(20)]);
    assert!(report.ok(), "{report:?}");
    assert_eq!(report.kept, 2);
    assert!(!report.notes.join("\n").contains("kept elsewhere"));
    let report = log.report(&[log.note(20)]);
    assert!(report.notes.join("\n").contains("the kept checkpoints end with frame 20"));
}

#[test]
fn an_unsigned_trail_says_so() {
    let report = Plan { signer: None, ..Plan::default() }.build().report(&[]);
    assert!(report.ok() && !report.signed, "{report:?}");
    assert!(report.notes.join("\n").contains("not signed"));
}

#[test]
fn a_cut_within_a_frame_is_a_torn_end() {
    let log = log();
    let (offsets, [file]) = (log.offsets(), log.files().try_into().unwrap_or_else(|_| panic!("one file")));
    for (frame, window) in offsets.windows(2).enumerate() {
        for cut in [window[0] + 1, window[0] + 20, window[1] - 1] {
            let found = report(&[file[..cut].to_vec()], &VerifyOptions::default());
            assert_eq!(bad(&found), Some((frame as u64 + 1, frame as u64 + 1)), "{cut}");
            assert_eq!(found.torn_bytes, (cut - window[0]) as u64);
            assert!(reason(&found).contains("a crash"), "{}", reason(&found));
        }
    }
}

#[test]
fn a_cut_between_two_frames_is_found_by_a_kept_checkpoint_only() {
    let whole = log();
    let kept = whole.note(40);
    for frames in 1..40 {
        let mut log = whole.clone();
        forget_end(&mut log, frames);
        let without = log.report(&[]);
        assert!(without.ok(), "{frames}: {without:?}");
        let report = log.report(std::slice::from_ref(&kept));
        let first = frames as u64 + 1;
        assert_eq!(bad(&report), Some((first, first)));
        assert!(reason(&report).contains("missing from its end"), "{}", reason(&report));
    }
}

#[test]
fn a_torn_end_that_a_kept_checkpoint_covers_is_told_with_what_is_missing() {
    let whole = log();
    let file = whole.files().remove(0);
    let cut = whole.offsets()[20] + 5;
    let kept = [whole.note(40)];
    let report =
        report(&[file[..cut].to_vec()], &VerifyOptions { checkpoints: &kept, ..VerifyOptions::default() });
    assert_eq!(bad(&report), Some((21, 21)));
    assert!(reason(&report).contains("20 are missing"), "{}", reason(&report));
}

#[test]
fn a_changed_frame_with_a_right_checksum_is_named_by_the_link_of_the_next() {
    let whole = log();
    let total = whole.frames.len() as u64;
    for number in 1..=total {
        let mut log = whole.clone();
        let frame = log.at(number);
        match frame.kind {
            ATTEMPT => frame.payload[2] ^= 1,
            FILE => frame.payload[0] ^= 1,
            // A checkpoint is checked before the frame that follows it.
            _ => frame.payload[8] ^= 1,
        }
        let kind = frame.kind;
        let found = log.report(&[]);
        match kind {
            CHECKPOINT => assert_eq!(bad(&found).map(|(_, last)| last), Some(number)),
            _ if number == total => assert!(found.ok(), "the last frame has no next: {found:?}"),
            _ if number + 1 == total => assert_eq!(bad(&found), Some((number, number + 1))),
            _ => assert_eq!(bad(&found), Some((number, number)), "{}", reason(&found)),
        }
        assert!(!log.report(&[whole.note(total)]).ok());
    }
}

#[test]
fn a_changed_link_is_told_from_a_changed_frame_before_it() {
    let whole = log();
    let mut log = whole.clone();
    log.at(20 + 1).link[0] ^= 1;
    assert_eq!(bad(&log.report(&[])), Some((21, 21)));
    let mut log = whole.clone();
    log.at(1).link[0] ^= 1;
    assert_eq!(bad(&log.report(&[])), Some((1, 1)));
}

#[test]
fn frames_removed_doubled_swapped_or_put_in_are_named() {
    let whole = log();
    let mut removed = whole.clone();
    removed.frames.remove(14);
    assert_eq!(bad(&removed.report(&[])), Some((15, 15)));
    let mut doubled = whole.clone();
    doubled.frames.insert(15, whole.frames[14].clone());
    assert_eq!(bad(&doubled.report(&[])), Some((16, 16)));
    let mut swapped = whole.clone();
    swapped.frames.swap(14, 15);
    assert_eq!(bad(&swapped.report(&[])), Some((15, 15)));
    let mut inserted = whole.clone();
    inserted
        .frames
        .insert(14, Forged { payload: whole.frames[1].payload.clone(), ..whole.frames[14].clone() });
    assert_eq!(bad(&inserted.report(&[])), Some((16, 16)));
}

#[test]
fn removed_with_numbers_made_anew_is_named_by_a_link() {
    let mut log = log();
    log.frames.remove(14);
    for (index, frame) in log.frames.iter_mut().enumerate() {
        frame.number = index as u64 + 1;
    }
    assert_eq!(bad(&log.report(&[])), Some((15, 15)));
}

#[test]
fn links_made_anew_are_found_by_the_next_checkpoint_as_a_range() {
    let whole = log();
    for number in [2, 7, 12, 18, 19, 25] {
        let mut log = whole.clone();
        log.at(number).payload[2] ^= 1;
        log.relink(number, false);
        let report = log.report(&[]);
        let (first, last) = bad(&report).unwrap();
        assert!(
            (first..=last).contains(&number) && last % 10 == 0 && last - first <= 12,
            "{number}: {first} {last}"
        );
        assert_eq!(first, [1, 9, 19][(last / 10 - 1) as usize]);
    }
}

#[test]
fn a_trail_written_anew_with_its_key_is_found_by_a_kept_checkpoint_only() {
    let whole = log();
    let mut log = whole.clone();
    log.at(25).payload[2] ^= 1;
    log.seal(25);
    assert!(log.report(&[]).ok());
    assert!(log.report(&[whole.note(24)]).ok(), "it was written anew after the kept checkpoint");
    assert_eq!(bad(&log.report(&[whole.note(24), whole.note(30)])), Some((25, 30)));
    let mut all = Plan { id: 2, ..Plan::default() }.build();
    all.seal(1);
    assert!(all.report(&[]).ok());
    assert_eq!(bad(&all.report(&[whole.note(10)])), Some((1, 10)));
}

#[test]
fn checkpoints_made_anew_without_the_key_are_found() {
    let whole = log();
    let mut log = whole.clone();
    log.at(25).payload[2] ^= 1;
    log.signer = Some([8; 32]);
    log.relink(25, false);
    let mut rest = log.clone();
    rest.seal(25);
    let key = whole.signer().unwrap().public_key();
    let options = VerifyOptions { key: Some(&key), ..VerifyOptions::default() };
    assert_eq!(bad(&report(&rest.files(), &options)), Some((30, 30)));
    // With the file frame as well: the trail then names another key.
    rest.seal(1);
    assert_eq!(bad(&report(&rest.files(), &options)), Some((1, 1)));
    assert!(report(&rest.files(), &VerifyOptions::default()).ok(), "nobody said which key it should be");
}

#[test]
fn the_end_of_another_trail_is_found() {
    let (mut log, other) = (log(), Plan { id: 2, ..Plan::default() }.build());
    log.frames.splice(20.., other.frames[20..].iter().cloned());
    let report = log.report(&[]);
    assert_eq!(bad(&report), Some((20, 20)), "{}", reason(&report));
}

#[test]
fn a_missing_file_in_the_middle_is_named() {
    let log = Plan { per_file: 10, ..Plan::default() }.build();
    let mut files = log.files();
    files.remove(2);
    assert_eq!(bad(&report(&files, &VerifyOptions::default())), Some((21, 21)));
    let mut files = log.files();
    files.pop();
    assert!(report(&files, &VerifyOptions::default()).ok(), "the newest file leaves no trace");
    let kept = [log.note(log.frames.len() as u64)];
    let options = VerifyOptions { checkpoints: &kept, ..VerifyOptions::default() };
    assert_eq!(bad(&report(&files, &options)).map(|(first, _)| first % 10), Some(1));
}

#[test]
fn what_looks_torn_before_another_file_is_no_torn_end() {
    let log = Plan { per_file: 10, per_checkpoint: 0, ..Plan::default() }.build();
    let mut files = log.files();
    let shorter = files[1].len() - 3;
    files[1].truncate(shorter);
    let report = report(&files, &VerifyOptions::default());
    assert_eq!(bad(&report), Some((20, 20)));
    assert_eq!(report.torn_bytes, 0);
    assert!(reason(&report).contains("no torn end"), "{}", reason(&report));
}

#[test]
fn a_broken_frame_that_a_checkpoint_behind_it_covers_is_no_torn_end() {
    let log = log();
    let (offsets, file) = (log.offsets(), log.files().remove(0));
    let broken = |number: usize| {
        let mut file = file.clone();
        file[offsets[number - 1] + 30] ^= 1;
        report(&[file], &VerifyOptions::default())
    };
    let covered = broken(15);
    assert_eq!((bad(&covered), covered.torn_bytes), (Some((15, 15)), 0));
    assert!(reason(&covered).contains("checkpoint 20 behind it"), "{}", reason(&covered));
    // Frame 39 stands before checkpoint 40, which is about 38 frames: a power cut can have torn it.
    let uncovered = broken(39);
    assert_eq!(bad(&uncovered), Some((39, 39)));
    assert!(uncovered.torn_bytes > 0);
}

#[test]
fn a_checkpoint_repeated_or_for_too_many_frames_is_named() {
    let whole = log();
    for size in [0, 8, 20, 21, u64::MAX] {
        let mut log = whole.clone();
        log.at(20).payload[..8].copy_from_slice(&size.to_le_bytes());
        log.relink(20, false);
        assert_eq!(bad(&log.report(&[])), Some((20, 20)), "{size}");
    }
    let mut repeated = whole.clone();
    repeated.at(20).payload = whole.frames[9].payload.clone();
    repeated.relink(20, false);
    assert_eq!(bad(&repeated.report(&[])), Some((20, 20)));
}

#[test]
fn a_note_that_says_something_else_than_its_checkpoint_is_named() {
    let whole = log();
    let root = whole.note(18).checkpoint().clone();
    let stranger = Signer::from_seed(ORIGIN, &[9; 32]).unwrap();
    let notes = [
        whole.note(17).to_string(),
        CheckpointNote::unsigned(root.clone()).to_string(),
        CheckpointNote::signed(root.clone(), &stranger).unwrap().to_string(),
        format!("{}{}", whole.note(18), whole.note(18).to_string().split("\n\n").nth(1).unwrap()),
        format!("{}\n", whole.note(18)),
        String::new(),
    ];
    for note in notes {
        let mut log = whole.clone();
        log.at(20).payload = raw_checkpoint(18, &root.root, &note);
        log.relink(20, false);
        assert_eq!(bad(&log.report(&[])), Some((20, 20)), "{note}");
    }
}

#[test]
fn time_that_goes_backwards_is_named() {
    let mut log = log();
    log.at(25).time = 999;
    log.seal(25);
    let report = log.report(&[]);
    assert_eq!(bad(&report), Some((25, 25)));
    assert!(reason(&report).contains("time"), "{}", reason(&report));
}

#[test]
fn two_kept_checkpoints_with_different_roots_are_a_fork() {
    let log = log();
    let other = Plan { id: 2, ..Plan::default() }.build();
    let found = log.report(&[log.note(20), other.note(20)]);
    assert!(!found.ok());
    let reasons: Vec<String> = [[log.note(20), other.note(20)], [other.note(20), log.note(20)]]
        .iter()
        .map(|kept| reason(&log.report(kept)).to_owned())
        .collect();
    assert!(reasons.iter().all(|reason| reason.contains("forked")), "{reasons:?}");
}

#[test]
fn a_kept_checkpoint_of_another_trail_or_key_is_no_evidence_and_is_told() {
    let log = log();
    let other =
        theus_audit::Checkpoint { origin: "other.example".into(), ..log.note(20).checkpoint().clone() };
    let stranger = Signer::from_seed(ORIGIN, &[9; 32]).unwrap();
    let rows = [
        (CheckpointNote::unsigned(other), "other.example"),
        (CheckpointNote::unsigned(log.note(20).checkpoint().clone()), "not signed"),
        (CheckpointNote::signed(log.note(20).checkpoint().clone(), &stranger).unwrap(), "not signed"),
    ];
    for (note, text) in rows {
        let report = log.report(&[note]);
        assert!(reason(&report).contains(text), "{report:?}");
    }
}

#[test]
fn another_key_than_the_expected_one_is_found_at_the_first_frame() {
    let log = log();
    let other: PublicKey = Signer::from_seed(ORIGIN, &[9; 32]).unwrap().public_key();
    let options = VerifyOptions { key: Some(&other), ..VerifyOptions::default() };
    assert_eq!(bad(&report(&log.files(), &options)), Some((1, 1)));
    let unsigned = Plan { signer: None, ..Plan::default() }.build();
    assert_eq!(bad(&report(&unsigned.files(), &options)), Some((1, 1)));
}

#[test]
fn file_frames_are_held_to_each_other() {
    let whole = Plan { per_file: 10, ..Plan::default() }.build();
    let files: Vec<u64> =
        whole.frames.iter().filter(|frame| frame.kind == FILE).map(|frame| frame.number).collect();
    let second = files[1];
    // Id, index, count of subtrees, a subtree, key, origin.
    for at in [0, 16, 20, 25, 20 + 1 + 32 * 2 + 5, whole.frames[second as usize - 1].payload.len() - 1] {
        let mut log = whole.clone();
        log.at(second).payload[at] ^= 1;
        log.relink(second, false);
        let (first, last) = bad(&log.report(&[])).unwrap();
        assert!(last == second && (first == second || at == 25), "{at}: {first} {last}");
    }
    // One in the middle of a file, and a file without one.
    let mut log = whole.clone();
    log.frames.insert(14, log.frames[0].clone());
    log.seal(14);
    let mut bytes = log.files();
    let joined = bytes[2][16..].to_vec();
    bytes[1].extend(joined);
    bytes.remove(2);
    assert_eq!(bad(&report(&bytes, &VerifyOptions::default())), Some((15, 15)));
    let mut headless = whole.files();
    let frame = whole.frames[second as usize - 1].bytes().len();
    headless[1].drain(16..16 + frame);
    assert!(!report(&headless, &VerifyOptions::default()).ok());
    let mut log = whole.clone();
    log.at(2).kind = OPENED;
    log.at(2).payload = vec![0; 52];
    log.seal(2);
    assert!(log.report(&[]).ok(), "{:?}", log.report(&[]).finding);
    log.at(2).payload[12] = 1;
    log.seal(2);
    assert_eq!(bad(&log.report(&[])), Some((2, 2)));
}

#[test]
fn no_file_and_no_trail_are_findings() {
    assert_eq!(bad(&report(&[], &VerifyOptions::default())), Some((1, 1)));
    for bytes in [&b""[..], b"theus", b"theus audit 1\n\0\0", b"theus audit 2\n\0\0"] {
        assert_eq!(bad(&report(&[bytes.to_vec()], &VerifyOptions::default())), Some((1, 1)), "{bytes:?}");
    }
}

#[test]
fn a_cut_that_was_told_is_in_the_notes() {
    let mut log = log();
    let mut payload = vec![0; 52];
    payload[4] = 9;
    payload[12] = 77;
    log.at(15).kind = OPENED;
    log.at(15).payload = payload;
    log.seal(15);
    let report = log.report(&[]);
    assert!(
        report.ok() && report.notes[0].contains("9 bytes of a torn end were cut at byte 77"),
        "{report:?}"
    );
}
