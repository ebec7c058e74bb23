//! The course of an operation, and how to stop at any instruction of it.
//!
//! A place is a number of system calls done, and instructions after them. Going there step by step would cost the
//! square of the whole course. So the victim runs at full speed through the system calls, then to an address that it
//! passes rarely, as often as it takes, and does only the rest step by step.

use std::collections::HashMap;

use super::raw::{self, Event, Resume};

/// The bytes of the instruction, the first one lowest.
const SYSTEM_CALL: u64 = 0x050F;
const MARK: u64 = 0xCC;

/// The instructions of one run, from the first mark to the second.
#[derive(Debug)]
pub(super) struct Course {
    /// Their addresses, one list for each stretch between two system calls.
    stretches: Vec<Vec<u64>>,
}

/// A place in a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) system_calls: usize,
    /// Instructions after the last system call.
    pub(super) instructions: usize,
    leap: Option<Leap>,
}

/// A way to come close at full speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Leap {
    address: u64,
    /// How often the victim comes by, this time included.
    times: usize,
    /// Instructions after the last system call.
    lands: usize,
}

impl Leap {
    /// What it takes to get to `target` by it, in stops of the victim.
    fn cost(&self, target: usize) -> usize {
        self.times + (target - self.lands)
    }
}

impl Course {
    /// Follows a victim that stands at its first mark to the second, step by step.
    pub(super) fn record(pid: libc::pid_t) -> Self {
        let mut stretches = vec![Vec::new()];
        let mut known: HashMap<u64, u64> = HashMap::new();
        loop {
            let address = raw::next_instruction(pid);
            let next = *known.entry(address).or_insert_with(|| raw::peek(pid, address));
            if next & 0xFF == MARK {
                return Course { stretches };
            }
            raw::resume(pid, Resume::Step).unwrap();
            assert_eq!(raw::wait(pid).unwrap(), Event::Trap);
            match stretches.last_mut() {
                Some(last) if next & 0xFFFF != SYSTEM_CALL => last.push(address),
                _ => stretches.push(Vec::new()),
            }
        }
    }

    /// How many system calls it has.
    pub(super) fn system_calls(&self) -> usize {
        self.stretches.len() - 1
    }

    /// How many instructions it has, system calls included.
    pub(super) fn instructions(&self) -> usize {
        self.stretches.iter().map(Vec::len).sum::<usize>() + self.system_calls()
    }

    /// Every place, in order: before each instruction, and after the last.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut places = Vec::with_capacity(self.instructions() + 1);
        for (system_calls, stretch) in self.stretches.iter().enumerate() {
            places.push(Place { system_calls, instructions: 0, leap: None });
            let mut passed: HashMap<u64, usize> = HashMap::new();
            let mut best: Option<Leap> = None;
            for (lands, address) in stretch.iter().enumerate() {
                // A repeated instruction (`rep stos`) is many steps, but the processor comes by once.
                let comes_by = lands > 0 && stretch[lands - 1] != *address;
                // The victim stands at a stretch's first instruction already, and would not be stopped there.
                if comes_by && *address != stretch[0] {
                    let times = passed.entry(*address).and_modify(|times| *times += 1).or_insert(1);
                    let leap = Leap { address: *address, times: *times, lands };
                    if best.is_none_or(|best| leap.cost(lands) <= best.cost(lands)) {
                        best = Some(leap);
                    }
                }
                places.push(Place { system_calls, instructions: lands + 1, leap: best });
            }
        }
        places
    }
}

/// Runs a forked victim to its first mark.
pub(super) fn to_mark(pid: libc::pid_t) {
    assert_eq!(raw::wait(pid).unwrap(), Event::Trap, "the first mark");
    raw::set_options(pid).unwrap();
}

/// Takes a victim from its first mark to the place, or close to it: what the system says of its memory is read by the
/// victim too, and may be a digit longer this time. False when it has ended before.
pub(super) fn advance(pid: libc::pid_t, place: Place) -> bool {
    let goes = |how: Resume, wanted: Event| {
        raw::resume(pid, how).unwrap();
        raw::wait(pid).unwrap() == wanted
    };
    // A system call stops it twice: at its beginning and at its end.
    if !(0..2 * place.system_calls).all(|_| goes(Resume::ToSystemCall, Event::SystemCall)) {
        return false;
    }
    let leap = place.leap.filter(|leap| raw::stop_at(pid, Some(leap.address)).is_ok());
    if let Some(leap) = leap {
        if !(0..leap.times).all(|_| goes(Resume::Free, Event::Trap)) {
            return false;
        }
        raw::stop_at(pid, None).unwrap();
    }
    let rest = place.instructions - leap.map_or(0, |leap| leap.lands);
    (0..rest).all(|_| goes(Resume::Step, Event::Trap))
}

/// Whether a victim that was taken to this place stands where the recorded one stood.
pub(super) fn stands_at(pid: libc::pid_t, course: &Course, place: Place) -> bool {
    let wanted = course.stretches[place.system_calls].get(place.instructions);
    wanted.is_none_or(|wanted| *wanted == raw::next_instruction(pid))
}

/// Kills it where it stands, and reaps it.
pub(super) fn end(pid: libc::pid_t) {
    // It may have ended just now: then there is nothing to kill, and `wait` has reaped it.
    let _gone = raw::kill(pid);
    while !matches!(raw::wait(pid), Ok(Event::Killed(_) | Event::Exited(_)) | Err(_)) {}
}
