//! Whether frames follow one another as those of one trail do.
//!
//! What not: where the frames come from (see `reader`), and keys that the trail itself does not name.
//!
//! Invariants: a frame that is refused changes nothing, so the scan always knows the last good state; memory grows by 32
//! bytes for each frame since the last checkpoint and not otherwise.

use super::frame::{Frame, FrameError, Kind, Link, link_to};
use super::marks::{CheckpointMark, FileMark, Identity, OpenedMark};
use crate::checkpoint::{Checkpoint, CheckpointNote, NoteError, PublicKey, check_origin};
use crate::record::payload;
use crate::tree::{Frontier, Hash};

/// The first thing in a trail that is not as drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// A file does not begin as files of trails do.
    #[error("the file does not begin with the {} bytes of a trail", super::MAGIC.len())]
    Magic,
    /// There is no whole frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The frame has another number than the next.
    #[error("the frame has number {found}: frames were removed, put in or moved")]
    Number {
        /// What it has.
        found: u64,
    },
    /// The frame does not link to the one before it.
    #[error("the frame does not follow the one before it: their hashes do not fit")]
    Link,
    /// The frame is older than the one before it.
    #[error("the frame's time {found} is before that of the frame before it, {before}")]
    Time {
        /// What it has, in nanoseconds.
        found: u64,
        /// That of the frame before.
        before: u64,
    },
    /// The payload is not what its kind has.
    #[error("the frame's payload is not that of its kind ({kind:?})")]
    Payload {
        /// The kind.
        kind: Kind,
    },
    /// A file does not begin with a file frame, or a file frame is elsewhere.
    #[error("the first frame of a file, and no other, says which file it is")]
    NoFile,
    /// A file frame is not that of the next file of this trail.
    #[error("the file is not the next of this trail: it has another {what}")]
    OtherFile {
        /// Which part differs.
        what: &'static str,
    },
    /// A checkpoint is for no size that it can be for.
    #[error(
        "the checkpoint is for {size} frames; it must be more than {covered} and less than its own number"
    )]
    Size {
        /// What it says.
        size: u64,
        /// The size of the checkpoint before.
        covered: u64,
    },
    /// The frames are not those that a checkpoint was made of.
    #[error("the first {size} frames are not those that the checkpoint was made of")]
    Root {
        /// How many frames it is about.
        size: u64,
        /// How many of them the checkpoint before has shown to be good.
        covered: u64,
    },
    /// The note in a checkpoint frame is not that of the checkpoint.
    #[error(
        "the note in the checkpoint does not say what the checkpoint says, or is not signed as the trail says"
    )]
    Note,
    /// The note in a checkpoint frame is none, or a forgery.
    #[error(transparent)]
    BadNote(#[from] NoteError),
}

/// Goes through the frames of a trail in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scan {
    identity: Option<Identity>,
    /// Who signs the checkpoints; its name is the origin.
    key: Option<PublicKey>,
    /// Of how many files the file frame was seen.
    files: u32,
    /// Whether that of the present file was.
    in_file: bool,
    link: Link,
    time: u64,
    frames: u64,
    /// The tree of what the last checkpoint covers.
    covered: Frontier,
    /// The leaves since.
    since: Vec<Hash>,
    /// The tree of some of the frames, at least those that are covered; [`Scan::head`] brings it up to date. Kept beside
    /// `covered` so that a leaf is not hashed into the tree twice for each file and each checkpoint.
    head: Frontier,
    checkpoints: u64,
}

impl Scan {
    /// The frames that follow are those of the next file.
    pub(crate) fn begin_file(&mut self) {
        self.in_file = false;
    }

    /// Takes the next frame, if it is one that can follow. Gives its leaf hash.
    ///
    /// # Errors
    /// The first flaw in the order in which `log` lists the checks. Nothing has changed then.
    pub(crate) fn admit(&mut self, frame: &Frame<'_>) -> Result<Hash, Flaw> {
        if frame.number != self.frames + 1 {
            return Err(Flaw::Number { found: frame.number });
        }
        if frame.link != self.link {
            return Err(Flaw::Link);
        }
        if frame.time < self.time {
            return Err(Flaw::Time { found: frame.time, before: self.time });
        }
        if (frame.kind == Kind::File) == self.in_file {
            return Err(Flaw::NoFile);
        }
        let drawn = Flaw::Payload { kind: frame.kind };
        match frame.kind {
            Kind::File => self.file(FileMark::read(frame.number, frame.payload).ok_or(drawn)?)?,
            Kind::Attempt => payload::is_drawn(frame.payload).then_some(()).ok_or(drawn)?,
            Kind::Checkpoint => self.checkpoint(&CheckpointMark::read(frame.payload).ok_or(drawn)?)?,
            Kind::Opened => drop(OpenedMark::read(frame.payload).ok_or(drawn)?),
        }
        let leaf = frame.leaf();
        self.since.push(leaf);
        self.frames += 1;
        self.link = link_to(&leaf);
        self.time = frame.time;
        Ok(leaf)
    }

