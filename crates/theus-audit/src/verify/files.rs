//! The files of a trail on the disk, in order.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{Report, Verifier};
use crate::checkpoint::{CheckpointNote, PublicKey};

/// What a trail is held to beyond itself. Without anything it is only held to what it says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerifyOptions<'a> {
    /// The key that its checkpoints must be signed with.
    pub key: Option<&'a PublicKey>,
    /// Checkpoints that were exported and kept elsewhere, in any order.
    pub checkpoints: &'a [CheckpointNote],
}

/// How often a trail in which something was found is read again at most.
const ATTEMPTS: usize = 10;

/// Checks the files of the trail whose first file is `path`, with a buffer of bounded size; the trail may be open for
/// writing meanwhile, and then is checked as far as it went. What is found is read once more.
///
/// # Errors
/// Only when a file cannot be read; what is wrong with a trail is in the report.
pub fn verify_files(path: &Path, options: &VerifyOptions<'_>) -> io::Result<Report> {
    let mut report = verify_once(path, options)?;
    // A frame is half there while it is being written, and a new file empty, for some microseconds. What is wrong stays.
    for _ in 1..ATTEMPTS {
        if report.ok() {
            break;
        }
        let again = verify_once(path, options)?;
        let stays = report == again;
        report = again;
        if stays {
            break;
        }
    }
    Ok(report)
}

fn verify_once(path: &Path, options: &VerifyOptions<'_>) -> io::Result<Report> {
    let mut verifier = Verifier::new(options);
    for (next, (index, name)) in (1..).zip(trail_files(path)?) {
        if index != next {
            verifier.missing_file(&file_name(path, next).to_string_lossy());
            break;
        }
        verifier.file(File::open(name)?)?;
    }
    Ok(verifier.finish())
}

/// The files of the trail whose first file is `path`, each with its number in the order; a number that is missing is a file
/// that is missing.
///
/// # Errors
/// When the first is not there, or the folder cannot be read.
pub fn trail_files(path: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    fs::metadata(path)?;
    let mut files = vec![(1, path.to_path_buf())];
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if let Some(index) = index_of(path, &name) {
            files.push((index, file_name(path, index)));
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// The name of the file with this number, from 2.
fn file_name(path: &Path, index: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{index}"));
    name.into()
}

/// Which file of the trail has this name, if it is one after the first.
fn index_of(path: &Path, name: &OsStr) -> Option<u32> {
    let digits =
        name.as_encoded_bytes().strip_prefix(path.file_name()?.as_encoded_bytes())?.strip_prefix(b".")?;
    let digits = str::from_utf8(digits).ok()?;
    digits.parse().ok().filter(|index: &u32| *index > 1 && index.to_string() == digits)
}
