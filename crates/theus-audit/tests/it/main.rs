//! What the audit trail promises, seen from outside.
#![expect(clippy::unwrap_used, reason = "a test stops where what it needs is missing")]

mod announce;
mod concurrent;
mod digest;
mod disk;
mod evidence;
mod outcome;
mod ring;
mod rules;
mod twin;
