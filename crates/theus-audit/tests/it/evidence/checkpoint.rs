//! Checkpoints, notes and keys as texts.

use proptest::prelude::*;
use theus_audit::{Checkpoint, CheckpointNote, KeyError, NoteError, PublicKey, Signer, check_origin};

/// The key pair and the signature in the tests of Go's `golang.org/x/mod/sumdb/note`.
const GO_PRIVATE: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_PUBLIC: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ORIGIN: &str = "test.example/trail";

fn signer() -> Signer {
    Signer::from_seed(ORIGIN, &[7; 32]).unwrap()
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint { origin: ORIGIN.into(), size, root: [u8::try_from(size % 250).unwrap(); 32] }
}

fn signed(size: u64) -> CheckpointNote {
    CheckpointNote::signed(checkpoint(size), &signer()).unwrap()
}

#[test]
fn keys_are_those_of_other_programs_that_write_notes() {
    let signer = Signer::parse(GO_PRIVATE).unwrap();
    assert_eq!(signer.public_key().to_string(), GO_PUBLIC);
    assert_eq!(signer.private_text(), GO_PRIVATE);
    assert_eq!(PublicKey::parse(GO_PUBLIC).unwrap(), signer.public_key());
    assert_eq!(PublicKey::parse(&format!("\n {GO_PUBLIC}\n")).unwrap(), signer.public_key());
}

