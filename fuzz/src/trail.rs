//! [`trail`]: any bytes as the files of an audit trail, which anybody may have changed.
//!
//! What not: which changes are found (`theus-audit` tries every bit of a trail and forgeries by the thousand).
//! Invariants checked: reading is total and takes no more memory than a buffer and a part of the input; the same bytes have
//! the same verdict; what is good is good in all its beginnings that end with a frame, and nothing follows a torn end. All of
//! it once more with the heads and checksums of the frames put right, or no input would come past the first frame.

use crate::Meter;
use theus_audit::{
    Frame, FrameError, MAGIC, MAX_FRAME, MIN_FRAME, Report, Verifier, VerifyOptions, leaf_hash,
};

/// The most memory that checking may take for each byte of input: a leaf hash for the shortest frame, and growth.
const MEMORY_PER_BYTE: usize = 8;
/// What it may take besides: the buffer, which holds the longest frame.
const MEMORY_BESIDES: usize = 3 << 20;

/// Judges the check of a trail on these bytes; a file ends where the magic of the next begins.
///
/// # Panics
/// Where it breaks a promise.
pub fn trail(bytes: &[u8], meter: &Meter) {
    let raw = files(bytes);
    judge(&raw, meter);
    let mut state = (1, [0; 16]);
    let healed: Vec<Vec<u8>> = raw.iter().map(|file| heal(file, &mut state)).collect();
    judge(&healed, meter);
}

fn judge(files: &[Vec<u8>], meter: &Meter) {
    let size: usize = files.iter().map(Vec::len).sum();
    let (report, memory) = meter.peak(|| check(files));
    assert!(memory <= MEMORY_PER_BYTE * size + MEMORY_BESIDES, "{memory} bytes of memory for {size}");
    assert_eq!(check(files), report, "another verdict on the same bytes");
    assert!(report.torn_bytes == 0 || !report.ok());
    assert!(report.covered <= report.count && report.records + report.checkpoints <= report.count);
    match &report.finding {
        Some(finding) => {
            let (first, last) =
                finding.first_bad.map(|number| (number, number)).or(finding.between).expect("a place");
            assert!(0 < first && first <= last && last <= report.count + 1, "{report:?}");
        }
        None => good(files, &report),
    }
}

/// What holds for a trail in which nothing was found.
fn good(files: &[Vec<u8>], whole: &Report) {
    let Some((last, before)) = files.split_last() else {
        panic!("no file, and no finding");
    };
    let mut at = MAGIC.len();
    let mut frames = 0;
    while let Ok(frame) = Frame::parse(&last[at..]) {
        assert_eq!(leaf_hash(frame.entry), frame.leaf());
        at += frame.length();
        frames += 1;
    }
    assert_eq!(at, last.len(), "bytes that are no frame were passed over");
    let mut cut = before.to_vec();
    cut.push(last[..at - 1].to_vec());
    let report = check(&cut);
    assert_eq!(report.count, whole.count - 1);
    assert!(!report.ok() && report.torn_bytes > 0);
    assert!(frames > 0 && frames <= whole.count);
}

fn check(files: &[Vec<u8>]) -> Report {
    let mut verifier = Verifier::new(&VerifyOptions::default());
    for file in files {
        verifier.file(&file[..]).expect("memory can be read");
    }
    verifier.finish()
}

fn files(bytes: &[u8]) -> Vec<Vec<u8>> {
    let begins = |at: &usize| *at == 0 || bytes[*at..].starts_with(&MAGIC);
    let mut starts: Vec<usize> = (0..bytes.len()).filter(begins).collect();
    starts.push(bytes.len());
    starts.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
}

/// The file with the numbers, links and checksums that its frames should have, as far as their lengths lead.
fn heal(file: &[u8], (number, link): &mut (u64, [u8; 16])) -> Vec<u8> {
    let mut file = file.to_vec();
    let mut at = MAGIC.len();
    while let Some(length) = file.get(at..).and_then(|rest| rest.first_chunk()) {
        let length = u32::from_le_bytes(*length) as usize;
        if !(MIN_FRAME..=MAX_FRAME).contains(&length) || file.len() - at < length {
            break;
        }
        let frame = &mut file[at..at + length];
        frame[5..13].copy_from_slice(&number.to_le_bytes());
        frame[21..37].copy_from_slice(link);
        let entry = length - 4;
        // The checksum is not to be computed here, and a wrong one says what it should be.
        if let Err(FrameError::Checksum { computed, .. }) = Frame::parse(frame) {
            frame[entry..].copy_from_slice(&computed.to_le_bytes());
        }
        link.copy_from_slice(&leaf_hash(&frame[..entry])[..16]);
        *number += 1;
        at += length;
    }
    file
}
