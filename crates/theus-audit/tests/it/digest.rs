//! The canonical bytes and the digest over them.

use std::time::Duration;

use sha2::{Digest, Sha256};
use theus_audit::{ChangedPath, Entry, Filter, Outcome, Record, Trail};

fn full() -> Entry {
    Entry::new("thumb", 7, Outcome::Crashed)
        .attempt(2)
        .base_version(41)
        .version(42)
        .signal(-9)
        .worker(4711)
        .error("died")
        .duration(Duration::new(3, 250))
        .paths(vec![ChangedPath::removed("a.b"), ChangedPath { path: "ö".into(), hash: [0xab; 32] }])
}

fn sealed(entry: Entry) -> Record {
    let trail = Trail::with_clock(1, || 1.5);
    trail.append(entry);
    (*trail.records(Filter::default())[0]).clone()
}

#[test]
fn the_canonical_bytes_are_the_documented_ones() {
    let mut bytes = vec![1];
    bytes.extend(1u64.to_le_bytes());
    bytes.extend(1.5f64.to_le_bytes());
    bytes.extend([6, 0b1111]);
    bytes.extend(7u64.to_le_bytes());
    bytes.extend(2u32.to_le_bytes());
    bytes.extend(41u64.to_le_bytes());
    bytes.extend(42u64.to_le_bytes());
    bytes.extend((-9i32).to_le_bytes());
    bytes.extend(4711u32.to_le_bytes());
    bytes.extend(3u64.to_le_bytes());
    bytes.extend(250u32.to_le_bytes());
    bytes.extend(5u64.to_le_bytes());
    bytes.extend(4u64.to_le_bytes());
    bytes.extend(2u64.to_le_bytes());
    assert_eq!(bytes.len(), 91);
    bytes.extend(b"thumbdied");
    bytes.extend(3u64.to_le_bytes());
    bytes.extend(b"a.b");
    bytes.extend([0; 32]);
    bytes.extend(2u64.to_le_bytes());
    bytes.extend("ö".as_bytes());
    bytes.extend([0xab; 32]);
    assert_eq!(sealed(full()).encode(), bytes);
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
    assert_eq!(hex, "8d7673a3185726b80ce27d3c6cc8a317ee0d7d324e83d2b6717a2512f77e5b27");
}

#[test]
fn any_edit_of_any_field_breaks_the_digest() {
    let edits: [fn(&mut Record); 18] = [
        |record| record.number += 1,
        |record| record.time += 1.0,
        |record| record.process = "thumbs".into(),
        |record| record.task += 1,
        |record| record.attempt += 1,
        |record| record.base_version += 1,
        |record| record.version = Some(43),
        |record| record.version = None,
        |record| record.outcome = Outcome::Failed,
        |record| record.paths.swap(0, 1),
        |record| record.paths[0].path.push('c'),
        |record| record.paths[1].hash[31] ^= 1,
        |record| record.error = Some("dies".into()),
        |record| record.error = None,
        |record| record.signal = Some(9),
        |record| record.worker = None,
        |record| record.duration += Duration::from_nanos(1),
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
