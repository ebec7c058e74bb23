//! Recipes, their rules, and what failures lead to.

mod levels;
mod recipe_forms;
mod recipe_mistakes;
mod rule_number;
mod rule_table;
mod system;
mod system_cost;
mod system_twin;
