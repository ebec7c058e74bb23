//! What processes leave behind on the system: named objects, holders of memory, descriptors, mappings, children.
//!
//! Invariant: reads `/proc`, `/dev/shm` and `/dev/mqueue` and changes nothing.

use std::fs::{read_dir, read_link, read_to_string};
use std::path::PathBuf;
use std::time::Instant;

use crate::crash::PATIENCE;

/// How `/proc` shows a memory file.
const MEMORY: &str = "/memfd:";

/// What one process has open, and who its children are. Compare two of a process that runs nothing else meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// How many file descriptors are open.
    pub descriptors: usize,
    /// How many mappings there are of memory files.
    pub mappings: usize,
    /// The ids of the children, ascending.
    pub children: Vec<u32>,
    /// Our objects with a name in the system.
    pub named: Vec<String>,
}

impl Footprint {
    /// The footprint of this process.
    pub fn own() -> Self {
        // The listing's own descriptor is in both of two that are compared.
        let descriptors = read_dir("/proc/self/fd").into_iter().flatten().count();
        Footprint {
            descriptors,
            mappings: mappings(),
            children: children(std::process::id()),
            named: named(),
        }
    }
}

/// How many mappings of memory files this process has.
fn mappings() -> usize {
    let maps = read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines().filter(|line| line.contains(MEMORY)).count()
}

/// How many descriptors and mappings of memory files this process has: what keeps shared memory alive.
pub fn memory_files() -> usize {
    let descriptors = read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let links = descriptors.filter_map(|descriptor| read_link(descriptor.path()).ok());
    mappings() + links.filter(|link| link.to_string_lossy().starts_with(MEMORY)).count()
}

/// The bytes of memory that this process really has, shared and private.
pub fn resident() -> u64 {
    let status = read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Files and semaphores of ours in the places where named shared memory lives. There must never be one.
pub fn named() -> Vec<String> {
    let folders = ["/dev/shm", "/dev/mqueue"].into_iter();
    let entries = folders.flat_map(|folder| read_dir(folder).into_iter().flatten());
    entries
        .flatten()
        .map(|entry| entry.path().display().to_string())
        .filter(|name| name.contains("theus"))
        .collect()
}

/// The processes that still map or hold a memory file with this label.
pub fn holders(label: &str) -> Vec<u32> {
    processes()
        .filter(|(_, folder)| {
            let maps = read_to_string(folder.join("maps")).unwrap_or_default();
            let descriptors = read_dir(folder.join("fd")).into_iter().flatten().flatten();
            let mut links = descriptors.filter_map(|descriptor| read_link(descriptor.path()).ok());
            maps.contains(label) || links.any(|link| link.to_string_lossy().contains(label))
        })
        .map(|(pid, _)| pid)
        .collect()
}

/// The living children of a process, ascending. A child that has ended and was not reaped counts.
pub fn children(parent: u32) -> Vec<u32> {
    // In `stat` the name, which may hold anything, is in brackets; the state and the parent follow it.
    let parent_of = |folder: PathBuf| {
        let stat = read_to_string(folder.join("stat")).ok()?;
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let mut found: Vec<u32> = processes()
        .filter(|(_, folder)| parent_of(folder.clone()) == Some(parent))
        .map(|(pid, _)| pid)
        .collect();
    found.sort_unstable();
    found
}

/// True while there is a process of this id, a dead one that nobody has reaped not counted.
pub fn is_alive(pid: u32) -> bool {
    let stat = read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    state.is_some_and(|state| !matches!(state, "Z" | "X"))
}

/// Waits for what must come true soon, such as the end of a process that is no child of ours.
///
/// # Panics
/// When it does not come true in a long time.
pub fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < PATIENCE, "not so after a long time: {what}");
        std::thread::yield_now();
    }
}

/// All processes, each with its folder in `/proc`.
pub(crate) fn processes() -> impl Iterator<Item = (u32, PathBuf)> {
    let entries = read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
}
