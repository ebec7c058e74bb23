//! `cargo xtask counts`: the instructions that the smallest operations take, against a committed list.
//!
//! Instructions do not depend on how busy the machine is, so the gate can ask; times it cannot. Both directions are
//! judged: a path that became longer, and one that became shorter without the list being told.

mod list;

use std::fs;
use std::process::Command;

use crate::place;
use crate::step::{self, Failure, Steps};
use list::List;

const FILE: &str = "benches/counts/ratchet.txt";
const PACKAGE: &str = "theus-counts";
/// How often the program runs its operation between the marks; it has the same number.
const ROUNDS: u64 = 1000;
const OPERATIONS: [&str; 9] = [
    "snapshot",
    "peek",
    "read-one-of-100k",
    "commit-one-of-10",
    "commit-one-of-100k",
    "encode-record",
    "decode-record",
    "reach-field-of-10",
    "reach-field-of-100k",
];

/// Leaves the copies for newer processors aside, so that the C library takes the same one everywhere.
const PLAIN: &str =
    "glibc.cpu.hwcaps=-AVX2,-AVX,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-SSSE3,-SSE4_2,-BMI2,-MOVBE";

/// Prints the counts and compares them; with `--update` writes the list anew.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let update = match arguments {
        [] => false,
        [word] if word == "--update" => true,
        _ => return Err(Failure::new(format!("`counts {}`: there is only --update", arguments.join(" ")))),
    };
    let mut steps = Steps::default();
    let now = measure(&mut steps)?;
    if update {
        return fs::write(place::root().join(FILE), now.to_string())
            .map_err(|error| Failure::new(format!("{FILE} cannot be written: {error}")));
    }
    compare(&now)
}

/// The same as two steps of `test`.
pub(crate) fn check(steps: &mut Steps) -> Result<(), Failure> {
    let now = measure(steps)?;
    compare(&now).map_err(|failure| steps.failed(failure))
}

fn measure(steps: &mut Steps) -> Result<List, Failure> {
    let valgrind = step::capture(Command::new("valgrind").arg("--version")).map_err(|_| {
        Failure::new("counting needs valgrind: apt-get install --no-install-recommends valgrind")
    })?;
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "-p", PACKAGE]).current_dir(place::root());
    steps.run("build of the counted operations", &mut build)?;
    steps.begin("instruction counts");
    let rustc = step::capture(Command::new("rustc").arg("--version"))?;
    let libc = step::capture(Command::new("getconf").arg("GNU_LIBC_VERSION"))?;
    let tools = [rustc, libc, valgrind].map(|line| line.trim().to_owned()).join(", ");
    let mut now = List { tools, counts: Vec::new() };
    for operation in OPERATIONS {
        let count = count(operation).map_err(|failure| steps.failed(failure))?;
        now.counts.push((operation.to_owned(), count));
    }
    Ok(now)
}

fn compare(now: &List) -> Result<(), Failure> {
    let text = fs::read_to_string(place::root().join(FILE)).unwrap_or_default();
    let listed =
        List::parse(&text).map_err(|line| Failure::new(format!("{FILE}: not an entry: {line:?}")))?;
    print!("{}", listed.table(now));
    if listed.tools != now.tools {
        println!("counts: listed with {}, these are {}: not judged", listed.tools, now.tools);
        return Ok(());
    }
    match &listed.findings(now)[..] {
        [] => Ok(()),
        found => {
            let advice = "if that is meant, run `cargo xtask counts --update` and say why in the change";
            Err(Failure::new(format!("{}\n{advice}", found.join("\n"))))
        }
    }
}

/// The instructions of one call.
fn count(operation: &str) -> Result<u64, Failure> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*measured*"]);
    command.arg(place::target().join("release").join(PACKAGE)).arg(operation);
    // An environment of its own: variables lie on the stack and move it.
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("GLIBC_TUNABLES", PLAIN);
    let said = command.output().map_err(|error| Failure::new(format!("valgrind: {error}")))?;
    let text = String::from_utf8_lossy(&said.stderr);
    match collected(&text) {
        Some(total) if said.status.success() && total > 0 => Ok((total + ROUNDS / 2) / ROUNDS),
        _ => Err(Failure::new(format!("valgrind counted nothing for {operation}: {text}"))),
    }
}

fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.split_once("Collected :"))?;
    line.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{FILE, List, OPERATIONS, collected};
    use crate::place;

    #[test]
    fn the_count_is_read_from_what_valgrind_says() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 74000\n==7==\n"), Some(74_000));
        assert_eq!(collected("==7== error\n"), None);
    }

    #[test]
    fn the_list_holds_every_operation() {
        let list = List::parse(&std::fs::read_to_string(place::root().join(FILE)).unwrap()).unwrap();
        let names: Vec<&str> = list.counts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, OPERATIONS);
    }
}
