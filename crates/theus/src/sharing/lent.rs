//! The blocks of this process that handles stand for, and the listener that hands them out.
//!
//! What not: named sessions (`catalogue`), the other side (`reached`).
//! Invariants: a handle keeps no block alive; the listener is started with the first handle and serves until the process
//! ends; a forked child has no part in it, and makes its own.

use super::handle::{Handle, rows};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;
use theus_shm::Block;
use theus_shm::session::{Address, Catalogue, Listener, Offer, SessionError};

/// Entries of dead blocks are looked for when there are so many more than the last time.
const SWEEP: usize = 64;

/// A block that a handle stands for.
struct Lent {
    block: Weak<Block>,
    /// The handle of the whole array, told with the block.
    about: Vec<u8>,
}

/// By serial.
#[derive(Default)]
struct Table {
    lent: HashMap<u64, Lent>,
    sweep_at: usize,
}

impl Table {
    fn add(&mut self, block: &Arc<Block>, about: Vec<u8>) {
        if self.lent.len() >= self.sweep_at {
            self.lent.retain(|_, lent| lent.block.strong_count() > 0);
            self.sweep_at = self.lent.len() + SWEEP;
        }
        self.lent.insert(block.serial(), Lent { block: Arc::downgrade(block), about });
    }
}

/// What a listener at an anonymous address offers: blocks by serial, and no names.
struct Unnamed(Arc<Mutex<Table>>);

impl Catalogue for Unnamed {
    fn names(&self, _after: &str, _most: usize) -> Vec<String> {
        Vec::new()
    }

    fn by_name(&self, _name: &str) -> Option<Offer> {
        None
    }

    fn by_serial(&self, serial: u64) -> Option<Offer> {
        let table = self.0.lock();
        let lent = table.lent.get(&serial)?;
        Some(Offer { block: lent.block.upgrade()?, metadata: lent.about.clone() })
    }
}

/// Of one process.
struct Lending {
    table: Arc<Mutex<Table>>,
    address: Address,
    process: u32,
    /// Held until the process ends.
    _listener: Listener,
}

static LENDING: Mutex<Option<Arc<Lending>>> = Mutex::new(None);

/// A child that was forked while another thread held this lock waits so long, and then cannot lend.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// What this process lends, which starts with the first call.
fn lending() -> Result<Arc<Lending>, SessionError> {
    let Some(mut of_process) = LENDING.try_lock_for(LOCK_PATIENCE) else {
        let what = "lending in a process that was forked while its parent began to lend (fork another one)";
        return Err(SessionError::System { what, source: io::ErrorKind::TimedOut.into() });
    };
    let process = std::process::id();
    if let Some(lending) = of_process.as_ref().filter(|lending| lending.process == process) {
        return Ok(Arc::clone(lending));
    }
    let table = Arc::new(Mutex::new(Table::default()));
    let listener = Listener::anonymous(Arc::new(Unnamed(Arc::clone(&table))))?;
    let Some(address) = listener.address().cloned() else {
        return Err(SessionError::Name { name: String::new() });
    };
    let lending = Arc::new(Lending { table, address, process, _listener: listener });
    // What a parent lends was copied by the fork: without its thread it does nothing, and dropped it disturbs nobody.
    *of_process = Some(Arc::clone(&lending));
    Ok(lending)
}

/// The handle of a whole array in a block of this process. It keeps the block no longer than it is kept otherwise.
///
/// None of a block of the parent of a forked child, which has not its memory, and where the array has no handle.
///
/// # Errors
/// When nobody can listen.
pub fn lend(block: &Arc<Block>, dtype: &str, shape: &[u64]) -> Result<Option<Handle>, SessionError> {
    if !block.is_here() {
        return Ok(None);
    }
    let lending = lending()?;
    let handle = whole(lending.address.clone(), block, dtype, shape);
    let Some(about) = handle.encode() else { return Ok(None) };
    lending.table.lock().add(block, about);
    Ok(Some(handle))
}

/// What a named session says about a block that it hands out: its handle, whether that leads anywhere or not.
///
/// None where the array has no handle.
pub(super) fn about(block: &Arc<Block>, dtype: &str, shape: &[u64]) -> Option<Vec<u8>> {
    match lend(block, dtype, shape) {
        Ok(handle) => handle?.encode(),
        // Nobody can listen for those who would pass it on; that is no reason not to hand the block out.
        Err(_) => whole(nowhere()?, block, dtype, shape).encode(),
    }
}

fn whole(address: Address, block: &Block, dtype: &str, shape: &[u64]) -> Handle {
    let strides = rows(dtype, shape);
    Handle { address, serial: block.serial(), offset: 0, dtype: dtype.into(), shape: shape.into(), strides }
}

/// An address of this process at which nobody listens.
fn nowhere() -> Option<Address> {
    Address::parse(&format!("theus-{}-{:032x}", std::process::id(), 0))
}

/// What this process itself lends under a handle.
pub(super) enum Own {
    /// Another process lends it.
    NotOurs,
    /// The array was freed.
    Freed,
    Block(Arc<Block>),
}

pub(super) fn own(handle: &Handle) -> Own {
    let Some(lending) = LENDING.try_lock_for(LOCK_PATIENCE).and_then(|lending| lending.clone()) else {
        return Own::NotOurs;
    };
    if lending.process != std::process::id() || lending.address != handle.address {
        return Own::NotOurs;
    }
    let table = lending.table.lock();
    let block = table.lent.get(&handle.serial).and_then(|lent| lent.block.upgrade());
    block.map_or(Own::Freed, Own::Block)
}
