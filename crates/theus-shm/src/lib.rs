//! Shared memory that leaves nothing behind: sealed memfd segments, an arena, fd passing.
