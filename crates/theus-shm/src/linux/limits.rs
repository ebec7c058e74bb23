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

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;
    const MEMINFO: &str = "MemTotal: 8388608 kB\nMemFree: 1024 kB\nMemAvailable:    4194304 kB\n";

    /// What is available in a made-up file system with these files.
    fn available_with(name: &str, files: &[(&str, &str)]) -> Option<u64> {
        let root = std::env::temp_dir().join(format!("theus-limits-{}-{name}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = available(&root);
        let _ = fs::remove_dir_all(root);
        found
    }

    #[test]
    fn without_groups_the_machine_decides() {
        assert_eq!(available_with("none", &[("proc/meminfo", MEMINFO)]), Some(4 * GIB));
        assert_eq!(available_with("mute", &[("proc/meminfo", "MemTotal: 1 kB\n")]), None);
        assert_eq!(available_with("empty", &[]), None);
    }

    #[test]
    fn the_narrowest_limit_on_the_way_up_counts() {
        let files = [
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "0::/outer/inner\n"),
            ("sys/fs/cgroup/outer/inner/memory.max", "max\n"),
            ("sys/fs/cgroup/outer/memory.max", "2147483648\n"),
            ("sys/fs/cgroup/outer/memory.current", "1610612736\n"),
            ("sys/fs/cgroup/outer/memory.stat", "anon 5\ninactive_file 1000\nactive_file 500\n"),
        ];
        assert_eq!(available_with("v2", &files), Some(GIB / 2 + 1250));
    }

    #[test]
    fn the_older_layout_counts_too() {
        let files = [
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "5:cpu:/x\n4:memory:/jobs\n0::/\n"),
            ("sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "1073741824\n"),
            ("sys/fs/cgroup/memory/jobs/memory.usage_in_bytes", "1073741000\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1073741000\n"),
        ];
        assert_eq!(available_with("v1", &files), Some(824));
    }

    #[test]
    fn a_full_group_has_nothing_and_odd_files_do_not_count() {
        let mut files = vec![
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/memory.max", "1000\n"),
            ("sys/fs/cgroup/memory.current", "2000\n"),
        ];
        assert_eq!(available_with("full", &files), Some(0));
        files[2].1 = "many\n";
        files[1].1 = "nonsense\n0::/../elsewhere\n:\n";
        assert_eq!(available_with("odd", &files), Some(4 * GIB));
    }
}
