//! Locks, atomics and threads behind one name: the standard ones, or loom's under cfg(theus_loom).
