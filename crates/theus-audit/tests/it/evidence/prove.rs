//! Proofs from the files of a trail: made, sent as texts, checked by somebody who does not have the trail.

use std::fs;
use std::path::{Path, PathBuf};

use crate::evidence::forge::{ATTEMPT, Log, ORIGIN, Plan, place};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use theus_audit::{
    Checkpoint, CheckpointNote, Consistent, Included, Outcome, Proof, ProofError, ProveError, PublicKey,
    ReadError, Signer, Trust, VerifyOptions, Which, check_consistency, check_inclusion, prove_consistency,
    prove_record, records_of, verify_files,
};

/// A trail in a folder of its own, which is removed at the end.
struct Written {
    folder: PathBuf,
    log: Log,
}

impl Written {
    fn new(name: &str, plan: Plan) -> Self {
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let written = Written { folder, log: plan.build() };
        written.write();
        written
    }

    fn write(&self) {
        for (index, bytes) in (1..).zip(self.log.files()) {
            fs::write(self.file(index), bytes).unwrap();
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("trail.theus")
    }

    fn file(&self, index: u32) -> PathBuf {
        if index == 1 { self.path() } else { self.folder.join(format!("trail.theus.{index}")) }
    }

    fn key(&self) -> PublicKey {
        self.log.signer().unwrap().public_key()
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn plan() -> Plan {
    Plan { per_file: 15, ..Plan::default() }
}

fn by_key(text: &str, key: &PublicKey) -> Result<Included, ProofError> {
    check_inclusion(text, &Trust { key: Some(key), known: None })
}

#[test]
fn every_covered_frame_is_proven_and_its_record_comes_out_of_the_proof() {
    let trail = Written::new("every", plan());
    let key = trail.key();
    for frame in &trail.log.frames {
        let proof = prove_record(&trail.path(), frame.number, Which::Newest);
        if frame.number > 38 {
            assert!(matches!(proof, Err(ProveError::Uncovered { size: 38, .. })), "{}", frame.number);
            continue;
        }
        let included = by_key(&proof.unwrap().to_string(), &key).unwrap();
        assert_eq!((included.number, included.signed, included.known), (frame.number, true, false));
        assert_eq!(included.checkpoint, *trail.log.note(38).checkpoint());
        assert_eq!(included.record.is_some(), frame.kind == ATTEMPT);
        if let Some(record) = included.record {
            assert_eq!(record.encode(), frame.entry());
        }
    }
    assert!(matches!(prove_record(&trail.path(), 0, Which::Newest), Err(ProveError::Uncovered { .. })));
}

#[test]
fn every_two_checkpoints_are_proven_consistent() {
    let trail = Written::new("consistent", plan());
    let key = trail.key();
    let trust = Trust { key: Some(&key), known: None };
    for (first, second) in [(8, 8), (8, 18), (18, 38), (8, 38)] {
        let proof = prove_consistency(&trail.path(), Which::Size(first), Which::Size(second)).unwrap();
        let Consistent { older, newer, signed, .. } = check_consistency(&proof.to_string(), &trust).unwrap();
        assert_eq!((older.size, newer.size, signed), (first, second, true));
    }
    // Kept ones may be of any size.
    let total = trail.log.frames.len() as u64;
    for first in 1..=total {
        let (kept, newer) = (trail.log.note(first), trail.log.note(total));
        let proof = prove_consistency(&trail.path(), Which::Kept(&kept), Which::Kept(&newer)).unwrap();
        let trust = Trust { key: Some(&key), known: Some(kept.checkpoint()) };
        let shown = check_consistency(&proof.to_string(), &trust).unwrap();
        assert!(shown.known && shown.signed);
    }
    let refused = |older, newer| prove_consistency(&trail.path(), older, newer).unwrap_err();
    assert!(matches!(refused(Which::Size(18), Which::Size(8)), ProveError::Order { older: 18, newer: 8 }));
    assert!(matches!(refused(Which::Size(9), Which::Newest), ProveError::NoCheckpoint { size: 9 }));
    let other = Plan { id: 2, ..plan() }.build().note(10);
    assert!(matches!(refused(Which::Kept(&other), Which::Newest), ProveError::Contradiction { size: 10 }));
    let beyond = Plan { records: 100, ..plan() }.build().note(90);
    assert!(matches!(refused(Which::Size(8), Which::Kept(&beyond)), ProveError::Contradiction { size: 90 }));
}

#[test]
fn the_text_is_a_tlog_proof_as_its_specification_draws_it() {
    let trail = Written::new("text", plan());
    let text = prove_record(&trail.path(), 5, Which::Size(8)).unwrap().to_string();
    let lines: Vec<&str> = text.split('\n').collect();
    assert_eq!(lines[0], "c2sp.org/tlog-proof@v1");
    assert_eq!(lines[1], format!("extra {}", STANDARD.encode(trail.log.frames[4].entry())));
    assert_eq!(lines[2], "index 4");
    assert_eq!(lines[3], STANDARD.encode(trail.log.frames[5].leaf()));
    assert_eq!(lines[6], "", "a tree of eight leaves has three levels");
    assert_eq!(lines[7..].join("\n"), trail.log.note(8).to_string());
    assert_eq!(Proof::parse(&text).unwrap().to_string(), text);
}

#[test]
fn what_a_checker_trusts_decides_what_is_shown() {
    let trail = Written::new("trust", plan());
    let (key, log) = (trail.key(), &trail.log);
    let text = prove_record(&trail.path(), 5, Which::Size(18)).unwrap().to_string();
    fn check_text(
        text: &str,
        key: Option<&PublicKey>,
        known: Option<&Checkpoint>,
    ) -> Result<Included, ProofError> {
        check_inclusion(text, &Trust { key, known })
    }
    let check = |key: Option<&PublicKey>, known: Option<&Checkpoint>| check_text(&text, key, known);
    let nobody = check(None, None).unwrap();
    assert!(!nobody.signed && !nobody.known);
    let known = check(None, Some(log.note(18).checkpoint())).unwrap();
    assert!(!known.signed && known.known);
    assert_eq!(check(None, Some(log.note(8).checkpoint())), Err(ProofError::NotKnown { known: 8 }));
    let other = Checkpoint { root: [1; 32], ..log.note(18).checkpoint().clone() };
    assert_eq!(check(None, Some(&other)), Err(ProofError::Contradiction { size: 18 }));
    let foreign = Checkpoint { origin: "other.example".into(), ..other };
    assert!(matches!(check(None, Some(&foreign)), Err(ProofError::OtherTrail { .. })));
    let namesake = Signer::from_seed(ORIGIN, &[9; 32]).unwrap().public_key();
    assert!(matches!(check(Some(&namesake), None), Err(ProofError::Unsigned { size: 18, .. })));
    let stranger = Signer::from_seed("other.example", &[7; 32]).unwrap().public_key();
    assert!(matches!(check(Some(&stranger), None), Err(ProofError::OtherTrail { .. })));
    assert!(matches!(check_consistency(&text, &Trust::default()), Err(ProofError::OtherKind { .. })));
    let grown = prove_consistency(&trail.path(), Which::Size(8), Which::Size(18)).unwrap().to_string();
    assert!(matches!(by_key(&grown, &key), Err(ProofError::OtherKind { .. })));
}

#[test]
fn every_bit_of_a_proof_counts() {
    let trail = Written::new("bits", plan());
    let key = trail.key();
    let trust = Trust { key: Some(&key), known: None };
    let inclusion = prove_record(&trail.path(), 5, Which::Newest).unwrap().to_string();
    let consistency = prove_consistency(&trail.path(), Which::Size(18), Which::Newest).unwrap().to_string();
    for text in [inclusion, consistency] {
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << (at % 7);
            if let Ok(changed) = String::from_utf8(bytes) {
                let taken =
                    check_inclusion(&changed, &trust).is_ok() || check_consistency(&changed, &trust).is_ok();
                assert!(!taken, "byte {at}: {changed}");
            }
            let cut = text.get(..at).unwrap_or_default();
            assert!(
                check_inclusion(cut, &trust).is_err() && check_consistency(cut, &trust).is_err(),
                "cut at {at}"
            );
        }
        assert!(check_inclusion(&format!("{text}\n"), &trust).is_err());
        assert!(check_consistency(&format!("{text}\n"), &trust).is_err());
    }
}

#[test]
fn a_record_of_another_number_is_not_taken_for_this_one() {
    let mut log = Plan::default().build();
    // The bytes of frame 5 also stand where frame 6 should be, in a trail that somebody with the key has signed.
    log.frames[5] = log.frames[4].clone();
    let path = {
        let mut prover = theus_audit::Prover::inclusion(5, 8).unwrap();
        log.frames[..8].iter().for_each(|frame| prover.push(frame.leaf()));
        prover.path().unwrap()
    };
    let proof = Proof::Inclusion { number: 6, entry: log.frames[5].entry(), path, checkpoint: log.note(8) };
    assert_eq!(
        by_key(&proof.to_string(), &log.signer().unwrap().public_key()),
        Err(ProofError::Record { number: 6 })
    );
}

#[test]
fn files_are_found_in_order_and_a_missing_one_is_named() {
    let trail = Written::new("files", plan());
    let options = VerifyOptions::default();
    fs::write(trail.folder.join("trail.theus.02"), "no file of the trail").unwrap();
    fs::write(trail.folder.join("trail.theus.backup"), "nor this").unwrap();
    let report = verify_files(&trail.path(), &options).unwrap();
    assert!(report.ok() && report.files == 4, "{report:?}");
    fs::remove_file(trail.file(3)).unwrap();
    let report = verify_files(&trail.path(), &options).unwrap();
    let finding = report.finding.unwrap();
    assert_eq!(place(&finding), (31, 31));
    assert!(finding.reason.contains("trail.theus.3"), "{finding}");
    assert!(verify_files(Path::new("/nowhere/at all"), &options).is_err());
}

#[test]
fn records_are_shown_in_order_to_the_end_or_the_first_flaw() {
    let trail = Written::new("records", plan());
    let records: Vec<_> = records_of(&trail.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(records.len(), 40);
    assert!(records.is_sorted_by(|one, two| one.number < two.number));
    assert_eq!(records[0].outcome, Outcome::ALL[1]);
    // A frame that is being written is half there.
    let newest = fs::read(trail.file(4)).unwrap();
    fs::write(trail.file(4), &newest[..newest.len() - 1]).unwrap();
    assert_eq!(records_of(&trail.path()).unwrap().map(Result::unwrap).count(), 39);
    fs::write(trail.file(4), &newest[..20]).unwrap();
    let cut = records_of(&trail.path()).unwrap().map(Result::unwrap).count();
    fs::write(trail.file(4), "").unwrap();
    assert_eq!(records_of(&trail.path()).unwrap().map(Result::unwrap).count(), cut);
    // A flaw before it ends what is shown.
    let mut second = fs::read(trail.file(2)).unwrap();
    second[300] ^= 1;
    fs::write(trail.file(2), second).unwrap();
    let mut records = records_of(&trail.path()).unwrap();
    let flaw = records.find_map(Result::err).unwrap();
    assert!(matches!(&flaw, ReadError::Flaw { number: 16..30, .. }), "{flaw}");
    assert!(records.next().is_none());
    assert!(matches!(prove_record(&trail.path(), 2, Which::Newest), Err(ProveError::Read(_))));
    assert!(records_of(Path::new("/nowhere/at all")).is_err());
}

#[test]
fn what_is_no_proof_is_refused_with_its_line() {
    let note = CheckpointNote::unsigned(Checkpoint { origin: "a".into(), size: 1, root: [0; 32] });
    let hash = STANDARD.encode([0; 32]);
    let rows = [
        (String::new(), 1),
        ("c2sp.org/tlog-proof@v2\n".into(), 1),
        (format!("c2sp.org/tlog-proof@v1\nindex 0\n\n{note}"), 2),
        (format!("c2sp.org/tlog-proof@v1\nextra !\nindex 0\n\n{note}"), 2),
        (format!("c2sp.org/tlog-proof@v1\nextra \nindex 00\n\n{note}"), 3),
        (format!("c2sp.org/tlog-proof@v1\nextra \nindex 18446744073709551615\n\n{note}"), 3),
        (format!("c2sp.org/tlog-proof@v1\nextra \nindex 0\nAAAA\n\n{note}"), 4),
        (format!("c2sp.org/tlog-proof@v1\nextra \nindex 0\n{}\n{note}", format!("{hash}\n").repeat(66)), 69),
        (format!("theus/consistency-proof@v1\n\n{note}"), 2),
        (format!("theus/consistency-proof@v1\n\n{note}{note}{note}"), 2),
        (format!("theus/consistency-proof@v1\n\n{note}\n{note}"), 2),
    ];
    for (text, line) in rows {
        match Proof::parse(&text) {
            Err(ProofError::Form { line: found, .. }) => assert_eq!(found, line, "{text:?}"),
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_checked_to_an_end(text in any::<String>(), name in any::<bool>()) {
        let name = if name { "c2sp.org/tlog-proof@v1" } else { "theus/consistency-proof@v1" };
        for text in [text.clone(), format!("{name}\n{text}")] {
            prop_assert!(check_inclusion(&text, &Trust::default()).is_err());
            prop_assert!(check_consistency(&text, &Trust::default()).is_err());
        }
    }
}
