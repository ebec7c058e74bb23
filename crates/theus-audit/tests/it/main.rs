//! What the audit trail promises, seen from outside.

mod concurrent;
mod digest;
mod outcome;
mod ring;
mod twin;
