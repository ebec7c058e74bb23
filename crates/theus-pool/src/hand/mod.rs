//! A hand: one worker process as the Brain sees it: how it is started, watched and spoken to, and its slot in the pool.
//!
//! What it is not: a decision about tasks; that is the supervisor's.

mod launch;
mod line;
mod link;
mod parcel;
mod slot;
mod watcher;

pub use launch::Launch;
pub(crate) use launch::{Launched, Process, launch};
pub(crate) use line::Line;
pub(crate) use link::{Link, LinkError, SEGMENTS_A_MESSAGE};
pub(crate) use parcel::{Parcel, Part};
pub(crate) use slot::{NotStarted, Running, Slot, SlotState};
pub(crate) use watcher::Watcher;
