//! A reader: maps every version that its owner publishes, looks at every byte, lets go of the version before.
//!
//! When the owner is gone it looks at all bytes that it still holds once more, lets go of them, and tells the driver.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use theus_shm::{Expect, Mapping, pidfd};
use theus_testkit::crash::Fate;
use theus_testkit::footprint::memory_files;

use super::SLOTS;
use super::wire::{Heard, Version, hear, tell};

/// Where a reader can be told to die.
pub(super) const POINTS: [&str; 5] = ["received", "mapped", "verified", "let go", "acknowledged"];

struct Reader {
    control: OwnedFd,
    owner: Option<OwnedFd>,
    held: [Option<(Arc<Mapping>, Version)>; SLOTS as usize],
    fate: Fate,
}

pub(super) fn play(control: OwnedFd) {
    let mut reader =
        Reader { control, owner: None, held: [const { None }; SLOTS as usize], fate: Fate::default() };
    loop {
        let sockets: Vec<_> = [Some(&reader.control), reader.owner.as_ref()].into_iter().flatten().collect();
        let sockets: Vec<_> = sockets.iter().map(|socket| socket.as_fd()).collect();
        let ready = pidfd::poll(&sockets, None).unwrap();
        if ready[0] && !reader.obey() {
            return;
        }
        if ready.get(1) == Some(&true) {
            reader.follow();
        }
    }
}

impl Reader {
    /// Does what the driver says; false when it is to end.
    fn obey(&mut self) -> bool {
        let Heard::Message(order, descriptor) = hear(&self.control, true) else { return false };
        let order = String::from_utf8(order).unwrap();
        match (order.split_once(' ').unwrap_or((&order, "")), descriptor) {
            (("owner", _), Some(socket)) => self.owner = Some(socket),
            (("die", when), None) => self.fate = Fate::parse(when),
            other => panic!("{other:?}"),
        }
        true
    }

    /// Takes the next version from the owner.
    fn follow(&mut self) {
        let Some(owner) = &self.owner else { return };
        match hear(owner, true) {
            Heard::Message(bytes, descriptor) => {
                self.fate.reach("received");
                let version = Version::parse(&bytes);
                let mapping =
                    descriptor.map(|fd| Mapping::open(fd, Expect::segment(version.segment_len)).unwrap());
                self.fate.reach("mapped");
                assert!(mapping.as_ref().is_none_or(|mapping| version.is_in(mapping)), "{version:?} is torn");
                self.fate.reach("verified");
                self.held[version.slot as usize] = mapping.map(|mapping| (mapping, version));
                self.fate.reach("let go");
                // Whether the owner is still there shows at the next turn.
                tell(owner, b"let go", &[]);
                self.fate.reach("acknowledged");
            }
            Heard::Gone | Heard::Nothing => {
                let (held, intact) = self.look();
                self.held = [const { None }; SLOTS as usize];
                self.owner = None;
                let report = format!("owner gone: {} of {held} intact, {} files", intact, memory_files());
                tell(&self.control, report.as_bytes(), &[]);
            }
        }
    }

    /// How many versions it holds, and how many of them are whole.
    fn look(&self) -> (usize, usize) {
        let held: Vec<_> = self.held.iter().flatten().collect();
        (held.len(), held.iter().filter(|(mapping, version)| version.is_in(mapping)).count())
    }
}
