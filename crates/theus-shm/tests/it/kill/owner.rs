//! The owner: allocates, fills, publishes to its readers, frees the version before, over and over.
//!
//! A reader acknowledges each version when it has let go of the one before; until then that one is held for it, and for
//! a reader that is gone nothing is held.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use theus_shm::{Arena, ArenaOptions, Block};
use theus_testkit::crash::{Dice, Fate};

use super::SLOTS;
use super::wire::{Heard, Version, fill, hear, tell};

/// Where the owner can be told to die.
pub(super) const POINTS: [&str; 8] =
    ["idle", "allocated", "half written", "written", "sent", "acknowledged", "freed", "trimmed"];

struct Reader {
    socket: OwnedFd,
    held: [Option<Arc<Block>>; SLOTS as usize],
}

struct Owner {
    control: OwnedFd,
    arena: Arc<Arena>,
    readers: Vec<Reader>,
    slots: [Option<Arc<Block>>; SLOTS as usize],
    number: u64,
    dice: Dice,
    fate: Fate,
    /// The driver wants to hear that versions arrive.
    asked: bool,
}

pub(super) fn play(control: OwnedFd) {
    let mut owner = Owner {
        control,
        arena: Arena::new(ArenaOptions { capacity: 256 << 20 }),
        readers: Vec::new(),
        slots: [const { None }; SLOTS as usize],
        number: 0,
        dice: Dice::of_this_run(),
        fate: Fate::default(),
        asked: false,
    };
    while owner.obey() {
        owner.fate.reach("idle");
        owner.publish();
        if owner.dice.below(8) == 0 {
            owner.empty();
        }
    }
}

impl Owner {
    /// Does what the driver says; false when it is to end.
    fn obey(&mut self) -> bool {
        // Without readers there is nothing to do but wait for an order.
        while let Heard::Message(order, descriptor) = hear(&self.control, self.readers.is_empty()) {
            let order = String::from_utf8(order).unwrap();
            match (order.split_once(' ').unwrap_or((&order, "")), descriptor) {
                (("reader", _), Some(socket)) => {
                    self.readers.push(Reader { socket, held: [const { None }; SLOTS as usize] });
                }
                (("work", _), None) => self.asked = true,
                (("die", when), None) => self.fate = Fate::parse(when),
                (("drain", _), None) => self.drain(),
                (("end", _), None) => return false,
                other => panic!("{other:?}"),
            }
        }
        true
    }

    fn publish(&mut self) {
        let slot = self.dice.below(SLOTS);
        let len = if self.dice.below(4) == 0 {
            (1 << 20) + self.dice.below(1 << 20)
        } else {
            self.dice.below(1 << 16)
        };
        let mut block = self.arena.alloc(len as usize, self.dice.below(2) == 0).unwrap();
        self.fate.reach("allocated");
        self.number += 1;
        let (number, fate) = (self.number, &mut self.fate);
        fill(block.bytes_mut(), number, || fate.reach("half written"));
        self.fate.reach("written");
        let segment_len = block.segment().len() as u64;
        let version = Version { slot, number, segment_len, offset: block.id().1, len };
        self.announce(version, Some(&Arc::new(block)));
        if self.asked && !self.readers.is_empty() {
            self.asked = false;
            tell(&self.control, b"working", &[]);
        }
    }

    /// Empties a slot, and gives what is free back to the system.
    fn empty(&mut self) {
        let slot = self.dice.below(SLOTS);
        self.announce(Version { slot, number: 0, segment_len: 0, offset: 0, len: 0 }, None);
        self.arena.trim();
        self.fate.reach("trimmed");
    }

    /// Tells all readers, waits until each has let go of what was before, and frees that.
    fn announce(&mut self, version: Version, block: Option<&Arc<Block>>) {
        let slot = version.slot as usize;
        let fds: Vec<_> = block.iter().map(|block| block.segment().fd()).collect();
        let before = self.readers.len();
        let fate = &mut self.fate;
        self.readers.retain(|reader| {
            let there = tell(&reader.socket, &version.bytes(), &fds);
            fate.reach("sent");
            there
        });
        self.readers.retain_mut(|reader| {
            let there = matches!(hear(&reader.socket, true), Heard::Message(..));
            fate.reach("acknowledged");
            reader.held[slot] = block.cloned();
            there
        });
        self.slots[slot] = block.cloned();
        self.fate.reach("freed");
        for _ in self.readers.len()..before {
            tell(&self.control, b"lost a reader", &[]);
        }
    }

    /// Empties everything and says what the arena still has.
    fn drain(&mut self) {
        for slot in 0..SLOTS {
            self.announce(Version { slot, number: 0, segment_len: 0, offset: 0, len: 0 }, None);
        }
        self.arena.trim();
        let stats = self.arena.stats();
        let left = [stats.used, stats.blocks, stats.segments, stats.reserved];
        tell(&self.control, format!("left {left:?}").as_bytes(), &[]);
    }
}
