//! A virtual environment in the build folder, made once and kept while its interpreter stays the same.
//!
//! Invariant: a folder without the stamp of its interpreter is not finished, and is made anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Interpreter;
use super::interpreter::command;
use crate::place;
use crate::step::{self, Failure};

const STAMP: &str = "theus-stamp.txt";
/// The environment that holds maturin; it is made before any other.
pub(super) const BUILD: &str = "venv-build";

/// A virtual environment that has pip.
pub(crate) struct Venv {
    folder: PathBuf,
}

impl Venv {
    /// The environment in `folder`, made with `interpreter` unless it is there already.
    pub(crate) fn make(folder: &Path, interpreter: &Interpreter) -> Result<Venv, Failure> {
        let venv = Venv { folder: folder.to_owned() };
        let stamp = folder.join(STAMP);
        if fs::read_to_string(&stamp).is_ok_and(|identity| identity == interpreter.identity) {
            return Ok(venv);
        }
        let failed = |what: &str, error| Failure::new(format!("{} {what}: {error}", folder.display()));
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|error| failed("cannot be removed", error))?;
        }
        // Without pip, because some systems ship the module venv but not ensurepip.
        step::capture(interpreter.command().args(["-m", "venv", "--without-pip"]).arg(folder))?;
        venv.bring_pip()?;
        fs::write(&stamp, &interpreter.identity).map_err(|error| failed("cannot be written", error))?;
        Ok(venv)
    }

    /// A program of the environment, such as `python` or `maturin`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// The environment's Python, ready for arguments.
    pub(crate) fn python(&self) -> Command {
        command(self.program("python"))
    }

    /// Installs packages; `what` are pip's arguments.
    pub(crate) fn install(&self, what: &[&str]) -> Result<(), Failure> {
        let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
        step::run(self.python().args(quiet).args(what))
    }

    /// Installs the packages that a file lists, then `wheel` in place of any older build of the same version.
    pub(crate) fn install_wheel(&self, wheel: &Path, requirements: &Path) -> Result<(), Failure> {
        let (wheel, requirements) = (wheel.to_string_lossy(), requirements.to_string_lossy());
        self.install(&["--force-reinstall", "--no-deps", &wheel])?;
        self.install(&[&wheel, "-r", &requirements])
    }

    /// Gets pip from the interpreter's own copy, or else by another Python's pip.
    fn bring_pip(&self) -> Result<(), Failure> {
        let own = step::capture(self.python().args(["-m", "ensurepip", "--default-pip"]));
        let Err(own) = own else { return Ok(()) };
        let mut tried = vec![own.to_string()];
        // The environment of the build has pip even where the system has none outside of environments.
        for other in ["python3".into(), place::target().join(BUILD).join("bin/python")] {
            let mut pip = command(other);
            pip.args(["-m", "pip", "--python"])
                .arg(self.program("python"))
                .args(["install", "--quiet", "pip"]);
            match step::capture(&mut pip) {
                Ok(_) => return Ok(()),
                Err(failure) => tried.push(failure.to_string()),
            }
        }
        Err(Failure::new(format!(
            "no pip for {}: install the system's packages for ensurepip (python3-venv) or pip (python3-pip)\n  {}",
            self.folder.display(),
            tried.join("\n  ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::{Interpreter, STAMP, Venv};
    use crate::place;

    #[test]
    fn an_environment_is_made_kept_and_made_anew_for_another_interpreter() {
        let interpreter = Interpreter::first().unwrap();
        let folder = place::target().join("xtask-test-venv");
        let venv = Venv::make(&folder, &interpreter).unwrap();
        let version = crate::step::capture(venv.python().args(["-m", "pip", "--version"])).unwrap();
        assert!(version.contains("xtask-test-venv"), "{version}");

        let mark = folder.join("mark");
        std::fs::write(&mark, "").unwrap();
        Venv::make(&folder, &interpreter).unwrap();
        assert!(mark.exists(), "the same interpreter keeps its environment");
        std::fs::write(folder.join(STAMP), "another").unwrap();
        Venv::make(&folder, &interpreter).unwrap();
        assert!(!mark.exists(), "another interpreter gets a new one");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
