//! The driver of one sweep: a victim for each place, killed there, and a look at what is left.

use std::collections::BTreeSet;
use std::env;
use std::fs::{read_dir, read_to_string, remove_file};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use theus_shm::socket;
use theus_testkit::crash::Victim;
use theus_testkit::footprint::memory_files;

use super::course::{self, Course, Place};
use super::{raw, victim, wire};

/// How many places of each operation are tried: a number, or `all`.
const SWEEP: &str = "THEUS_SWEEP";
/// The number in an ordinary run of the tests.
const PLACES: usize = 150;
/// How long a name may be seen that another test on this machine makes and removes.
const TRANSIENT: Duration = Duration::from_secs(1);

/// One operation, the process that reads what its victims share, and what was there before.
struct Sweep<'a> {
    operation: &'a str,
    reader: Victim,
    names: BTreeSet<String>,
}

/// Sweeps one operation and says how it went: `clean`, or at which place what was found.
pub(super) fn play(lane: usize, operation: &str, starter: &OwnedFd) {
    let reader = Victim::start("play", "reader");
    raw::stay_in(lane);
    let sweep = Sweep { operation, reader, names: names(None).into_iter().collect() };
    let course = sweep.record();
    let places = chosen(&course);
    let start = Instant::now();
    let mut astray = 0;
    let found = places.iter().find_map(|place| Some((place, sweep.kill_at(&course, *place, &mut astray)?)));
    let verdict = match found {
        None => "clean".to_owned(),
        Some((place, what)) => format!(
            "{what}, killed after {} system calls and {} instructions",
            place.system_calls, place.instructions
        ),
    };
    let report = format!(
        "{operation}: {} instructions, {} system calls; {} places in {:.1} s, {astray} elsewhere: {verdict}",
        course.instructions(),
        course.system_calls(),
        places.len(),
        start.elapsed().as_secs_f64(),
    );
    wire::tell(starter, report.as_bytes(), &[]);
}

/// All places, or so many, evenly spread; those right after a system call in any case.
fn chosen(course: &Course) -> Vec<Place> {
    let all = course.places();
    let wanted = match env::var(SWEEP) {
        Ok(text) if text == "all" => all.len(),
        Ok(text) => text.parse().unwrap_or(PLACES),
        Err(_) => PLACES,
    };
    let stride = (all.len() / wanted.max(1)).max(1);
    let is_chosen = |(at, place): (usize, &Place)| {
        (at % stride == stride / 2 || place.instructions == 0).then_some(*place)
    };
    all.iter().enumerate().filter_map(is_chosen).collect()
}

impl Sweep<'_> {
    /// A victim that has shared its first block and stands at its first mark.
    fn victim(&self) -> libc::pid_t {
        let (ours, theirs) = socket::pair().unwrap();
        self.reader.send(b"owner", &[theirs.as_fd()]);
        drop(theirs);
        let pid = raw::fork_traced(|| victim::perform(self.operation, &ours)).unwrap();
        course::to_mark(pid);
        pid
    }

    fn record(&self) -> Course {
        let pid = self.victim();
        let course = Course::record(pid);
        course::end(pid);
        assert_eq!(self.look(pid), None, "a victim that has done it all");
        course
    }

    /// Kills a victim at this place; what is wrong then, if anything is. Counts it when the victim's way was another
    /// one than the recorded one's.
    fn kill_at(&self, course: &Course, place: Place, astray: &mut u64) -> Option<String> {
        let pid = self.victim();
        if !(course::advance(pid, place) && course::stands_at(pid, course, place)) {
            *astray += 1;
        }
        course::end(pid);
        self.look(pid)
    }

    /// What is wrong after a victim's death, if anything is.
    fn look(&self, victim: libc::pid_t) -> Option<String> {
        self.reader.send(b"look", &[]);
        let (report, _) = self.reader.receive(0);
        let report = String::from_utf8(report).unwrap();
        let words: Vec<&str> = report.split([' ', ',']).collect();
        let clean = matches!(words[..], ["1" | "2", "versions", "", "0", "torn", "", "0", "files"]);
        if !clean {
            return Some(format!("the reader has {report}"));
        }
        if memory_files() != 0 || own_children() != [self.reader.pid()] {
            return Some("memory or a process is left".to_owned());
        }
        self.left_name(victim)
    }

    /// A name that was not there before, and stays.
    fn left_name(&self, victim: libc::pid_t) -> Option<String> {
        let start = Instant::now();
        loop {
            let left = names(Some(victim)).into_iter().find(|name| !self.names.contains(name))?;
            if start.elapsed() > TRANSIENT {
                if self.operation.starts_with("planted") {
                    remove_file(&left).unwrap();
                }
                return Some(format!("the name {left} is left"));
            }
            std::thread::yield_now();
        }
    }
}

/// This process's children. (The list of all processes, which has them too, takes longer than all the rest.)
fn own_children() -> Vec<u32> {
    let tasks = read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = tasks.map(|task| read_to_string(task.path().join("children")).unwrap_or_default());
    let numbers =
        |list: String| list.split_whitespace().map(|number| number.parse().unwrap()).collect::<Vec<_>>();
    lists.flat_map(numbers).collect()
}

/// The names of shared memory in the system that may be ours, or this victim's.
fn names(victim: Option<libc::pid_t>) -> Vec<String> {
    let number = victim.map(|pid| pid.to_string());
    let is_ours =
        |name: &String| name.contains("theus") || number.as_ref().is_some_and(|pid| name.contains(pid));
    let entries = read_dir("/dev/shm").into_iter().flatten().flatten();
    entries.map(|entry| entry.path().display().to_string()).filter(is_ours).collect()
}
