//! Checkpoints, proofs, and the check of a trail.

mod checkpoint;
mod forge;
mod proof;
mod prove;
mod tamper;
mod verify;
