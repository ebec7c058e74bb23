//! Checkpoints: what a trail was at some size, as a text that others keep and that a key may sign.
//!
//! What not: when checkpoints are made, where they go, and whether a trail is what they say (see `verify`).
//!
//! The texts are those of the C2SP specifications `tlog-checkpoint` and `signed-note`, so that other programs read them:
//! origin, size and root, each on a line; an empty line; a line for each signature.
//! Invariant: a text that parses is exactly the one that its parts give.

mod key;
mod note;

pub use key::{KeyError, PublicKey, Signer};
pub use note::{CheckpointNote, NoteError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::tree::Hash;

/// Most bytes of an origin.
pub const LONGEST_ORIGIN: usize = 255;

/// What a trail was: the root of the tree of its first frames.
///
/// ```
/// use theus_audit::Checkpoint;
///
/// let checkpoint = Checkpoint { origin: "example.com/trail".into(), size: 0, root: theus_audit::empty_root() };
/// let text = checkpoint.text();
/// assert_eq!(text, "example.com/trail\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
/// assert_eq!(Checkpoint::parse(&text), Ok(checkpoint));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// The name of the trail.
    pub origin: String,
    /// How many frames the tree has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

impl Checkpoint {
    /// The three lines that are signed, the last line feed included.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads the three lines.
    ///
    /// # Errors
    /// When the text is not exactly what [`Checkpoint::text`] makes. Extension lines are refused: no trail writes any.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let lines = text.strip_suffix('\n').ok_or(NoteError::NoText)?;
        let mut lines = lines.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::NoText);
        };
        check_origin(origin)?;
        let number = size.parse::<u64>().ok().filter(|number| number.to_string() == size);
        let number = number.ok_or_else(|| NoteError::Size { text: size.to_owned() })?;
        let hash = STANDARD.decode(root).ok().and_then(|bytes| Hash::try_from(bytes).ok());
        let root = hash.ok_or_else(|| NoteError::Root { text: root.to_owned() })?;
        Ok(Checkpoint { origin: origin.to_owned(), size: number, root })
    }
}

/// Whether a text can be the name of a trail and of the key that signs for it.
///
/// # Errors
/// When it is empty, longer than [`LONGEST_ORIGIN`], or has white space, a control character or a plus in it.
pub fn check_origin(origin: &str) -> Result<(), NoteError> {
    let forbidden = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '+';
    if origin.is_empty() || origin.len() > LONGEST_ORIGIN || origin.contains(forbidden) {
        return Err(NoteError::Origin { text: origin.chars().take(80).collect() });
    }
    Ok(())
}
