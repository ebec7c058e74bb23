//! The Theus engine: one Brain, many Hands.
//!
//! What it is: the parts of the lower crates wired together. The [`Engine`] alone owns a versioned state, commits by
//! compare-and-swap, checks contracts and zones and keeps the audit trail; workers get snapshots and hand back updates.
//! What it is not: a host language. Bodies are run by whoever calls [`Engine::begin`], or by worker processes.
//!
//! Invariants carried here: S5 a failed attempt leaves the state as it was; A1 every attempt leaves one audit record.

mod array;
mod attached;
mod attempt;
mod audit;
mod contention;
mod contract;
mod engine;
mod error;
mod heavy;
mod intake;
mod options;
mod process;
mod reading;
mod remote;
mod result;
mod returned;
mod sharing;
mod swap;
mod transaction;
mod zones;

pub use array::{
    ARRAY_CODEC, ArrayError, EncodedArray, adopt, allocate, array_bytes, block_of, heavy_value, item_size,
};
pub use attached::{ATTACHED_CODEC, AttachedArray};
pub use attempt::{Attempt, Settled};
pub use audit::{Audit, AuditFault, BrokenRule, digest_of_inputs};
pub use contract::{Access, Contract, DOMAIN, Declared, GLOBAL, HEAVY, parse_path, root_name};
pub use engine::{Closed, Engine, Output, Task};
pub use error::{Refusal, RemoteFailure, TaskError};
pub use heavy::{HeavyError, HeavyZone, Named, Successor};
pub use options::Builder;
pub use process::Process;
pub use reading::{Reading, read};
pub use remote::{RemoteTask, TaskOutput, Warnings, path_query};
pub use returned::{Returned, StateUpdate, Violation, to_update};
pub use sharing::{Handle, HandleError, ListenError, MAX_HANDLE, ReachError, Reached, lend, reach};
pub use swap::CALLER;
pub use transaction::{Transaction, TransactionOptions};
pub use zones::{Authority, Capabilities, Zone};

pub use theus_audit::{
    AuditRecipe, AuditRefusal, AuditSystem, Book, Durability, Entry, Filter, Leniency, Level, Missed, Number,
    Observer, OnFull, OpenError, Outcome, Record, Signer, Subject, Trail, TrailError, TrailOptions,
};
pub use theus_pool::{Function, Launch, PoolStats, WorkerStats};
pub use theus_shm::{AllocError, Arena, Block};
pub use theus_state::{CommitError, Isolation, Requester, RetryDecision, Snapshot};
pub use theus_value::{Path, Update, Value, decode, encode};