    /// How many frames were taken; also the number of the last.
    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    /// Whether the file frame of the present file was taken.
    pub(crate) fn in_file(&self) -> bool {
        self.in_file
    }

    /// How many files were begun with a good frame.
    pub(crate) fn files(&self) -> u32 {
        self.files
    }

    /// What the next frame's link must be.
    pub(crate) fn link(&self) -> Link {
        self.link
    }

    /// The time of the last frame.
    pub(crate) fn time(&self) -> u64 {
        self.time
    }

    /// What the first frame says; None before it.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The public key that the first frame names.
    pub(crate) fn key(&self) -> Option<&PublicKey> {
        self.key.as_ref()
    }

    /// How many checkpoints were taken.
    pub(crate) fn checkpoints(&self) -> u64 {
        self.checkpoints
    }

    /// How many frames the last checkpoint covers.
    pub(crate) fn covered(&self) -> u64 {
        self.covered.size()
    }

    /// The tree of all frames that were taken.
    pub(crate) fn head(&mut self) -> &Frontier {
        let done = self.head.size() - self.covered.size();
        for leaf in self.since.iter().skip(done as usize) {
            self.head.push(*leaf);
        }
        &self.head
    }

    fn file(&mut self, mark: FileMark) -> Result<(), Flaw> {
        let other = |what| Err(Flaw::OtherFile { what });
        if mark.index != self.files + 1 {
            return other("place in the order of files");
        }
        if mark.before != *self.head() {
            return other(Flaw::TREE);
        }
        match &self.identity {
            None => {
                self.key = key_of(&mark.identity)?;
                self.identity = Some(mark.identity);
            }
            Some(known) if known.id != mark.identity.id => return other("id"),
            Some(known) if known.origin != mark.identity.origin => return other("origin"),
            Some(known) if known.key != mark.identity.key => return other("key"),
            Some(_) => {}
        }
        self.files += 1;
        self.in_file = true;
        Ok(())
    }

    fn checkpoint(&mut self, mark: &CheckpointMark) -> Result<(), Flaw> {
        let covered = self.covered.size();
        if mark.size <= covered || mark.size > self.frames {
            return Err(Flaw::Size { size: mark.size, covered });
        }
        let tree = self.tree_of(mark.size);
        if tree.root() != mark.root {
            return Err(Flaw::Root { size: mark.size, covered });
        }
        let note = CheckpointNote::parse(&mark.note)?;
        let identity = self.identity.as_ref().ok_or(Flaw::NoFile)?;
        let said = Checkpoint { origin: identity.origin.clone(), size: mark.size, root: mark.root };
        let signed = match &self.key {
            Some(key) => note.is_signed_by(key)?,
            None => true,
        };
        if *note.checkpoint() != said || !signed || note.signature_count() != usize::from(self.key.is_some())
        {
            return Err(Flaw::Note);
        }
        self.since.drain(..(mark.size - covered) as usize);
        if self.head.size() < tree.size() {
            self.head = tree.clone();
        }
        self.covered = tree;
        self.checkpoints += 1;
        Ok(())
    }

    /// The tree of the first `size` frames: not fewer than are covered, not more than there are.
    fn tree_of(&self, size: u64) -> Frontier {
        let nearer = if self.head.size() <= size { &self.head } else { &self.covered };
        let mut tree = nearer.clone();
        let from = (tree.size() - self.covered.size()) as usize;
        let to = (size - self.covered.size()) as usize;
        self.since[from..to].iter().for_each(|leaf| tree.push(*leaf));
        tree
    }
}

fn key_of(identity: &Identity) -> Result<Option<PublicKey>, Flaw> {
    let drawn = || Flaw::Payload { kind: Kind::File };
    check_origin(&identity.origin).map_err(|_| drawn())?;
    let key = identity.key.map(|bytes| PublicKey::from_bytes(identity.origin.as_str(), &bytes));
    key.transpose().map_err(|_| drawn())
}

impl Flaw {
    /// The part of a file frame that is about the frames before it.
    pub(crate) const TREE: &'static str = "tree of the frames before it";

    /// Whether a crash or a power cut can have made it, at the end of the newest file and where no checkpoint covers it.
    pub(crate) fn is_tear(&self) -> bool {
        // A whole frame of a kind that is not known comes from a later release, not from a crash.
        matches!(self, Flaw::Magic | Flaw::Frame(_)) && !matches!(self, Flaw::Frame(FrameError::Kind { .. }))
    }
}
