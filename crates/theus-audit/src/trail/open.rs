//! Opens a trail on disk: puts together what was found there and how it is to be kept.
//!
//! What not: what is found, and what of it is a torn end (see `disk`).
//!
//! Invariant: when a trail is open, its first frame and what tells of this opening are on the disk.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::keeper::Keeper;
use super::notary::Notary;
use super::shared::{OnDisk, Shared};
use super::state::State;
use super::syncs::Syncs;
use super::{Opened, Trail};
use crate::checkpoint::{PublicKey, check_origin};
use crate::disk::{
    Disk, Found, Gate, Newest, OpenError, TrailError, TrailOptions, Waiting, Witness, Writer, beginning,
    file_path, look, system, write_all,
};
use crate::log::Kind;
use crate::log::marks::{Identity, OpenedMark};
use crate::log::reader::Rest;

pub(super) fn open(disk: Arc<dyn Disk>, path: &Path, options: TrailOptions) -> Result<Trail, OpenError> {
    let wanted = wanted(path, &options)?;
    let second = options.checkpoint_file.as_deref();
    let mut witness = Witness::open(&*disk, path, second, options.signer.is_some())?;
    let mut found = look(&*disk, path, &mut witness)?;
    let identity = agreed(path, &options, wanted, found.identity.take())?;
    let key = options.signer.as_ref().map(|signer| signer.public_key());
    if let Some(reason) = witness.contradiction(&identity.origin, key.as_ref()) {
        return Err(witness.refuse(path, reason));
    }
    let now = (options.now)();
    let gate = Arc::new(Gate::default());
    let newest = newest(&*disk, path, &identity, &mut found, &options, now)?;
    let writer = Writer {
        disk: Arc::clone(&disk),
        trail: path.to_owned(),
        identity: identity.clone(),
        lock: Arc::clone(&found.first),
        newest,
        max_file: options.max_file,
        on_full: options.on_full,
        waiting: Waiting::default(),
        gate: Arc::clone(&gate),
    };
    let covered = found.covered.max(witness.size());
    let mut state = State::new(options.capacity, found.tail.clone(), Some(writer));
    let opened = tell(&*disk, path, &mut state, &found, options.process, now)?;
    let on_disk = OnDisk {
        path: path.to_owned(),
        opened,
        durability: options.durability,
        checkpoint_records: options.checkpoint_records,
        checkpoint_every: options.checkpoint_every,
        syncs: Syncs::default(),
        notary: Mutex::new(Notary {
            origin: identity.origin,
            signer: options.signer,
            sink: options.checkpoints,
            witness,
            covered,
        }),
        telling: Mutex::default(),
        gate,
    };
    let shared = Arc::new(Shared { now: options.now, state: Mutex::new(state), disk: Some(on_disk) });
    shared.sync().map_err(|error| unsynced(path, error))?;
    let kept = Arc::clone(&shared);
    let keeper = Keeper::start(options.sync_every, move |since| kept.keep(since));
    let keeper = keeper.map_err(|source| system(path, "to start its thread", source))?;
    Ok(Trail { shared, keeper: Mutex::new(Some(keeper)), process: std::process::id() })
}

/// Who a new trail would be.
fn wanted(path: &Path, options: &TrailOptions) -> Result<Identity, OpenError> {
    let signer = options.signer.as_ref();
    let origin = match (&options.origin, signer) {
        (Some(origin), _) => origin.clone(),
        (None, Some(signer)) => signer.name().to_owned(),
        (None, None) => options.id.iter().fold("theus/".to_owned(), |mut name, byte| {
            let _infallible = write!(name, "{byte:02x}");
            name
        }),
    };
    let refused =
        |reason: String| OpenError::Origin { path: path.to_owned(), origin: origin.clone(), reason };
    check_origin(&origin).map_err(|error| refused(error.to_string()))?;
    if let Some(signer) = signer.filter(|signer| signer.name() != origin) {
        return Err(refused(format!("the name of the key is {:?}, and must be the same", signer.name())));
    }
    let key = signer.map(|signer| PublicKey::bytes(&signer.public_key()));
    Ok(Identity { id: options.id, key, origin })
}

