//! What the audit trail promises, seen from outside.
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod announce;
mod checkpoint;
mod concurrent;
mod digest;
mod disk;
mod forge;
mod levels;
mod outcome;
mod proof;
mod prove;
mod recipe_forms;
mod recipe_mistakes;
mod ring;
mod rule_number;
mod rule_table;
mod system;
mod system_cost;
mod system_twin;
mod tamper;
mod twin;
mod verify;
