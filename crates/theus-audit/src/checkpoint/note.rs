//! A checkpoint with its signatures, as a text.
//!
//! What not: which keys are trusted; the caller asks with the key that it trusts.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Checkpoint, PublicKey, Signer};

/// Most signature lines of a note: a text from elsewhere must not cost more than this.
const MOST_SIGNATURES: usize = 64;
/// Most bytes of one signature line. The longest signatures in use (ML-DSA-44) take 3.3 KB as base64.
const LONGEST_LINE: usize = 8 << 10;
/// What a signature line begins with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// A checkpoint and the signatures on it: the text that is exported, kept elsewhere and held in checkpoint frames.
///
/// A note that nobody signed has no signature lines; it still ends with the empty line, so that notes can follow one another
/// in a file.
///
/// ```
/// use theus_audit::{Checkpoint, CheckpointNote, Signer};
///
/// let signer = Signer::from_seed("example.com/trail", &[7; 32])?;
/// let checkpoint = Checkpoint { origin: "example.com/trail".into(), size: 3, root: [9; 32] };
/// let note = CheckpointNote::signed(checkpoint, &signer)?;
/// assert!(note.is_signed_by(&signer.public_key())?);
/// assert_eq!(CheckpointNote::parse(&note.to_string())?, note);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointNote {
    checkpoint: Checkpoint,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    name: String,
    /// The key's id and what its algorithm makes.
    bytes: Vec<u8>,
}

/// Why a text is no note, or no note to trust.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// There are not three lines.
    #[error("a checkpoint has three lines, origin, size and root, and then an empty line")]
    NoText,
    /// The first line names no trail.
    #[error("{text:?} cannot be an origin: 1 to 255 bytes without white space, control characters and +")]
    Origin {
        /// Its beginning.
        text: String,
    },
    /// The second line is no size.
    #[error("{text:?} is not a size: a decimal number without leading zeros")]
    Size {
        /// The line.
        text: String,
    },
    /// The third line is no root.
    #[error("{text:?} is not a root: the base64 of 32 bytes")]
    Root {
        /// The line.
        text: String,
    },
    /// A signature line is not one.
    #[error("signature line {line} is not an em dash, a name and the base64 of a key's id and a signature")]
    Signature {
        /// Which of the signature lines, from 1.
        line: usize,
    },
    /// There are too many signatures.
    #[error("a note with more than {MOST_SIGNATURES} signatures is not read")]
    TooMany,
    /// The key that is named has not made the signature.
    #[error(
        "the signature under the name {name:?} was not made by its key: the note is a forgery, or damaged"
    )]
    Forged {
        /// The key's name.
        name: String,
    },
    /// The signer signs for another trail.
    #[error("the key {signer:?} cannot sign a checkpoint of {origin:?}: the key's name must be the origin")]
    OtherSigner {
        /// The key's name.
        signer: String,
        /// The origin of the checkpoint.
        origin: String,
    },
}

impl CheckpointNote {
    /// A note without a signature.
    pub fn unsigned(checkpoint: Checkpoint) -> Self {
        CheckpointNote { checkpoint, signatures: Vec::new() }
    }

    /// A note with one signature. The caller must not sign what contradicts anything that it signed before.
    ///
    /// # Errors
    /// When the signer's name is not the origin of the checkpoint.
    pub fn signed(checkpoint: Checkpoint, signer: &Signer) -> Result<Self, NoteError> {
        let name = signer.name().to_owned();
        if name != checkpoint.origin {
            return Err(NoteError::OtherSigner { signer: name, origin: checkpoint.origin });
        }
        let bytes = signer.sign(checkpoint.text().as_bytes());
        Ok(CheckpointNote { checkpoint, signatures: vec![Signature { name, bytes }] })
    }

    /// Reads one note and nothing else.
    ///
    /// # Errors
    /// When the text is not exactly a note.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        match CheckpointNote::take(text)? {
            (note, "") => Ok(note),
            (note, _) => Err(NoteError::Signature { line: note.signatures.len() + 1 }),
        }
    }

    /// Reads a file of notes, one after the other; empty lines between them do no harm.
    ///
    /// # Errors
    /// At the first text that is no note, with its number among the notes, from 1.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, (usize, NoteError)> {
        let mut notes = Vec::new();
        let mut rest = text.trim_start_matches('\n');
        while !rest.is_empty() {
            let (note, after) = CheckpointNote::take(rest).map_err(|error| (notes.len() + 1, error))?;
            notes.push(note);
            rest = after.trim_start_matches('\n');
        }
        Ok(notes)
    }

    /// What it says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// How many signatures are on it, whoever made them.
    pub fn signature_count(&self) -> usize {
        self.signatures.len()
    }

    /// Whether `key` has signed it. Signatures of other keys are passed over, as the specification asks.
    ///
    /// # Errors
    /// [`NoteError::Forged`] when there is a signature that claims to be this key's and is not.
    pub fn is_signed_by(&self, key: &PublicKey) -> Result<bool, NoteError> {
        let text = self.checkpoint.text();
        let mut signed = false;
        for signature in &self.signatures {
            match signature.bytes.split_first_chunk() {
                Some((id, made)) if *id == key.id() && signature.name == key.name() => {
                    if !key.has_signed(text.as_bytes(), made) {
                        return Err(NoteError::Forged { name: signature.name.clone() });
                    }
                    signed = true;
                }
                _ => {}
            }
        }
        Ok(signed)
    }

    /// The note that the text begins with, and what follows it.
    fn take(text: &str) -> Result<(Self, &str), NoteError> {
        let body = text.find("\n\n").ok_or(NoteError::NoText)?;
        let checkpoint = Checkpoint::parse(&text[..=body])?;
        let mut signatures = Vec::new();
        let mut rest = &text[body + 2..];
        while let Some(after) = rest.strip_prefix(DASH) {
            if signatures.len() == MOST_SIGNATURES {
                return Err(NoteError::TooMany);
            }
            let broken = NoteError::Signature { line: signatures.len() + 1 };
            let Some((line, following)) =
                after.split_once('\n').filter(|(line, _)| line.len() <= LONGEST_LINE)
            else {
                return Err(broken);
            };
            signatures.push(Signature::parse(line).ok_or(broken)?);
            rest = following;
        }
        Ok((CheckpointNote { checkpoint, signatures }, rest))
    }
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.split_once(' ')?;
        super::check_origin(name).ok()?;
        let bytes = STANDARD.decode(encoded).ok().filter(|bytes| bytes.len() > 4)?;
        Some(Signature { name: name.to_owned(), bytes })
    }
}

impl fmt::Display for CheckpointNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.checkpoint.text())?;
        for signature in &self.signatures {
            writeln!(f, "{DASH}{} {}", signature.name, STANDARD.encode(&signature.bytes))?;
        }
        Ok(())
    }
}
