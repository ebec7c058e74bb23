//! The reader: one process for a whole sweep. It takes the victim's first block, and after the victim's death looks at
//! all that it got.

use std::os::fd::OwnedFd;

use theus_shm::{Expect, Mapping};
use theus_testkit::footprint::memory_files;

use super::wire::{Heard, Version, hear, tell};

/// For each owner that the driver sends: takes its first version, and when asked looks at everything.
pub(super) fn play(control: &OwnedFd) {
    while let Heard::Message(_, Some(owner)) = hear(control, true) {
        let mut versions = Vec::new();
        take(&owner, &mut versions);
        tell(&owner, b"have it", &[]);
        // The victim is dead when this comes.
        let Heard::Message(..) = hear(control, true) else { return };
        let mut ended = false;
        while !ended {
            ended = !take(&owner, &mut versions);
        }
        let torn = versions.iter().filter(|(mapping, version)| !version.is_in(mapping)).count();
        let count = versions.len();
        drop((versions, owner));
        tell(control, format!("{count} versions, {torn} torn, {} files", memory_files()).as_bytes(), &[]);
    }
}

/// Takes the next version; false when there is none any more.
fn take(owner: &OwnedFd, versions: &mut Vec<(std::sync::Arc<Mapping>, Version)>) -> bool {
    let Heard::Message(bytes, Some(fd)) = hear(owner, true) else { return false };
    let version = Version::parse(&bytes);
    versions.push((Mapping::open(fd, Expect::segment(version.segment_len)).unwrap(), version));
    true
}
