//! The canonical bytes and the digest over them.

use std::time::Duration;

use sha2::{Digest, Sha256};
use theus_audit::{ChangedPath, Entry, Filter, Frame, MAX_FRAME, Outcome, Record, Trail};

fn full() -> Entry {
    let entry = Entry::new("thumb", 7, Outcome::Crashed)
        .attempt(2)
        .base_version(41)
        .version(42)
        .signal(-9)
        .worker(4711)
        .error("died")
        .duration(Duration::new(3, 250))
        .requester("nightly")
        .reason("repair")
        .paths(vec![ChangedPath::removed("a.b"), ChangedPath { path: "ö".into(), hash: [0xab; 32] }]);
    Entry { more_paths: 3, inputs: Some([0x11; 32]), update: Some([0x22; 32]), ..entry }
}

fn sealed(entry: Entry) -> Record {
    let trail = Trail::with_clock(1, || 1_500_000_000);
    trail.append(entry);
    (*trail.records(Filter::default())[0]).clone()
}

#[test]
fn the_canonical_bytes_are_the_documented_ones() {
    let mut payload = vec![6, 0b1111_1111];
    payload.extend(7u64.to_le_bytes());
    payload.extend(2u32.to_le_bytes());
    payload.extend(41u64.to_le_bytes());
    payload.extend(42u64.to_le_bytes());
    payload.extend((-9i32).to_le_bytes());
    payload.extend(4711u32.to_le_bytes());
    payload.extend(3_000_000_250u64.to_le_bytes());
    for length in [5u32, 4, 7, 6, 2, 3] {
        payload.extend(length.to_le_bytes());
    }
    assert_eq!(payload.len(), 70);
    payload.extend([0x11; 32]);
    payload.extend([0x22; 32]);
    payload.extend(b"thumbdiednightlyrepair");
    payload.extend(3u32.to_le_bytes());
    payload.extend(b"a.b");
    payload.extend([0; 32]);
    payload.extend(2u32.to_le_bytes());
    payload.extend("ö".as_bytes());
    payload.extend([0xab; 32]);

    let mut bytes = (41 + payload.len() as u32).to_le_bytes().to_vec();
    bytes.push(2);
    bytes.extend(1u64.to_le_bytes());
    bytes.extend(1_500_000_000u64.to_le_bytes());
    bytes.extend([0; 16]);
    bytes.extend(payload);
    assert_eq!(sealed(full()).encode(), bytes);
}

#[test]
fn a_frame_gives_back_the_record_that_it_was_made_of() {
    for entry in [full(), Entry::new("thumb", 1, Outcome::Committed)] {
        let record = sealed(entry);
        let mut frame = record.encode();
        frame.extend(crc32c::crc32c(&frame).to_le_bytes());
        let parsed = Frame::parse(&frame).unwrap();
        assert_eq!(parsed.length(), frame.len());
        assert_eq!(Record::of_frame(&parsed), Some(record));
    }
}

#[test]
fn the_digest_is_the_leaf_hash_of_the_canonical_bytes() {
    let record = sealed(full());
    let mut leaf = vec![0];
    leaf.extend(record.encode());
    assert_eq!(record.digest[..], Sha256::digest(leaf)[..]);
    assert!(record.is_intact());
}

/// An independent program computed this figure from the layout in the documentation.
#[test]
fn the_digest_never_changes_between_releases() {
    let hex: String = sealed(full()).digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "515a4bfc50fd46490e3c0f7820a5ea59f6210e6f84499bd698dce86a9df1a2c0");
}

