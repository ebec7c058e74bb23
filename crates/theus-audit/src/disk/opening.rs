//! Opening a trail: reads all of its files, cuts the end that a crash has torn, and refuses everything else.
//!
//! What not: what each frame must be (see `scan`), and the *opened* frame, which the trail appends by itself.
//!
//! Invariants: nothing is changed before everything was read and judged; what no crash can have done is never repaired;
//! bytes are cut only after the frame that tells of it stands before them on the disk.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::OpenError;
use super::file::{Disk, DiskFile, Input, file_index, file_path};
use super::witness::Witness;
use crate::log::frame::{Frame, Kind, MAGIC};
use crate::log::marks::Identity;
use crate::log::reader::{Reader, Rest, Step};
use crate::log::scan::{Flaw, Scan};
use crate::trail::Tail;
use crate::verify::Finding;

/// The longest that the beginning of a file can be, magic and file frame: with 64 hashes, a key and the longest origin.
const LONGEST_BEGINNING: u64 = 16 + 41 + 16 + 4 + 1 + 64 * 32 + 1 + 32 + 2 + 255;

/// The files of a trail as they were found.
pub(crate) struct Found {
    /// The first file, locked.
    pub(crate) first: Arc<dyn DiskFile>,
    /// The newest with a whole beginning; None: not even the first has one, so that the trail is new.
    pub(crate) newest: Option<FoundFile>,
    /// The end of the newest file that is to be cut.
    pub(crate) torn: Option<Rest>,
    /// What is to be removed: the file after the newest, or the whole content of the first.
    pub(crate) unbegun: Option<Rest>,
    pub(crate) identity: Option<Identity>,
    pub(crate) tail: Tail,
    /// How many records there are.
    pub(crate) records: u64,
    /// How many frames the last checkpoint covers.
    pub(crate) covered: u64,
}

#[derive(Clone)]
pub(crate) struct FoundFile {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) index: u32,
    /// Where the good frames end.
    pub(crate) end: u64,
}

/// Reads the trail. `witness` is what the second file says of it.
pub(crate) fn look(disk: &dyn Disk, trail: &Path, witness: &mut Witness) -> Result<Found, OpenError> {
    let first = first_file(disk, trail, witness)?;
    let last = last_index(disk, trail)?;
    let mut found = Found {
        first: Arc::clone(&first),
        newest: None,
        torn: None,
        unbegun: None,
        identity: None,
        tail: Tail::default(),
        records: 0,
        covered: 0,
    };
    let mut scan = Scan::default();
    for index in 1..=last {
        let path = file_path(trail, index);
        let file = if index == 1 {
            Arc::clone(&first)
        } else {
            disk.open(&path, false).map_err(|source| system(&path, "to open it", source))?
        };
        if index == last {
            found.unbegun = unbegun(&file).map_err(|source| system(&path, "to read it", source))?;
            if found.unbegun.is_some() {
                break;
            }
        }
        // Only the newest can be torn, or the one before it where the newest was never begun.
        if found.torn.is_some() {
            let reason = "the file ends within a frame, and yet another follows it";
            return Err(damaged(&file_path(trail, index - 1), scan.frames() + 1, reason));
        }
        read(&file, index, &path, &mut scan, &mut found, witness)?;
    }
    found.covered = scan.covered();
    found.identity = scan.identity().cloned();
    found.tail = Tail::new(scan.head().clone(), scan.link(), scan.time());
    Ok(found)
}

