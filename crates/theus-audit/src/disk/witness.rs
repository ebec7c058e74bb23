//! The second file: the text of each checkpoint, kept where whoever changes the trail may not reach it.
//!
//! What not: when checkpoints are made.
//!
//! Invariants: one trail at a time writes to it; a note is on the disk before anybody is told of it; half a note at the end of the file is cut when the file is
//! opened, and nothing else is.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::OpenError;
use super::file::{Disk, DiskFile, Input, write_all};
use super::opening::system;
use crate::checkpoint::{Checkpoint, CheckpointNote, PublicKey};
use crate::log::scan::Scan;

/// Origin, size, root, an empty line, a signature, and what may be torn behind them.
const LINES_OF_A_NOTE: usize = 7;

/// The second file of a trail, or that there is none.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    file: Option<WitnessFile>,
    /// The last note.
    last: Option<CheckpointNote>,
    /// What the trail was at the size of the last note, once it was seen there.
    seen: Option<Checkpoint>,
}

#[derive(Debug)]
struct WitnessFile {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    /// Where the next note goes.
    end: u64,
    /// Half a note may lie behind the end.
    torn: bool,
}

impl Witness {
    /// Opens the second file, or makes it, and reads its last note.
    pub(crate) fn open(
        disk: &dyn Disk,
        trail: &Path,
        path: Option<&Path>,
        signed: bool,
    ) -> Result<Self, OpenError> {
        let Some(path) = path else {
            return Ok(Witness::default());
        };
        let mut new = false;
        let file = disk.open(path, false).or_else(|error| {
            new = error.kind() == io::ErrorKind::NotFound;
            if new { disk.open(path, true) } else { Err(error) }
        });
        let file = file.map_err(|source| system(path, "to open it", source))?;
        if new {
            disk.sync_name(path).map_err(|source| system(path, "to sync its folder", source))?;
        }
        // Two trails would write their notes over one another's, and a trail its notes over itself.
        match file.lock() {
            Ok(true) => {}
            Ok(false) => return Err(OpenError::CheckpointsInUse { path: path.to_owned() }),
            Err(source) => return Err(system(path, "to lock it", source)),
        }
        let mut bytes = Vec::new();
        Input::new(&file).read_to_end(&mut bytes).map_err(|source| system(path, "to read it", source))?;
        let (end, last) = whole_notes(&bytes, signed).map_err(|reason| OpenError::RolledBack {
            path: trail.to_owned(),
            checkpoints: path.to_owned(),
            reason,
        })?;
        let torn = end < bytes.len();
        let file = WitnessFile { path: path.to_owned(), file, end: end as u64, torn };
        Ok(Witness { file: Some(file), last, seen: None })
    }

    /// Lets go of the file.
    pub(crate) fn close(&mut self) {
        if let Some(WitnessFile { file, .. }) = self.file.take() {
            // Where that fails it goes with the file.
            let _unlocked = file.unlock();
        }
    }

    /// Where the second file is.
    pub(crate) fn path(&self) -> PathBuf {
        self.file.as_ref().map(|file| file.path.clone()).unwrap_or_default()
    }

    pub(crate) fn refuse(&self, trail: &Path, reason: String) -> OpenError {
        OpenError::RolledBack { path: trail.to_owned(), checkpoints: self.path(), reason }
    }

    /// How many frames the last note is about.
    pub(crate) fn size(&self) -> u64 {
        self.last.as_ref().map_or(0, |note| note.checkpoint().size)
    }

    /// Compares the trail as it was read so far.
    pub(crate) fn look(&mut self, scan: &mut Scan) {
        if self.size() == scan.frames()
            && let Some(identity) = scan.identity()
        {
            let origin = identity.origin.clone();
            self.seen = Some(Checkpoint { origin, size: scan.frames(), root: scan.head().root() });
        }
    }

    /// Why the trail that was read is not the one of the last note.
    pub(crate) fn contradiction(&self, origin: &str, key: Option<&PublicKey>) -> Option<String> {
        let note = self.last.as_ref()?;
        let last = note.checkpoint();
        if last.origin != origin {
            return Some(format!("they are of {:?}, and the trail is {origin:?}", last.origin));
        }
        if let Some(key) = key {
            match note.is_signed_by(key) {
                Ok(true) => {}
                Ok(false) => return Some("the last one is not signed by the key of the trail".to_owned()),
                Err(error) => return Some(error.to_string()),
            }
        }
        match &self.seen {
            Some(seen) if seen == last => None,
            Some(_) => Some(format!("its first {} frames were others", last.size)),
            None => Some(format!("it was cut back, or replaced: the last one is of {} frames", last.size)),
        }
    }

    /// Writes a note and waits until it is on the disk.
    pub(crate) fn write(&mut self, note: &str) -> io::Result<()> {
        let Some(WitnessFile { file, end, torn, .. }) = &mut self.file else {
            return Ok(());
        };
        if *torn {
            // Gone for good before the next one is written there: a mixture of two notes can look like a third.
            file.set_length(*end)?;
            file.sync()?;
        }
        // Until the note is on the disk it does not count, and the next one takes its place.
        *torn = true;
        if let Err(error) = write_all(&**file, note.as_bytes(), *end) {
            // Whoever reads the file meanwhile must not take half a note for one that nobody signed.
            let _cut_again_before_the_next = file.set_length(*end);
            return Err(error);
        }
        file.sync()?;
        *torn = false;
        *end += note.len() as u64;
        Ok(())
    }
}

/// Where the last whole note ends, and that note. Behind it there may be what a crash makes of one note: its beginning, zeros.
fn whole_notes(bytes: &[u8], signed: bool) -> Result<(usize, Option<CheckpointNote>), String> {
    let written = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = match str::from_utf8(written) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&written[..error.valid_up_to()]).unwrap_or_default(),
    };
    let line_starts = text.rmatch_indices('\n').map(|(at, _)| at + 1).chain([0]);
    let mut refusal = String::new();
    for end in line_starts.take(LINES_OF_A_NOTE) {
        match CheckpointNote::parse_all(&text[..end]) {
            // Without its last line a signed note is an unsigned one.
            Ok(notes) if signed && notes.last().is_some_and(|note| note.signature_count() == 0) => {}
            Ok(notes) => return Ok((end, notes.into_iter().next_back())),
            Err((number, error)) => refusal = format!("note {number} in them is none: {error}"),
        }
    }
    Err(if refusal.is_empty() { "the last note in them is not signed".to_owned() } else { refusal })
}
