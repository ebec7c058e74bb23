//! The blocks of this process that handles stand for, and the listener that hands them out.
//!
//! What not: named sessions (`catalogue`), the other side (`reached`).
//! Invariants: a handle keeps no block alive; the listener is started with the first handle and serves until the process
//! ends; a forked child has no part in it.

use super::handle::{Handle, rows};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};
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

static LENDING: OnceLock<Lending> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

fn lending() -> Result<&'static Lending, SessionError> {
    if let Some(lending) = LENDING.get() {
        return Ok(lending);
    }
    let _alone = STARTING.lock();
    if let Some(lending) = LENDING.get() {
        return Ok(lending);
    }
    let table = Arc::new(Mutex::new(Table::default()));
    let listener = Listener::anonymous(Arc::new(Unnamed(Arc::clone(&table))))?;
    let Some(address) = listener.address().cloned() else {
        return Err(SessionError::Name { name: String::new() });
    };
    Ok(LENDING.get_or_init(|| Lending { table, address, process: std::process::id(), _listener: listener }))
}

/// The handle of a whole array in a block of this process. It keeps the block no longer than it is kept otherwise.
///
/// None in a forked child of the process that lends, which has nothing to lend, and where the array has no handle.
///
/// # Errors
/// When nobody can listen.
pub fn lend(block: &Arc<Block>, dtype: &str, shape: &[u64]) -> Result<Option<Handle>, SessionError> {
    let lending = lending()?;
    if lending.process != std::process::id() {
        return Ok(None);
    }
    let handle = Handle {
        address: lending.address.clone(),
        serial: block.serial(),
        offset: 0,
        dtype: dtype.into(),
        shape: shape.into(),
        strides: rows(dtype, shape),
    };
    let Some(about) = handle.encode() else { return Ok(None) };
    lending.table.lock().add(block, about);
    Ok(Some(handle))
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
    let Some(lending) = LENDING.get() else { return Own::NotOurs };
    if lending.process != std::process::id() || lending.address != handle.address {
        return Own::NotOurs;
    }
    let table = lending.table.lock();
    let block = table.lent.get(&handle.serial).and_then(|lent| lent.block.upgrade());
    block.map_or(Own::Freed, Own::Block)
}
