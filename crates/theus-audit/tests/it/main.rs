//! What the audit trail promises, seen from outside.

mod concurrent;
mod digest;
mod levels;
mod outcome;
mod recipe_forms;
mod recipe_mistakes;
mod ring;
mod rule_number;
mod rule_table;
mod system;
mod system_cost;
mod system_twin;
mod twin;
