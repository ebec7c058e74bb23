//! Proofs as texts that can be sent: that a trail has a record, and that it only grew.
//!
//! What not: how a proof is made (see `passage`).
//!
//! A proof that a record is in a trail is a C2SP `tlog-proof` (c2sp.org/tlog-proof): its name, the record's bytes as extra
//! data, its index from 0, the hashes, an empty line, the checkpoint. A proof that a trail only grew has the same form, with
//! another name and two checkpoints, the older first.
//! Invariant: a text that parses is exactly the one that its parts give.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Record;
use crate::checkpoint::{Checkpoint, CheckpointNote, NoteError, PublicKey};
use crate::log::frame::{Frame, Kind, MAX_FRAME, close};
use crate::tree::{Hash, extends, includes, leaf_hash};

const INCLUSION: &str = "c2sp.org/tlog-proof@v1";
const CONSISTENCY: &str = "theus/consistency-proof@v1";
/// No proof has more hashes: one for each bit of a size, and one.
const MOST_HASHES: usize = 65;

/// A proof about a trail, for somebody who does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The trail has this frame.
    Inclusion {
        /// The frame's number, from 1.
        number: u64,
        /// The frame without its checksum.
        entry: Vec<u8>,
        /// The hashes, the deepest first.
        path: Vec<Hash>,
        /// A checkpoint that covers the frame.
        checkpoint: CheckpointNote,
    },
    /// The newer checkpoint's trail begins with the older one's.
    Consistency {
        /// The hashes, the deepest first.
        path: Vec<Hash>,
        /// The checkpoint of fewer frames.
        older: CheckpointNote,
        /// The checkpoint of more.
        newer: CheckpointNote,
    },
}

/// What whoever checks a proof trusts. With neither, a proof only shows that its parts fit each other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust<'a> {
    /// The key that signs the trail's checkpoints.
    pub key: Option<&'a PublicKey>,
    /// A checkpoint that is known from elsewhere.
    pub known: Option<&'a Checkpoint>,
}

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The text is no proof.
    #[error("line {line} of the proof is not {expected}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// A checkpoint in it is none, or forged.
    #[error("the proof's checkpoint: {0}")]
    Note(#[from] NoteError),
    /// It is a proof of the other kind.
    #[error("this is a proof that {is}, and not that {wanted}")]
    OtherKind {
        /// What it is about.
        is: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The hashes do not lead to the root.
    #[error("the hashes do not lead to the root of the checkpoint: the proof is false")]
    False,
    /// The bytes are not the frame that they should be.
    #[error("the proof's record is not frame {number} of a trail")]
    Record {
        /// Which it should be.
        number: u64,
    },
    /// The key has not signed the checkpoint.
    #[error("the checkpoint of size {size} is not signed with {key}")]
    Unsigned {
        /// The checkpoint's size.
        size: u64,
        /// The key.
        key: Box<PublicKey>,
    },
    /// The checkpoint is of another trail.
    #[error("the checkpoint is of {found:?}, and not of {expected:?}")]
    OtherTrail {
        /// What it says.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The known checkpoint has another root.
    #[error(
        "the known checkpoint of size {size} has another root: the trail that the proof is from was rewritten"
    )]
    Contradiction {
        /// The size.
        size: u64,
    },
    /// The known checkpoint has another size, so nothing follows from it.
    #[error(
        "the known checkpoint is of size {known}, and the proof has none of that size; make the proof for it"
    )]
    NotKnown {
        /// Its size.
        known: u64,
    },
}

/// What a proof has shown: this frame is in the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// The frame's number.
    pub number: u64,
    /// The record; None: the frame is none, but says something about the trail.
    pub record: Option<Record>,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
    /// Whether a given key has signed the checkpoint.
    pub signed: bool,
    /// Whether the checkpoint is the given one.
    pub known: bool,
}

/// What a proof has shown: the trail of the newer checkpoint is that of the older with frames added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistent {
    /// The checkpoint of fewer frames.
    pub older: Checkpoint,
    /// The checkpoint of more.
    pub newer: Checkpoint,
    /// Whether a given key has signed both.
    pub signed: bool,
    /// Whether one of them is the given one.
    pub known: bool,
}

/// Checks a proof that a frame is in a trail.
///
/// # Errors
/// When it does not prove that, or not to somebody who trusts this.
pub fn check_inclusion(text: &str, trust: &Trust<'_>) -> Result<Included, ProofError> {
    let Proof::Inclusion { number, entry, path, checkpoint: note } = Proof::parse(text)? else {
        return Err(ProofError::OtherKind { is: "a trail only grew", wanted: "it has a record" });
    };
    let checkpoint = note.checkpoint();
    let signed = trust.signature(&note)?;
    let known = trust.known_among(&[checkpoint])?;
    if !includes(&checkpoint.root, checkpoint.size, number - 1, &leaf_hash(&entry), &path) {
        return Err(ProofError::False);
    }
    let mut bytes = entry;
    close(&mut bytes);
    let frame =
        Frame::parse(&bytes).ok().filter(|frame| frame.number == number && frame.length() == bytes.len());
    let frame = frame.ok_or(ProofError::Record { number })?;
    let record = Record::of_frame(&frame);
    if frame.kind == Kind::Attempt && record.is_none() {
        return Err(ProofError::Record { number });
    }
    Ok(Included { number, record, checkpoint: checkpoint.clone(), signed, known })
}

