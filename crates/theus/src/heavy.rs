//! The heavy zone by names: arrays that the caller allocates, replaces and takes out under `heavy.<name>`.
//!
//! What not: the memory (`theus_shm`), the form of an array (`array`), arrays inside other updates (`intake`).
//! Invariants: a name never keeps an array alive by itself, only the state does; a published block is never written to from
//! here, so whoever reads an older snapshot keeps its bytes; whatever is refused leaves the state and the names as they were.

use crate::array::{ArrayError, allocate, block_of, heavy_value};
use crate::contract::{HEAVY, parse_path};
use crate::engine::{Closed, Engine};
use crate::error::Refusal;
use crate::transaction::TransactionOptions;
use crate::zones::Authority;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use theus_shm::Block;
use theus_state::Requester;
use theus_value::{Heavy, Kind, Map, Path, Update, Value};
use thiserror::Error;

/// Most names that an error lists.
const MOST_NAMES: usize = 16;

/// Why the heavy zone refused.
#[derive(Debug, Error)]
pub enum HeavyError {
    /// The engine takes no more work.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The name is no path.
    #[error("heavy array '{name}': this is no name: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing has this name.
    #[error(
        "heavy array '{name}': there is none of this name; known are: {known}. Allocate it with heavy.alloc or heavy.adopt, \
         publish it with compare_and_swap(version, heavy={{name: array}})"
    )]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// It was allocated, and is not in the state.
    #[error(
        "heavy array '{name}': it was allocated, but is not published yet, so there is nothing to make a successor of; \
         publish it with compare_and_swap(version, heavy={{name: array}}) or heavy.update(name, array)"
    )]
    Unpublished {
        /// The name.
        name: String,
    },
    /// Something else than an array has this name.
    #[error(
        "heavy array '{name}': this is no array, but of the kind {kind}; read it from the state's heavy zone"
    )]
    NotAnArray {
        /// The name.
        name: String,
        /// What it is.
        kind: Kind,
    },
    /// The array cannot be.
    #[error(transparent)]
    Array(#[from] ArrayError),
    /// The change of the state was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// An array that a name stands for.
#[derive(Clone, Debug)]
pub struct Named {
    /// The array; it keeps its block.
    pub array: Heavy,
    /// True when it is the one of the state; else it was allocated and nobody but its holders knows it.
    pub published: bool,
}

/// A private array that takes the place of a published one when it is [published](HeavyZone::publish).
#[derive(Clone, Debug)]
pub struct Successor {
    /// The array; it keeps its block. Nobody else has it yet.
    pub array: Heavy,
    /// The version that its predecessor was read at.
    pub base: u64,
}

/// An allocated array, remembered without keeping it.
struct Known {
    block: Weak<Block>,
    array: Heavy,
}

impl Known {
    fn new(array: &Heavy) -> Self {
        let block = block_of(array).as_ref().map(Arc::downgrade).unwrap_or_default();
        Known { block, array: Heavy { lease: None, ..array.clone() } }
    }

    fn array(&self) -> Option<Heavy> {
        let block = self.block.upgrade()?;
        Some(heavy_value(&block, &self.array.dtype, &self.array.shape))
    }
}

/// Allocates and replaces arrays by their names; one for each face of an engine.
pub struct HeavyZone {
    engine: Engine,
    names: Mutex<Names>,
}

#[derive(Default)]
struct Names {
    known: HashMap<String, Known>,
    /// At this many names those without an array are forgotten.
    sweep_at: usize,
}

impl HeavyZone {
    /// The heavy zone of an engine.
    ///
    /// ```
    /// use theus::{Engine, HeavyZone, Value};
    /// let engine = Engine::builder().build();
    /// let zone = HeavyZone::new(&engine);
    /// let array = zone.alloc("m", "<f4", &[2, 3])?;
    /// zone.publish(None, "m", array, 0)?;
    ///
    /// let successor = zone.successor("m", true)?;
    /// zone.publish(None, "m", successor.array, successor.base)?;
    /// assert_eq!(engine.snapshot().version(), 2);
    ///
    /// zone.free(None, "m")?;
    /// assert!(zone.get("m").is_err());
    /// # Ok::<(), theus::HeavyError>(())
    /// ```
    pub fn new(engine: &Engine) -> Self {
        HeavyZone { engine: engine.clone(), names: Mutex::default() }
    }

    /// A zeroed array under this name, not published.
    ///
    /// # Errors
    /// When the name, type or shape cannot be, there is no memory, or the engine is shut down.
    pub fn alloc(&self, name: &str, dtype: &str, shape: &[u64]) -> Result<Heavy, HeavyError> {
        let array = self.fresh(name, dtype, shape, true)?;
        self.remember(name, &array);
        Ok(array)
    }

    /// Memory for an array, with no name yet. It may hold what an earlier array held: the caller writes all of it before
    /// anybody else sees it, and may then [remember](Self::remember) it.
    ///
    /// # Errors
    /// As [`alloc`](Self::alloc).
    pub fn reserve(&self, name: &str, dtype: &str, shape: &[u64]) -> Result<Heavy, HeavyError> {
        self.fresh(name, dtype, shape, false)
    }

    fn fresh(&self, name: &str, dtype: &str, shape: &[u64], zeroed: bool) -> Result<Heavy, HeavyError> {
        self.engine.check_open()?;
        path_of(name)?;
        let block = allocate(self.engine.arena(), name, dtype, shape, zeroed)?;
        Ok(heavy_value(&block, dtype, shape))
    }

    /// Lets a name stand for an array of this process for as long as somebody holds the array.
    pub fn remember(&self, name: &str, array: &Heavy) {
        let mut names = self.names.lock();
        if names.known.len() >= names.sweep_at {
            names.known.retain(|_, known| known.block.strong_count() > 0);
            names.sweep_at = (2 * names.known.len()).max(64);
        }
        names.known.insert(name.to_owned(), Known::new(array));
    }

    /// The newest published array of this name, or else the one that was allocated under it, if it still is.
    ///
    /// # Errors
    /// When there is none, or the engine is shut down.
    pub fn get(&self, name: &str) -> Result<Named, HeavyError> {
        self.engine.check_open()?;
        let path = path_of(name)?;
        if let Some(array) = self.published(name, &path)?.0 {
            return Ok(Named { array, published: true });
        }
        let allocated = self.names.lock().known.get(name).and_then(Known::array);
        allocated.map(|array| Named { array, published: false }).ok_or_else(|| self.unknown(name))
    }

    /// A private successor of a published array, of its type and shape: a copy of it, or zeroed.
    ///
    /// # Errors
    /// When no array of this name is published, there is no memory, or the engine is shut down.
    pub fn successor(&self, name: &str, copy: bool) -> Result<Successor, HeavyError> {
        self.engine.check_open()?;
        let path = path_of(name)?;
        let (Some(old), base) = self.published(name, &path)? else {
            let allocated = self.names.lock().known.get(name).is_some_and(|known| known.array().is_some());
            return Err(if allocated {
                HeavyError::Unpublished { name: name.into() }
            } else {
                self.unknown(name)
            });
        };
        let source = block_of(&old).filter(|_| copy);
        let mut block = allocate(self.engine.arena(), name, &old.dtype, &old.shape, source.is_none())?;
        if let (Some(source), Some(target)) = (source, Arc::get_mut(&mut block)) {
            // An empty array has a place of one byte, which its source may lack; there is nothing in it to copy.
            let length = target.len().min(source.len());
            let (copied, rest) = target.bytes_mut().split_at_mut(length);
            rest.fill(0);
            // Within both, so it cannot be refused.
            let _within_bounds = source.read_at(0, copied);
        }
        Ok(Successor { array: heavy_value(&block, &old.dtype, &old.shape), base })
    }

    /// Commits an array under a name, computed from the state at `base`; gives the new version.
    ///
    /// # Errors
    /// When the array of this name changed after `base`, the state refuses, or the engine is shut down.
    pub fn publish(
        &self,
        requester: Option<Requester>,
        name: &str,
        array: Heavy,
        base: u64,
    ) -> Result<u64, HeavyError> {
        self.engine.check_open()?;
        let mut update = Update::new();
        update.set(path_of(name)?, Value::from(array));
        Ok(self.engine.compare_and_swap_as(requester, base, update)?)
    }

    /// Takes a name out of the state, in a version of its own, and out of the names of allocated arrays. The memory goes back
    /// when the last holder lets go of it.
    ///
    /// # Errors
    /// When there is nothing of this name, somebody else changed it at the same time, it is a constant, or the engine is shut
    /// down.
    pub fn free(&self, requester: Option<Requester>, name: &str) -> Result<(), HeavyError> {
        self.engine.check_open()?;
        let path = path_of(name)?;
        let in_state = self.engine.snapshot().get(&path).is_some();
        if in_state {
            self.take_out(requester, path, None)?;
        }
        let known = self.names.lock().known.remove(name);
        if in_state || known.is_some_and(|known| known.array().is_some()) {
            return Ok(());
        }
        Err(self.unknown(name))
    }

    /// As [`free`](Self::free), for the name that stands for the block of this serial; false when none does any more.
    ///
    /// # Errors
    /// As [`free`](Self::free).
    pub fn free_block(&self, requester: Option<Requester>, serial: u64) -> Result<bool, HeavyError> {
        self.engine.check_open()?;
        let published = self.published_name(serial);
        if let Some(name) = &published {
            self.take_out(requester, path_of(name)?, Some(serial))?;
        }
        let mut names = self.names.lock();
        let before = names.known.len();
        names.known.retain(|_, known| known.array.block.serial != serial);
        Ok(published.is_some() || names.known.len() < before)
    }

    /// Deletes a path of the state, if it still holds this block where one is given.
    fn take_out(
        &self,
        requester: Option<Requester>,
        path: Path,
        only: Option<u64>,
    ) -> Result<(), HeavyError> {
        // A process may replace what is in the heavy zone, not delete it; taking out a name is maintenance.
        let authority = Authority::Admin { reason: "its owner freed it".into() };
        let process = requester.as_ref().map_or_else(|| "heavy.free".into(), |task| task.process.to_string());
        let options = TransactionOptions { process, task: requester, authority, ..Default::default() };
        let mut transaction = self.engine.transaction(options)?;
        if let Some(serial) = only {
            let found = transaction.get(&path)?;
            if !matches!(found, Some(Value::Heavy(array)) if array.block.serial == serial) {
                return Ok(());
            }
        }
        let mut update = Update::new();
        update.delete(path);
        transaction.update(update)?;
        transaction.commit()?;
        Ok(())
    }

    /// The name that stands for the block of this serial now, if any does.
    pub fn name_of(&self, serial: u64) -> Option<String> {
        if self.engine.is_forked() {
            return None;
        }
        self.published_name(serial).or_else(|| {
            let names = self.names.lock();
            let found = names.known.iter().find(|(_, known)| known.array.block.serial == serial);
            found.map(|(name, _)| name.clone())
        })
    }

    fn published_name(&self, serial: u64) -> Option<String> {
        match self.engine.snapshot().root().get(HEAVY) {
            Some(Value::Map(map)) => find(map, serial, &mut Vec::new()),
            _ => None,
        }
    }

    /// Forgets the names of arrays that are not published and gives memory that nobody uses back to the system.
    pub fn cleanup(&self) {
        if !self.engine.is_forked() {
            self.names.lock().known.clear();
            self.engine.arena().trim();
        }
    }

    /// The published array of a name, and the version that was looked at.
    fn published(&self, name: &str, path: &Path) -> Result<(Option<Heavy>, u64), HeavyError> {
        let snapshot = self.engine.snapshot();
        match snapshot.get(path) {
            Some(Value::Heavy(array)) => Ok((Some(Heavy::clone(array)), snapshot.version())),
            Some(other) => Err(HeavyError::NotAnArray { name: name.into(), kind: other.kind() }),
            None => Ok((None, snapshot.version())),
        }
    }

    fn unknown(&self, name: &str) -> HeavyError {
        let snapshot = self.engine.snapshot();
        let mut known: Vec<String> = match snapshot.root().get(HEAVY) {
            Some(Value::Map(map)) => map.keys().map(|key| key.to_string()).collect(),
            _ => Vec::new(),
        };
        let names = self.names.lock();
        let allocated = names.known.iter().filter(|(_, known)| known.block.strong_count() > 0);
        known.extend(allocated.map(|(name, _)| name.clone()));
        known.sort();
        known.dedup();
        let more = if known.len() > MOST_NAMES { ", …" } else { "" };
        known.truncate(MOST_NAMES);
        let known = if known.is_empty() { "none".into() } else { known.join(", ") + more };
        HeavyError::Unknown { name: name.into(), known }
    }
}

/// Where the array of a name is in the state; dots lead into maps of the heavy zone.
fn path_of(name: &str) -> Result<Path, HeavyError> {
    let wrong = |reason: String| HeavyError::Name { name: name.into(), reason };
    if name.is_empty() {
        return Err(wrong("it is empty".into()));
    }
    parse_path(&format!("{HEAVY}.{name}")).map_err(|error| wrong(error.to_string()))
}

/// The dotted name of the block below a map of the heavy zone.
fn find(map: &Map, serial: u64, above: &mut Vec<String>) -> Option<String> {
    for (key, value) in map.iter() {
        above.push(key.to_string());
        let found = match value {
            Value::Heavy(array) if array.block.serial == serial => Some(above.join(".")),
            Value::Map(map) => find(map, serial, above),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        above.pop();
    }
    None
}
