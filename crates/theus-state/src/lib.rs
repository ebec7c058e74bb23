//! The versioned store: snapshots, compare-and-swap commits, conflicts.
