//! What a trail asks of a file system, and the real one.
//!
//! The trail reaches files through [`Disk`] only, so that tests can give it a disk that forgets, tears and fails.
//!
//! Invariant: nothing here is remembered between two calls; all that a trail knows of its files it knows itself.

use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file system. The real one is [`RealDisk`].
pub trait Disk: Debug + Send + Sync {
    /// Opens a regular file for reading and writing. With `new` it makes the file, for this user only, and fails if there is one.
    ///
    /// # Errors
    /// The system's; of the kind `InvalidInput` when it is no regular file.
    fn open(&self, path: &Path, new: bool) -> io::Result<Arc<dyn DiskFile>>;

    /// Removes a file.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names in the folder where this file is.
    ///
    /// # Errors
    /// The system's.
    fn names(&self, path: &Path) -> io::Result<Vec<OsString>>;

    /// Waits until the name of this file, or its absence, is on the disk.
    ///
    /// # Errors
    /// The system's.
    fn sync_name(&self, path: &Path) -> io::Result<()>;
}

/// An open file of a [`Disk`].
pub trait DiskFile: Debug + Send + Sync {
    /// Locks the file for as long as it is open; false if somebody else has.
    ///
    /// # Errors
    /// The system's.
    fn lock(&self) -> io::Result<bool>;

    /// Gives the lock back. Closing the file does not while a process that was forked off has it open too.
    ///
    /// # Errors
    /// The system's.
    fn unlock(&self) -> io::Result<()>;

    /// Its length in bytes.
    ///
    /// # Errors
    /// The system's.
    fn length(&self) -> io::Result<u64>;

    /// Reads at this offset; gives how many bytes, 0 at the end.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at this offset; gives how many bytes were written.
    ///
    /// # Errors
    /// The system's.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts the file, or lengthens it with zeros.
    ///
    /// # Errors
    /// The system's.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    /// The system's. Then nobody knows what is on the disk, whatever a later call says.
    fn sync(&self) -> io::Result<()>;
}

/// The file system of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, new: bool) -> io::Result<Arc<dyn DiskFile>> {
        // Looked at first, for the opening of a pipe or a device would do something to it.
        if !new && !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        let file = OpenOptions::new().read(true).write(true).create_new(new).mode(0o600).open(path)?;
        Ok(Arc::new(file))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn names(&self, path: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(folder_of(path))?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn sync_name(&self, path: &Path) -> io::Result<()> {
        File::open(folder_of(path))?.sync_all()
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl DiskFile for File {
    fn lock(&self) -> io::Result<bool> {
        match self.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn unlock(&self) -> io::Result<()> {
        File::unlock(self)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Where the file of this index of a trail is; the first has the trail's own path.
pub(crate) fn file_path(trail: &Path, index: u32) -> PathBuf {
    if index <= 1 {
        return trail.to_owned();
    }
    let mut path = trail.as_os_str().to_owned();
    path.push(format!(".{index}"));
    path.into()
}

/// Which file of the trail has this name, if one has.
pub(crate) fn file_index(trail: &Path, name: &OsStr) -> Option<u32> {
    let own = trail.file_name()?;
    if name == own {
        return Some(1);
    }
    let digits = name.as_encoded_bytes().strip_prefix(own.as_encoded_bytes())?.strip_prefix(b".")?;
    let index = str::from_utf8(digits).ok()?.parse().ok().filter(|index| *index > 1)?;
    // No other spelling, as with zeros in front.
    (file_path(trail, index).file_name() == Some(name)).then_some(index)
}

/// Writes all of the bytes at this offset.
pub(crate) fn write_all(file: &dyn DiskFile, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads a file from its first byte on.
#[derive(Debug)]
pub(crate) struct Input {
    file: Arc<dyn DiskFile>,
    offset: u64,
}

impl Input {
    pub(crate) fn new(file: &Arc<dyn DiskFile>) -> Self {
        Input { file: Arc::clone(file), offset: 0 }
    }
}

impl io::Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
