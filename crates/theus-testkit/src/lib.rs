//! Generators, slow reference models and the crash harness of the Theus tests.
//!
//! What: [`values`] and [`updates`] are strategies for proptest; [`tree`] and [`twin`] are the slow obvious twin of the
//! store; [`history`] records what real threads do with one and judges whether a strictly serializable store can have
//! done it; [`crash`] starts processes that tests kill and decides when, and [`footprint`] says what they left behind.
//! What not: anything that ships. Only tests depend on it, and it panics where a test has to stop.
//!
//! Invariant: no reference model calls the code that it is compared with.

pub mod crash;
pub mod footprint;
pub mod history;
pub mod tree;
pub mod twin;
pub mod updates;
pub mod values;
