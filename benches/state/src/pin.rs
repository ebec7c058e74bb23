//! [`pin`]: a thread stays on a core of its own, so that two that are to run at the same time do.
//!
//! What not: no priority; other programs still take their share of a core.

/// Keeps the calling thread on the `at`-th core that this program may use; where the system refuses, it moves freely.
pub fn pin(at: usize) {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    if let Some(core) = cores.get(at % cores.len().max(1)) {
        core_affinity::set_for_current(*core);
    }
}
