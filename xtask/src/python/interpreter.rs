//! A Python interpreter of this machine: found, asked for its version, and refused if it is too old.

use std::env;
use std::fmt;
use std::process::Command;

use crate::step::{self, Failure};

const OLDEST: (u32, u32) = (3, 11);
const VARIABLE: &str = "THEUS_PYTHONS";
const DEFAULT: &str = "python3";

/// Prints the version and whether there is no GIL, then where the interpreter is and what it was built from.
const PROBE: &str = "import sys, sysconfig as s; \
    print(*sys.version_info[:2], int(bool(s.get_config_var('Py_GIL_DISABLED')))); \
    print(sys.executable); print(sys.version)";

/// An interpreter that is new enough.
#[derive(Clone, Debug)]
pub(crate) struct Interpreter {
    program: String,
    /// Short, for names of folders: `3.14`, or `3.14t` without the GIL.
    pub(crate) tag: String,
    /// Changes when the interpreter does.
    pub(crate) identity: String,
}

impl Interpreter {
    /// The interpreters that THEUS_PYTHONS lists, or `python3`.
    pub(crate) fn listed() -> Result<Vec<Interpreter>, Failure> {
        let list = env::var(VARIABLE).unwrap_or_default();
        let names = match split(&list) {
            names if names.is_empty() => vec![DEFAULT],
            names => names,
        };
        names.into_iter().map(Interpreter::ask).collect()
    }

    /// The first of them.
    pub(crate) fn first() -> Result<Interpreter, Failure> {
        let list = env::var(VARIABLE).unwrap_or_default();
        Interpreter::ask(split(&list).first().unwrap_or(&DEFAULT))
    }

    /// The program with a clean environment, ready for arguments.
    pub(crate) fn command(&self) -> Command {
        command(&self.program)
    }

    fn ask(program: &str) -> Result<Interpreter, Failure> {
        let said = step::capture(command(program).args(["-c", PROBE])).map_err(|failure| {
            Failure::new(format!(
                "{program} cannot be run as Python ({VARIABLE} lists the interpreters): {failure}"
            ))
        })?;
        understand(program, &said)
    }
}

impl fmt::Display for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CPython {} ({})", self.tag, self.program)
    }
}

/// A Python program that sees nothing of the caller's own Python setup.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for variable in ["PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP"] {
        command.env_remove(variable);
    }
    command
}

fn split(list: &str) -> Vec<&str> {
    list.split(|character: char| character == ':' || character.is_whitespace())
        .filter(|name| !name.is_empty())
        .collect()
}

fn understand(program: &str, said: &str) -> Result<Interpreter, Failure> {
    let mut lines = said.lines();
    let numbers: Vec<u32> =
        lines.next().unwrap_or_default().split(' ').filter_map(|number| number.parse().ok()).collect();
    let [major, minor, free_threaded] = numbers[..] else {
        return Err(Failure::new(format!("{program} is no Python: asked for its version it said {said:?}")));
    };
    if (major, minor) < OLDEST {
        let (oldest_major, oldest_minor) = OLDEST;
        let message = format!(
            "{program} is Python {major}.{minor}; Theus needs {oldest_major}.{oldest_minor} or newer"
        );
        return Err(Failure::new(message));
    }
    let free = if free_threaded == 1 { "t" } else { "" };
    Ok(Interpreter {
        program: program.to_owned(),
        tag: format!("{major}.{minor}{free}"),
        identity: lines.collect::<Vec<_>>().join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::{Interpreter, split, understand};

    #[test]
    fn lists_are_split_at_colons_and_blanks() {
        assert_eq!(
            split("python3:/opt/a/python3.14\n python3.12  "),
            ["python3", "/opt/a/python3.14", "python3.12"]
        );
        assert!(split(" : \n").is_empty());
    }

    #[test]
    fn an_old_interpreter_is_refused_with_both_versions() {
        let message = understand("python3", "3 10 0\nx\ny\n").unwrap_err().to_string();
        assert!(message.contains("3.10") && message.contains("3.11"), "{message}");
    }

    #[test]
    fn a_program_that_is_no_python_is_refused() {
        assert!(understand("sh", "hello\n").unwrap_err().to_string().contains("sh is no Python"));
        let message = Interpreter::ask("no-such-python").unwrap_err().to_string();
        assert!(message.contains("no-such-python") && message.contains("THEUS_PYTHONS"), "{message}");
    }

    #[test]
    fn tags_tell_versions_and_free_threading_apart() {
        assert_eq!(understand("python3", "3 14 0\nx").unwrap().tag, "3.14");
        assert_eq!(understand("python3", "3 14 1\nx").unwrap().tag, "3.14t");
    }
}
