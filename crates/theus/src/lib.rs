//! The Theus engine: one Brain, many Hands.
