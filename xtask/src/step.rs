//! A step of a command: a program that is run under a name and timed, and how it failed.
//!
//! Invariant: nothing is printed after the last step, so that the output of a test run ends with the test
//! runner's own closing line. A step's time is therefore printed when the next one begins.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

/// Why a command stopped, and the exit code that says so.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    pub(crate) code: u8,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Failure { message: message.into(), code: 1 }
    }

    /// A failure that passes on the exit code of the program that caused it.
    pub(crate) fn with_code(message: impl Into<String>, status: ExitStatus) -> Self {
        Failure { message: message.into(), code: exit_code(status) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The steps of one command, run one after the other; the first that fails ends them.
#[derive(Default)]
pub(crate) struct Steps {
    running: Option<(String, Instant)>,
    begun: usize,
}

impl Steps {
    /// Announces a step, and says how long the one before it took.
    pub(crate) fn begin(&mut self, name: &str) {
        if let Some((previous, start)) = self.running.take() {
            println!("== {previous}: {:.1} s", start.elapsed().as_secs_f64());
        }
        self.begun += 1;
        println!("\n== {}. {name}", self.begun);
        self.running = Some((name.to_owned(), Instant::now()));
    }

    /// Runs `command` as the step `name`; what it prints is passed through.
    pub(crate) fn run(&mut self, name: &str, command: &mut Command) -> Result<(), Failure> {
        self.begin(name);
        run(command).map_err(|failure| self.failed(failure))
    }

    /// Puts the running step's name and time before a failure's message.
    pub(crate) fn failed(&self, failure: Failure) -> Failure {
        let Some((name, start)) = &self.running else { return failure };
        let seconds = start.elapsed().as_secs_f64();
        Failure { message: format!("step \"{name}\" failed after {seconds:.1} s: {failure}"), ..failure }
    }
}

/// Runs `command` and passes through what it prints.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::with_code(format!("{status} from `{}`", line(command)), status)),
    }
}

/// Runs `command` and returns what it printed to stdout; its stderr is part of the message if it fails.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let message = format!("{} from `{}`: {}", output.status, line(command), said.trim());
        return Err(Failure::with_code(message, output.status));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| Failure::new(format!("`{}` printed something that is not UTF-8", line(command))))
}

fn not_started(command: &Command, error: &io::Error) -> Failure {
    Failure::new(format!("`{}` could not be started: {error}", line(command)))
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={:?}", name.to_string_lossy(), value?.to_string_lossy()))
    });
    let program = [command.get_program().to_string_lossy().into_owned()];
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    variables.chain(program).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// A signal's number plus 128, as shells report it.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Steps, capture, run};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn an_exit_code_is_kept() {
        assert_eq!(run(&mut shell("exit 7")).unwrap_err().code, 7);
        assert_eq!(run(&mut shell("kill -9 $$")).unwrap_err().code, 137);
        run(&mut shell("exit 0")).unwrap();
    }

    #[test]
    fn a_failed_step_is_named_with_its_command() {
        let mut steps = Steps::default();
        let failure = steps.run("the third door", &mut shell("exit 2")).unwrap_err();
        let message = failure.to_string();
        assert!(message.contains("the third door") && message.contains("sh -c exit 2"), "{message}");
    }

    #[test]
    fn captured_output_comes_back_and_stderr_explains_a_failure() {
        assert_eq!(capture(&mut shell("echo out")).unwrap(), "out\n");
        let failure = capture(&mut shell("echo because >&2; exit 1")).unwrap_err();
        assert!(failure.to_string().contains("because"), "{failure}");
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let failure = run(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(failure.to_string().contains("no-such-program-here"), "{failure}");
    }
}
