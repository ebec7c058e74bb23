//! Behaviour of the facade: mapping, contracts, commits and their records, arrays, tasks on workers, real or hostile.
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod arrays;
mod attached;
mod attempts;
mod audit;
mod audit_failures;
mod contract;
mod fairness;
mod guarded;
mod heavy;
mod hostile;
mod kills;

mod physics;
mod physics_twin;
mod pool;
mod remote;
mod returned;
mod sharing;
mod stage;
mod swap;
mod trail;
mod transaction;
mod worker;
mod zones;