/// Checks a proof that a trail only grew from one checkpoint to another.
///
/// # Errors
/// When it does not prove that, or not to somebody who trusts this.
pub fn check_consistency(text: &str, trust: &Trust<'_>) -> Result<Consistent, ProofError> {
    let Proof::Consistency { path, older, newer } = Proof::parse(text)? else {
        return Err(ProofError::OtherKind { is: "a trail has a record", wanted: "it only grew" });
    };
    let signed = trust.signature(&older)? & trust.signature(&newer)?;
    let (older, newer) = (older.checkpoint(), newer.checkpoint());
    if older.origin != newer.origin {
        return Err(ProofError::OtherTrail { found: newer.origin.clone(), expected: older.origin.clone() });
    }
    let known = trust.known_among(&[older, newer])?;
    if !extends(older.size, &older.root, newer.size, &newer.root, &path) {
        return Err(ProofError::False);
    }
    Ok(Consistent { older: older.clone(), newer: newer.clone(), signed, known })
}

impl Trust<'_> {
    /// Whether there is a key and it has signed the note. One that is given and has not is an error.
    fn signature(&self, note: &CheckpointNote) -> Result<bool, ProofError> {
        let Some(key) = self.key else {
            return Ok(false);
        };
        let checkpoint = note.checkpoint();
        if checkpoint.origin != key.name() {
            return Err(ProofError::OtherTrail {
                found: checkpoint.origin.clone(),
                expected: key.name().to_owned(),
            });
        }
        if !note.is_signed_by(key)? {
            return Err(ProofError::Unsigned { size: checkpoint.size, key: Box::new(key.clone()) });
        }
        Ok(true)
    }

    /// Whether there is a known checkpoint and it is one of these. One that is given and contradicts is an error.
    fn known_among(&self, checkpoints: &[&Checkpoint]) -> Result<bool, ProofError> {
        let Some(known) = self.known else {
            return Ok(false);
        };
        if let Some(other) = checkpoints.iter().find(|checkpoint| checkpoint.origin != known.origin) {
            return Err(ProofError::OtherTrail {
                found: other.origin.clone(),
                expected: known.origin.clone(),
            });
        }
        let same_size = checkpoints.iter().find(|checkpoint| checkpoint.size == known.size);
        match same_size {
            None => Err(ProofError::NotKnown { known: known.size }),
            Some(checkpoint) if checkpoint.root == known.root => Ok(true),
            Some(_) => Err(ProofError::Contradiction { size: known.size }),
        }
    }
}

impl Proof {
    /// Reads the text of a proof. That it parses proves nothing.
    ///
    /// # Errors
    /// When the text is not exactly a proof.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let mut lines = Lines { rest: text, line: 0 };
        match lines.next("the name of a proof")? {
            INCLUSION => {
                let extra = lines.next("the record: `extra` and base64")?.strip_prefix("extra ");
                let entry = extra.filter(|base64| base64.len() <= MAX_FRAME * 4 / 3 + 4);
                let entry = entry.and_then(|base64| STANDARD.decode(base64).ok());
                let entry = entry.ok_or(lines.broken("the record: `extra` and base64"))?;
                let index = lines.next("the index: `index` and a number")?.strip_prefix("index ");
                let index =
                    index.and_then(|text| text.parse::<u64>().ok().filter(|index| index.to_string() == text));
                let number = index.and_then(|index| index.checked_add(1));
                let number = number.ok_or(lines.broken("the index: `index` and a number"))?;
                let path = lines.hashes()?;
                Ok(Proof::Inclusion { number, entry, path, checkpoint: CheckpointNote::parse(lines.rest)? })
            }
            CONSISTENCY => {
                let path = lines.hashes()?;
                let notes = CheckpointNote::parse_all(lines.rest).map_err(|(_, error)| error)?;
                let [older, newer] =
                    <[_; 2]>::try_from(notes).map_err(|_| lines.broken("the first of two checkpoints"))?;
                let proof = Proof::Consistency { path, older, newer };
                // The notes may have had more empty lines between them than the text of the proof has.
                if proof.to_string() == text {
                    Ok(proof)
                } else {
                    Err(lines.broken("the first of two checkpoints"))
                }
            }
            _ => Err(lines.broken("the name of a proof")),
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hashes = |f: &mut fmt::Formatter<'_>, path: &[Hash]| {
            path.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))
        };
        match self {
            Proof::Inclusion { number, entry, path, checkpoint } => {
                writeln!(
                    f,
                    "{INCLUSION}\nextra {}\nindex {}",
                    STANDARD.encode(entry),
                    number.saturating_sub(1)
                )?;
                hashes(f, path)?;
                write!(f, "\n{checkpoint}")
            }
            Proof::Consistency { path, older, newer } => {
                writeln!(f, "{CONSISTENCY}")?;
                hashes(f, path)?;
                write!(f, "\n{older}{newer}")
            }
        }
    }
}

/// What is left of the text, and how many lines were taken.
struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self, expected: &'static str) -> Result<&'a str, ProofError> {
        self.line += 1;
        let (line, rest) = self.rest.split_once('\n').ok_or(self.broken(expected))?;
        self.rest = rest;
        Ok(line)
    }

    /// The lines to the next empty one.
    fn hashes(&mut self) -> Result<Vec<Hash>, ProofError> {
        let expected = "a hash: the base64 of 32 bytes, or an empty line";
        let mut hashes = Vec::new();
        loop {
            let line = self.next(expected)?;
            if line.is_empty() {
                return Ok(hashes);
            }
            let hash = STANDARD.decode(line).ok().and_then(|bytes| Hash::try_from(bytes).ok());
            hashes.push(hash.filter(|_| hashes.len() < MOST_HASHES).ok_or(self.broken(expected))?);
        }
    }

    fn broken(&self, expected: &'static str) -> ProofError {
        ProofError::Form { line: self.line, expected }
    }
}
