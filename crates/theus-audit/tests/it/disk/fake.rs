//! A disk in memory that remembers what was synced and what was not, and that can be full or broken.
//!
//! It keeps a journal of everything that was asked of it, from which the state after a power cut at any moment can be made.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use theus_audit::{Disk, DiskFile};

/// The content of all files by their names: a disk as it is found.
pub(crate) type Image = BTreeMap<PathBuf, Vec<u8>>;

/// What was asked of the disk, in order. Files have numbers.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Create {
        path: PathBuf,
        file: usize,
    },
    Remove {
        path: PathBuf,
    },
    SyncName {
        path: PathBuf,
    },
    Write {
        file: usize,
        at: u64,
        bytes: Vec<u8>,
    },
    SetLength {
        file: usize,
        length: u64,
    },
    Sync {
        file: usize,
    },
    /// The trail has promised that all frames up to this number are on the disk.
    Promise {
        number: u64,
    },
}

#[derive(Clone, Debug, Default)]
pub(crate) struct FakeDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, usize>,
    files: Vec<Vec<u8>>,
    locked: Vec<bool>,
    journal: Vec<Event>,
    /// How many bytes the disk still takes.
    room: Option<u64>,
    /// How often a sync is refused from now on.
    failing_syncs: u64,
    /// How many syncs there were.
    syncs: u64,
}

#[derive(Debug)]
struct FakeFile {
    disk: FakeDisk,
    file: usize,
    locked: Mutex<bool>,
}

impl FakeDisk {
    pub(crate) fn of(image: &Image) -> Self {
        let disk = FakeDisk::default();
        let mut state = disk.state();
        for (path, bytes) in image {
            let file = state.files.len();
            state.names.insert(path.clone(), file);
            state.files.push(bytes.clone());
            state.locked.push(false);
        }
        drop(state);
        disk
    }

    pub(crate) fn image(&self) -> Image {
        let state = self.state();
        state.names.iter().map(|(path, file)| (path.clone(), state.files[*file].clone())).collect()
    }

    pub(crate) fn journal(&self) -> Vec<Event> {
        self.state().journal.clone()
    }

    pub(crate) fn promise(&self, number: u64) {
        self.state().journal.push(Event::Promise { number });
    }

    pub(crate) fn set_room(&self, room: Option<u64>) {
        self.state().room = room;
    }

    pub(crate) fn fail_syncs(&self, count: u64) {
        self.state().failing_syncs = count;
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.state().syncs
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn handle(&self, file: usize) -> Arc<dyn DiskFile> {
        Arc::new(FakeFile { disk: self.clone(), file, locked: Mutex::new(false) })
    }
}

impl Disk for FakeDisk {
    fn open(&self, path: &Path, new: bool) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        if let Some(file) = state.names.get(path).copied() {
            drop(state);
            return if new { Err(ErrorKind::AlreadyExists.into()) } else { Ok(self.handle(file)) };
        }
        if !new {
            return Err(ErrorKind::NotFound.into());
        }
        let file = state.files.len();
        state.names.insert(path.to_owned(), file);
        state.files.push(Vec::new());
        state.locked.push(false);
        state.journal.push(Event::Create { path: path.to_owned(), file });
        drop(state);
        Ok(self.handle(file))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let file = state.names.remove(path).ok_or(ErrorKind::NotFound)?;
        let freed = state.files[file].len() as u64;
        state.room = state.room.map(|room| room + freed);
        state.journal.push(Event::Remove { path: path.to_owned() });
        Ok(())
    }

    fn names(&self, _path: &Path) -> io::Result<Vec<OsString>> {
        Ok(self.state().names.keys().filter_map(|path| path.file_name()).map(OsString::from).collect())
    }

    fn sync_name(&self, path: &Path) -> io::Result<()> {
        self.state().journal.push(Event::SyncName { path: path.to_owned() });
        Ok(())
    }
}

impl DiskFile for FakeFile {
    fn lock(&self) -> io::Result<bool> {
        let mut state = self.disk.state();
        let free = !state.locked[self.file];
        state.locked[self.file] = true;
        *self.locked.lock().unwrap() |= free;
        Ok(free)
    }

    fn unlock(&self) -> io::Result<()> {
        if std::mem::take(&mut *self.locked.lock().unwrap()) {
            self.disk.state().locked[self.file] = false;
        }
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.state().files[self.file].len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        let rest = state.files[self.file].get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        let length = state.files[self.file].len() as u64;
        let mut count = bytes.len() as u64;
        let growth = (offset + count).saturating_sub(length);
        if let Some(room) = &mut state.room {
            let taken = growth.min(*room);
            *room -= taken;
            count -= growth - taken;
        }
        if count == 0 && !bytes.is_empty() {
            return Err(ErrorKind::StorageFull.into());
        }
        let bytes = &bytes[..count as usize];
        write(&mut state.files[self.file], offset, bytes);
        state.journal.push(Event::Write { file: self.file, at: offset, bytes: bytes.to_vec() });
        Ok(bytes.len())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let before = state.files[self.file].len() as u64;
        state.files[self.file].resize(length as usize, 0);
        if let Some(room) = &mut state.room {
            *room += before.saturating_sub(length);
        }
        state.journal.push(Event::SetLength { file: self.file, length });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.syncs += 1;
        if state.failing_syncs > 0 {
            state.failing_syncs -= 1;
            return Err(io::Error::other("the disk is dying"));
        }
        state.journal.push(Event::Sync { file: self.file });
        Ok(())
    }
}

impl Drop for FakeFile {
    fn drop(&mut self) {
        if *self.locked.lock().unwrap() {
            self.disk.state().locked[self.file] = false;
        }
    }
}

pub(crate) fn write(content: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let end = at as usize + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at as usize..end].copy_from_slice(bytes);
}
