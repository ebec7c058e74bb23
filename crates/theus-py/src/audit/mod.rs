//! The parts of the audit that programs use without an engine: recipes, counters and their log, and rules.
//!
//! What not: the records of an engine and its trail (`engine_audit`, `trail`); what rules and levels mean (`theus-audit`).

mod level;
mod log_entry;
mod looked;
mod plain;
mod recipe;
mod rulebook;
mod system;
mod validator;

pub(crate) use log_entry::AuditLogEntry;
pub(crate) use looked::Looked;
pub(crate) use recipe::AuditRecipe;
pub(crate) use rulebook::Rulebook;
pub(crate) use system::AuditSystem;
pub(crate) use validator::AuditValidator;