/// Who the trail is: what its first frame says, which must not contradict what is wanted.
fn agreed(
    path: &Path,
    options: &TrailOptions,
    wanted: Identity,
    found: Option<Identity>,
) -> Result<Identity, OpenError> {
    let Some(found) = found else {
        return Ok(wanted);
    };
    let signer = |reason| Err(OpenError::Signer { path: path.to_owned(), reason });
    match (found.key, wanted.key) {
        (Some(own), Some(given)) if own != given => {
            return signer("was begun with another key: open it with that one, or begin a new trail");
        }
        (Some(_), None) => return signer("was begun with a key, and is opened without: give that key"),
        (None, Some(_)) => {
            return signer("was begun without a key, and is opened with one: begin a new trail for it");
        }
        _ => {}
    }
    let named = options.origin.is_some() || options.signer.is_some();
    if named && wanted.origin != found.origin {
        let reason = format!("it has the origin {:?}", found.origin);
        return Err(OpenError::Origin { path: path.to_owned(), origin: wanted.origin, reason });
    }
    Ok(found)
}

/// The file that frames go to from now on; makes the first one of a new trail.
fn newest(
    disk: &dyn Disk,
    path: &Path,
    identity: &Identity,
    found: &mut Found,
    options: &TrailOptions,
    now: u64,
) -> Result<Newest, OpenError> {
    if let Some(newest) = &found.newest {
        let written = found.tail.frontier().size();
        return Ok(Newest::new(
            Arc::clone(&newest.file),
            newest.index,
            newest.end,
            written,
            options.max_file,
        ));
    }
    let file = &found.first;
    let bytes = beginning(identity, 1, &mut found.tail, now);
    let written = file.set_length(0).and_then(|()| write_all(&**file, &bytes, 0)).and_then(|()| file.sync());
    written.and_then(|()| disk.sync_name(path)).map_err(|source| system(path, "to begin it", source))?;
    Ok(Newest::new(Arc::clone(file), 1, bytes.len() as u64, 1, options.max_file))
}

/// Writes into the trail that it was opened again, and what of it was cut.
fn tell(
    disk: &dyn Disk,
    path: &Path,
    state: &mut State,
    found: &Found,
    process: u32,
    now: u64,
) -> Result<Opened, OpenError> {
    let failed = |source| system(path, "to record that it was opened", source);
    let mut opened = Opened { records: found.records, cut_bytes: 0, cut_at: 0 };
    let (index, end) = found.newest.as_ref().map_or((0, 0), |newest| (newest.index, newest.end));
    if let Some(torn) = &found.torn {
        opened = Opened { cut_bytes: torn.bytes, cut_at: end, ..opened };
        let mut after = state.tail.clone();
        let mut frame = Vec::new();
        after.mark(Kind::Opened, now, &mut frame, |buffer| mark(process, end, torn).write(buffer));
        if let Some(writer) = &mut state.writer {
            writer.newest.write_over(&frame).map_err(failed)?;
        }
        state.tail = after;
    }
    let unbegun = found.unbegun.as_ref();
    if let Some(unbegun) = unbegun {
        opened.cut_bytes += unbegun.bytes;
    }
    // A trail that is begun now has nothing to tell, unless something lay there.
    let again = index > 0 && found.torn.is_none();
    let rest = unbegun.filter(|rest| rest.bytes > 0);
    if rest.is_some() || again {
        let nothing = Rest { bytes: 0, hash: [0; 32], covering: None };
        let mark = mark(process, 0, rest.unwrap_or(&nothing));
        let told = state.mark_in_newest(Kind::Opened, now, |buffer| mark.write(buffer));
        told.map_err(|refusal| failed(io::Error::new(refusal.source.kind(), refusal.source.to_string())))?;
    }
    state.news = if index > 0 || rest.is_some() { state.tail.frontier().size() } else { 0 };
    if index > 0 && unbegun.is_some() {
        // What tells of it must be on the disk before it is gone.
        let synced = state.writer.as_ref().map_or(Ok(()), |writer| writer.newest.file.sync());
        let next = file_path(path, index + 1);
        let gone = synced.and_then(|()| disk.remove(&next)).and_then(|()| disk.sync_name(&next));
        gone.map_err(|source| system(&next, "to remove a file that was never begun", source))?;
    }
    Ok(opened)
}

fn mark(process: u32, cut_at: u64, cut: &Rest) -> OpenedMark {
    let cut_hash = if cut.bytes == 0 { [0; 32] } else { cut.hash };
    OpenedMark { process, cut_bytes: cut.bytes, cut_at, cut_hash }
}

fn unsynced(path: &Path, error: TrailError) -> OpenError {
    system(path, "to sync it", io::Error::other(error.to_string()))
}
