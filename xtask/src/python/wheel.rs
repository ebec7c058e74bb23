//! The wheel: built once by maturin and good for every Python, because it keeps to the stable ABI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Interpreter, Venv, venv};
use crate::place;
use crate::step::{self, Failure};

const MANIFEST: &str = "crates/theus-py/Cargo.toml";
const MATURIN: &str = "maturin>=1.9,<2";

/// Builds the wheel into `target/wheels` and returns its path. Maturin is installed if it is not there yet.
pub(crate) fn build() -> Result<PathBuf, Failure> {
    let venv = Venv::make(&place::target().join(venv::BUILD), &Interpreter::first()?)?;
    let maturin = venv.program("maturin");
    if !maturin.exists() {
        // A newer pip as well: this one has to serve interpreters that the system's pip is too old for.
        venv.install(&["--upgrade", "pip", MATURIN])?;
    }
    let wheels = place::target().join("wheels");
    remove_all(&wheels)?;
    // For this machine only ("linux"), so neither patchelf nor an old C library is asked for.
    let mut build = Command::new(maturin);
    build.args(["build", "--release", "--compatibility", "linux", "--manifest-path", MANIFEST]);
    build.arg("--interpreter").arg(venv.program("python"));
    build.arg("--out").arg(&wheels).current_dir(place::root());
    step::run(&mut build)?;
    only_one(&wheels)
}

/// Older wheels would make it unclear which one is meant.
fn remove_all(wheels: &Path) -> Result<(), Failure> {
    for wheel in list(wheels) {
        fs::remove_file(&wheel)
            .map_err(|error| Failure::new(format!("{} cannot be removed: {error}", wheel.display())))?;
    }
    Ok(())
}

fn only_one(wheels: &Path) -> Result<PathBuf, Failure> {
    let found = list(wheels);
    match &found[..] {
        [wheel] if name(wheel).contains("-abi3-") => Ok(wheel.clone()),
        _ => {
            Err(Failure::new(format!("{} should hold one abi3 wheel and holds {found:?}", wheels.display())))
        }
    }
}

fn list(wheels: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(wheels).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| name(path).ends_with(".whl")).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{only_one, remove_all};
    use crate::place;

    #[test]
    fn exactly_one_stable_wheel_is_accepted() {
        let folder = place::target().join("xtask-test-wheels");
        fs::create_dir_all(&folder).unwrap();
        remove_all(&folder).unwrap();
        assert!(only_one(&folder).is_err());
        fs::write(folder.join("theus-4-cp311-cp311-linux_x86_64.whl"), "").unwrap();
        assert!(only_one(&folder).is_err());
        remove_all(&folder).unwrap();
        let wheel = folder.join("theus-4-cp311-abi3-linux_x86_64.whl");
        fs::write(&wheel, "").unwrap();
        assert_eq!(only_one(&folder).unwrap(), wheel);
        fs::write(folder.join("theus-3-cp311-abi3-linux_x86_64.whl"), "").unwrap();
        assert!(only_one(&folder).is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}
