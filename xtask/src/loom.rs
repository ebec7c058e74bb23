//! The loom models: every crate that has `tests/model` runs them under `cfg(theus_loom)`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::place;
use crate::step::{Failure, Steps};

/// Runs all models as one step, in a build folder of their own, since the flag rebuilds everything.
pub(crate) fn run(steps: &mut Steps) -> Result<(), Failure> {
    let crates = modelled(&place::root().join("crates"));
    if crates.is_empty() {
        return Err(Failure::new("no crate has tests/model/main.rs, so no model was run"));
    }
    let mut command = Command::new("cargo");
    command.args(["test", "--release", "--test", "model"]).current_dir(place::root());
    command.args(crates.iter().flat_map(|name| ["-p", name]));
    command.env("RUSTFLAGS", "--cfg theus_loom").env("CARGO_TARGET_DIR", place::target().join("loom"));
    // Optimized, because models run for minutes otherwise; with the checks and without the slow linking.
    command.env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true").env("CARGO_PROFILE_RELEASE_LTO", "off");
    steps.run("loom models", &mut command)
}

/// The names of the crates that have models. A crate's folder has its name.
fn modelled(crates: &Path) -> Vec<String> {
    let folders = fs::read_dir(crates).into_iter().flatten().flatten();
    let with_models = folders.filter(|folder| folder.path().join("tests/model/main.rs").is_file());
    let mut names: Vec<String> =
        with_models.map(|folder| folder.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::modelled;
    use crate::place;

    #[test]
    fn crates_with_models_are_found() {
        let folder = place::target().join("xtask-test-models");
        fs::create_dir_all(folder.join("theus-b/tests/model")).unwrap();
        fs::create_dir_all(folder.join("theus-a/tests/model")).unwrap();
        fs::create_dir_all(folder.join("theus-c/tests/it")).unwrap();
        for name in ["theus-a", "theus-b"] {
            fs::write(folder.join(name).join("tests/model/main.rs"), "").unwrap();
        }
        assert_eq!(modelled(&folder), ["theus-a", "theus-b"]);
        assert!(modelled(&folder.join("absent")).is_empty());
        fs::remove_dir_all(folder).unwrap();
    }
}