/// Opens the first file, or makes it, and locks it.
fn first_file(disk: &dyn Disk, trail: &Path, witness: &Witness) -> Result<Arc<dyn DiskFile>, OpenError> {
    let mut opened = disk.open(trail, false);
    // Where checkpoints are, a trail was: it is not begun anew.
    if witness.size() == 0 && opened.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        opened = disk.open(trail, true);
    }
    // Somebody made it in between, and will have its lock.
    if opened.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
        opened = disk.open(trail, false);
    }
    let file = opened.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound if witness.size() > 0 => {
            witness.refuse(trail, "the trail is gone".to_owned())
        }
        io::ErrorKind::InvalidInput => OpenError::NotATrail { path: trail.to_owned() },
        _ => system(trail, "to open it", source),
    })?;
    match file.lock() {
        Ok(true) => Ok(file),
        Ok(false) => Err(OpenError::InUse { path: trail.to_owned() }),
        Err(source) => Err(system(trail, "to lock it", source)),
    }
}

/// The index of the last file; all before it must be there.
fn last_index(disk: &dyn Disk, trail: &Path) -> Result<u32, OpenError> {
    let names = disk.names(trail).map_err(|source| system(trail, "to list its folder", source))?;
    let mut indexes: Vec<u32> = names.iter().filter_map(|name| file_index(trail, name)).collect();
    indexes.sort_unstable();
    match (1..).zip(&indexes).find(|(expected, index)| expected != *index) {
        None => Ok(u32::try_from(indexes.len()).unwrap_or(u32::MAX)),
        Some((missing, _)) => Err(OpenError::Damaged {
            path: file_path(trail, missing),
            finding: Finding::new(None, "the file is missing, and yet later ones are there"),
        }),
    }
}

/// The content of a file whose beginning is not wholly there; None for one that has begun, or is something else.
///
/// Nothing is ever written behind a beginning that is not on the disk, so it is short, and no whole frame lies in it.
fn unbegun(file: &Arc<dyn DiskFile>) -> io::Result<Option<Rest>> {
    let mut content = Vec::new();
    Input::new(file).take(LONGEST_BEGINNING + 1).read_to_end(&mut content)?;
    let like_magic = content.iter().zip(MAGIC).all(|(byte, magic)| *byte == 0 || *byte == magic);
    let has_frame = (0..content.len()).any(|at| Frame::parse(&content[at..]).is_ok());
    if !like_magic || has_frame || content.len() as u64 > LONGEST_BEGINNING {
        return Ok(None);
    }
    Reader::new(Input::new(file)).rest(0).map(Some)
}

/// Reads one file that has begun.
fn read(
    file: &Arc<dyn DiskFile>,
    index: u32,
    path: &Path,
    scan: &mut Scan,
    found: &mut Found,
    witness: &mut Witness,
) -> Result<(), OpenError> {
    let failed = |source| system(path, "to read it", source);
    let mut reader = Reader::new(Input::new(file));
    scan.begin_file();
    loop {
        let number = scan.frames() + 1;
        let flaw = match reader.next().map_err(failed)? {
            Step::Frame(frame) => {
                scan.admit(&frame).map_err(|flaw| damaged(path, number, flaw.to_string()))?;
                found.records += u64::from(frame.kind == Kind::Attempt);
                witness.look(scan);
                continue;
            }
            Step::End => break,
            Step::Flaw(flaw) => flaw,
        };
        let end = reader.offset();
        let rest = reader.rest(number).map_err(failed)?;
        if flaw == Flaw::Magic && index == 1 && rest.covering.is_none() {
            return Err(OpenError::NotATrail { path: path.to_owned() });
        }
        // A file that has begun has a whole first frame.
        if !flaw.is_tear() || rest.covering.is_some() || end <= MAGIC.len() as u64 {
            return Err(damaged(path, number, flaw.to_string()));
        }
        found.torn = Some(rest);
        found.newest = Some(FoundFile { file: Arc::clone(file), index, end });
        return Ok(());
    }
    found.newest = Some(FoundFile { file: Arc::clone(file), index, end: reader.offset() });
    Ok(())
}

fn damaged(path: &Path, number: u64, reason: impl Into<String>) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), finding: Finding::new(Some(number), reason) }
}

pub(crate) fn system(path: &Path, doing: &'static str, source: io::Error) -> OpenError {
    OpenError::Io { path: PathBuf::from(path), doing, source }
}
