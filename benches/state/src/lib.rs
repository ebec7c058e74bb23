//! The state measured beside its rivals: what the rows of `cargo xtask bench` and the criterion benches share.
//!
//! What: [`Root`] is one way of keeping a state that is read while it changes, ours or a rival's; [`race`] lets
//! contenders take turns; a [`Figure`] is a row of the table; [`rows`] measures them.
//!
//! What not: no test, nothing that ships. Times say nothing beyond the run they come from; ratios do.
//!
//! Invariants
//! - Ours and its rival are measured in the same run, in turns, in rounds; a ratio is the median of the rounds' ratios.
//! - What a caller prepares (paths, updates, keys) is built before the clock starts, for ours and for rivals alike.
//! - Rivals hold the same keys and the same values, with the hasher that they come with.
//! - Caches are warm: each contender runs once before the first round.

mod figure;
mod key;
mod neighbour;
mod pin;
mod race;
pub mod raw_counter;
pub mod root;
pub mod rows;

pub use figure::{Figure, Unit};
pub use key::{Draw, keys};
pub use neighbour::{alone, beside};
pub use pin::pin;
pub use race::{Contender, Race, Times, nanoseconds_each};
pub use root::Root;
