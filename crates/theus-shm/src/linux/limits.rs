//! How much memory there is to give: the machine's own estimate and the limits of our control groups.
//!
//! Not here: deciding what to refuse.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes that could be taken now without the kernel having to kill somebody, as far as it tells.
///
/// `None` when the kernel says nothing. `root` is `/` but for tests.
pub(crate) fn available(root: &Path) -> Option<u64> {
    let machine = available_on_machine(&fs::read_to_string(root.join("proc/meminfo")).ok()?);
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    groups
        .lines()
        .flat_map(|line| group_folders(root, line))
        .filter_map(|folder| available_in_group(&folder))
        .chain(machine)
        .min()
}

fn available_on_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The folders whose limits hold for a line of `/proc/self/cgroup`: the group's and its ancestors'.
fn group_folders(root: &Path, line: &str) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { return Vec::new() };
    let mount = match controllers {
        "" => root.join("sys/fs/cgroup"),
        _ if controllers.split(',').any(|name| name == "memory") => root.join("sys/fs/cgroup/memory"),
        _ => return Vec::new(),
    };
    // A path from outside our view ("/../x") has no folder here: what cannot be read does not limit.
    let own = mount.join(path.trim_start_matches('/'));
    own.ancestors().take_while(|folder| folder.starts_with(&mount)).map(Path::to_path_buf).collect()
}

fn available_in_group(folder: &Path) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let (limit, used) = match number("memory.max") {
        Some(limit) => (limit, number("memory.current")?),
        None => (number("memory.limit_in_bytes")?, number("memory.usage_in_bytes")?),
    };
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    Some(limit.saturating_sub(used).saturating_add(reclaimable(&stat)).min(limit))
}

/// File cache that the kernel can drop: all that is idle, and half of what is in use, as `MemAvailable` counts it.
fn reclaimable(stat: &str) -> u64 {
    let field = |name: &str| -> u64 {
        stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok()).unwrap_or(0)
    };
    // The older layout counts a group's children only in the "total_" fields.
    let (idle, active) = (
        field("inactive_file").max(field("total_inactive_file")),
        field("active_file").max(field("total_active_file")),
    );
    idle.saturating_add(active / 2)
}
