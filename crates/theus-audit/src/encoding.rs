//! The canonical bytes of a record and their hash; [`Record::encode`] draws the layout.
//!
//! The bytes go piece by piece into whatever takes them, so that hashing needs no buffer.
//! Invariant: every variable part has its length ahead of it, so no two records share their bytes.

use sha2::{Digest, Sha256};

use crate::Record;

/// The form of the record: the first byte. A change of layout takes the next number.
const FORM: u8 = 1;
const HEAD: usize = 91;
/// What RFC 6962 puts before a leaf, so that no inner node of a tree can pass for one.
const LEAF: [u8; 1] = [0];

/// The RFC 6962 leaf hash of the record's canonical bytes.
pub(crate) fn digest(record: &Record) -> [u8; 32] {
    let mut hasher = Sha256::new_with_prefix(LEAF);
    write(record, &mut |piece: &[u8]| hasher.update(piece));
    hasher.finalize().into()
}

/// Gives the record's canonical bytes to `put`, piece by piece.
pub(crate) fn write(record: &Record, put: &mut impl FnMut(&[u8])) {
    put(&head(record));
    put(record.process.as_bytes());
    put(record.error.as_deref().unwrap_or_default().as_bytes());
    for changed in &record.paths {
        put(&length(changed.path.len()));
        put(changed.path.as_bytes());
        put(&changed.hash);
    }
}

/// The part of fixed length, built in one piece because a hasher is slow at many small ones.
fn head(record: &Record) -> [u8; HEAD] {
    let present = u8::from(record.version.is_some())
        | u8::from(record.signal.is_some()) << 1
        | u8::from(record.worker.is_some()) << 2
        | u8::from(record.error.is_some()) << 3;
    let mut head = [0; HEAD];
    head[0] = FORM;
    head[1..9].copy_from_slice(&record.number.to_le_bytes());
    head[9..17].copy_from_slice(&record.time.to_le_bytes());
    head[17] = record.outcome.code();
    head[18] = present;
    head[19..27].copy_from_slice(&record.task.to_le_bytes());
    head[27..31].copy_from_slice(&record.attempt.to_le_bytes());
    head[31..39].copy_from_slice(&record.base_version.to_le_bytes());
    head[39..47].copy_from_slice(&record.version.unwrap_or_default().to_le_bytes());
    head[47..51].copy_from_slice(&record.signal.unwrap_or_default().to_le_bytes());
    head[51..55].copy_from_slice(&record.worker.unwrap_or_default().to_le_bytes());
    head[55..63].copy_from_slice(&record.duration.as_secs().to_le_bytes());
    head[63..67].copy_from_slice(&record.duration.subsec_nanos().to_le_bytes());
    head[67..75].copy_from_slice(&length(record.process.len()));
    head[75..83].copy_from_slice(&length(record.error.as_ref().map_or(0, String::len)));
    head[83..91].copy_from_slice(&length(record.paths.len()));
    head
}

fn length(count: usize) -> [u8; 8] {
    (count as u64).to_le_bytes()
}