#[test]
fn a_key_with_a_wrong_letter_is_refused() {
    for (text, error) in [
        ("", KeyError::NotPublic),
        ("PeterNeumann", KeyError::NotPublic),
        ("PeterNeumann+c74f20a3+", KeyError::NotPublic),
        ("PeterNeumann+c74f20a3+AAAA", KeyError::NotPublic),
        ("PeterNeumann++74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::NotPublic),
        ("PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::NotPublic),
        ("PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Id),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Id),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Name),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Name),
        (GO_PRIVATE, KeyError::Secret),
        ("weak+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", KeyError::Bytes),
    ] {
        assert_eq!(PublicKey::parse(text), Err(error), "{text}");
    }
    assert_eq!(Signer::parse(GO_PUBLIC).unwrap_err(), KeyError::NotPrivate);
    assert_eq!(Signer::parse(&GO_PRIVATE.replace("c74f", "c74e")).unwrap_err(), KeyError::Id);
    assert_eq!(Signer::from_seed("a b", &[1; 32]).unwrap_err(), KeyError::Name);
}

#[test]
fn no_private_key_is_shown_by_debug_or_in_errors() {
    let secret = GO_PRIVATE.rsplit('+').next().unwrap();
    let signer = Signer::parse(GO_PRIVATE).unwrap();
    let error = Signer::parse(&GO_PRIVATE.replace("c74f", "0000")).unwrap_err();
    let refused = PublicKey::parse(GO_PRIVATE).unwrap_err();
    for text in [format!("{signer:?}"), format!("{error:?} {error}"), format!("{refused:?} {refused}")] {
        assert!(!text.contains(secret) && !text.contains("129, 10, 20"), "{text}");
    }
}

#[test]
fn a_note_is_written_as_the_specification_shows_it() {
    let note = signed(3).to_string();
    let lines: Vec<&str> = note.split('\n').collect();
    assert_eq!(lines[..4], [ORIGIN, "3", "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=", ""]);
    assert!(lines[4].starts_with("\u{2014} test.example/trail "));
    assert_eq!(lines[5..], [""]);
    assert_eq!(CheckpointNote::parse(&note).unwrap(), signed(3));
    let unsigned = CheckpointNote::unsigned(checkpoint(3));
    assert_eq!(unsigned.to_string(), format!("{}\n", checkpoint(3).text()));
    assert_eq!(CheckpointNote::parse(&unsigned.to_string()).unwrap(), unsigned);
}

#[test]
fn signatures_count_for_their_own_key_and_text_only() {
    let key = signer().public_key();
    assert_eq!(signed(3).is_signed_by(&key), Ok(true));
    assert_eq!(CheckpointNote::unsigned(checkpoint(3)).is_signed_by(&key), Ok(false));
    let namesake = Signer::from_seed(ORIGIN, &[8; 32]).unwrap();
    assert_eq!(signed(3).is_signed_by(&namesake.public_key()), Ok(false));
    // The signature of one note under the text of another, which claims to be the key's.
    let forged = format!("{}\n{}", checkpoint(4).text(), signed(3).to_string().split("\n\n").nth(1).unwrap());
    let forged = CheckpointNote::parse(&forged).unwrap();
    assert_eq!(forged.is_signed_by(&key), Err(NoteError::Forged { name: ORIGIN.into() }));
    // A signature of somebody else beside it does no harm.
    let witnessed = format!("{}\u{2014} witness.example AAAAAAAA\n", signed(3));
    let witnessed = CheckpointNote::parse(&witnessed).unwrap();
    assert_eq!((witnessed.is_signed_by(&key), witnessed.signature_count()), (Ok(true), 2));
    let other = Signer::from_seed("other.example", &[7; 32]).unwrap();
    assert!(matches!(CheckpointNote::signed(checkpoint(3), &other), Err(NoteError::OtherSigner { .. })));
}

#[test]
fn every_bit_of_a_signed_note_counts() {
    let note = signed(3);
    let text = note.to_string();
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            let accepted = CheckpointNote::parse(&changed)
                .is_ok_and(|note| note.is_signed_by(&signer().public_key()) == Ok(true));
            assert!(!accepted, "byte {at} bit {bit}: {changed}");
        }
    }
}

#[test]
fn what_is_no_note_is_refused_by_name() {
    let root = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
    let rows = [
        (String::new(), "three lines"),
        (format!("{ORIGIN}\n3\n{root}\n"), "three lines"),
        (format!("{ORIGIN}\n3\n\n"), "three lines"),
        (format!("{ORIGIN}\n3\n{root}\nextension\n\n"), "three lines"),
        (format!("\n3\n{root}\n\n"), "origin"),
        (format!("a b\n3\n{root}\n\n"), "origin"),
        (format!("a+b\n3\n{root}\n\n"), "origin"),
        (format!("{}\n3\n{root}\n\n", "x".repeat(256)), "origin"),
        (format!("{ORIGIN}\n03\n{root}\n\n"), "not a size"),
        (format!("{ORIGIN}\n+3\n{root}\n\n"), "not a size"),
        (format!("{ORIGIN}\n18446744073709551616\n{root}\n\n"), "not a size"),
        (format!("{ORIGIN}\n3\nAwMD\n\n"), "not a root"),
        (format!("{ORIGIN}\n3\n{}\n\n", &root[..43]), "not a root"),
        (format!("{ORIGIN}\n3\n{}N=\n\n", &root[..42]), "not a root"),
        (format!("{ORIGIN}\n3\n{root}\n\n\u{2014} x\n"), "signature line 1"),
        (format!("{ORIGIN}\n3\n{root}\n\n\u{2014} x AAAA\n"), "signature line 1"),
        (format!("{ORIGIN}\n3\n{root}\n\n\u{2014} x AAAAAAAA"), "signature line 1"),
        (format!("{ORIGIN}\n3\n{root}\n\nmore"), "signature line 1"),
        (format!("{ORIGIN}\n3\n{root}\n\n{}", "\u{2014} x AAAAAAAA\n".repeat(65)), "more than 64"),
    ];
    for (text, reason) in rows {
        let error = CheckpointNote::parse(&text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text:?}: {error}");
    }
}

#[test]
fn notes_follow_one_another_in_a_file() {
    let notes = vec![signed(1), CheckpointNote::unsigned(checkpoint(2)), signed(3)];
    let text: String = notes.iter().map(CheckpointNote::to_string).collect();
    assert_eq!(CheckpointNote::parse_all(&text), Ok(notes.clone()));
    let spaced: String = notes.iter().map(|note| format!("\n{note}\n\n")).collect();
    assert_eq!(CheckpointNote::parse_all(&spaced), Ok(notes));
    assert_eq!(CheckpointNote::parse_all(""), Ok(Vec::new()));
    let (number, _) = CheckpointNote::parse_all(&format!("{}{}", signed(1), "torn\n3\n")).unwrap_err();
    assert_eq!(number, 2);
}

proptest! {
    #[test]
    fn what_parses_is_exactly_what_its_parts_give(text in "[a-z]{0,3}\n[0-9]{0,3}\n[A-Za-z0-9+/=]{0,44}\n\n(\u{2014} [a-z ]{0,3} [A-Z]{0,8}\n)?") {
        if let Ok(note) = CheckpointNote::parse(&text) {
            prop_assert_eq!(note.to_string(), text);
        }
    }

    #[test]
    fn any_text_is_read_to_an_end(text in any::<String>()) {
        let _ = CheckpointNote::parse(&text);
        let _ = CheckpointNote::parse_all(&text);
        let _ = Signer::parse(&text);
        let _ = PublicKey::parse(&text);
        let _ = check_origin(&text);
    }
}