#[test]
fn any_edit_of_any_field_breaks_the_digest() {
    let edits: [fn(&mut Record); 27] = [
        |record| record.number += 1,
        |record| record.time += 1,
        |record| record.link[15] ^= 1,
        |record| record.entry.process = "thumbs".into(),
        |record| record.entry.task += 1,
        |record| record.entry.attempt += 1,
        |record| record.entry.base_version += 1,
        |record| record.entry.version = Some(43),
        |record| record.entry.version = None,
        |record| record.entry.outcome = Outcome::Failed,
        |record| record.entry.paths.swap(0, 1),
        |record| record.entry.paths[0].path.push('c'),
        |record| record.entry.paths[1].hash[31] ^= 1,
        |record| record.entry.more_paths += 1,
        |record| record.entry.error = Some("dies".into()),
        |record| record.entry.error = None,
        |record| record.entry.signal = Some(9),
        |record| record.entry.worker = None,
        |record| record.entry.duration += Duration::from_nanos(1),
        |record| record.entry.requester = Some("nightli".into()),
        |record| record.entry.requester = None,
        |record| record.entry.reason = Some("repaid".into()),
        |record| record.entry.reason = None,
        |record| record.entry.inputs = None,
        |record| record.entry.inputs = Some([0x12; 32]),
        |record| record.entry.update = Some([0x23; 32]),
        |record| record.digest[0] ^= 1,
    ];
    for (index, edit) in edits.iter().enumerate() {
        let mut record = sealed(full());
        edit(&mut record);
        assert!(!record.is_intact(), "edit {index} went unnoticed");
    }
}

#[test]
fn an_absent_field_differs_from_a_zero_one() {
    let absent = Entry::new("thumb", 1, Outcome::Failed);
    let zeros = [
        Entry { version: Some(0), ..absent.clone() },
        Entry { signal: Some(0), ..absent.clone() },
        Entry { worker: Some(0), ..absent.clone() },
        Entry { error: Some(String::new()), ..absent.clone() },
        Entry { requester: Some("".into()), ..absent.clone() },
        Entry { reason: Some(String::new()), ..absent.clone() },
        Entry { inputs: Some([0; 32]), ..absent.clone() },
        Entry { update: Some([0; 32]), ..absent.clone() },
    ];
    for zero in zeros {
        assert_ne!(sealed(zero).digest, sealed(absent.clone()).digest);
    }
}

#[test]
fn text_cannot_move_between_neighbouring_fields() {
    let one = Entry::new("ab", 1, Outcome::Failed).error("c");
    let other = Entry::new("a", 1, Outcome::Failed).error("bc");
    assert_ne!(sealed(one).digest, sealed(other).digest);
}

#[test]
fn a_written_path_carries_the_hash_of_its_value() {
    let changed = ChangedPath::written("domain.score", b"abc");
    assert_eq!(changed.hash[..], Sha256::digest(b"abc")[..]);
    assert_eq!(ChangedPath::removed("domain.score").hash, ChangedPath::REMOVED);
}

#[test]
fn a_record_links_to_the_one_before() {
    let trail = Trail::default();
    (1..=3).for_each(|task| {
        trail.append(Entry::new("thumb", task, Outcome::Committed));
    });
    let records = trail.records(Filter::default());
    assert_eq!(records[0].link, [0; 16]);
    for pair in records.windows(2) {
        assert_eq!(pair[1].link[..], pair[0].digest[..16]);
    }
}

#[test]
fn what_is_too_long_for_a_frame_is_cut_and_says_so() {
    let long = "é".repeat(2 << 20);
    let paths = (0..100_000).map(|index| ChangedPath::removed(format!("{index}.{}", "p".repeat(index % 50))));
    let entry = Entry::new(long.as_str(), 1, Outcome::Failed)
        .requester(long.as_str())
        .error(long.as_str())
        .reason(long.as_str())
        .paths(paths.collect());
    let record = sealed(entry);
    assert!(record.encode().len() + 4 <= MAX_FRAME, "{} bytes", record.encode().len());
    assert!(record.is_intact());
    assert!(record.process.ends_with(" [cut]") && record.error.as_deref().unwrap().ends_with(" [cut]"));
    assert_eq!(record.paths.len() + record.more_paths as usize, 100_000);
    assert!(!record.paths.is_empty());
    let one = Entry::new("thumb", 1, Outcome::Failed).paths(vec![ChangedPath::removed("p".repeat(2 << 20))]);
    let record = sealed(one);
    assert_eq!((record.paths.len(), record.more_paths), (0, 1));
}
