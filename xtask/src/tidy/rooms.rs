//! Rule: `unsafe` has rooms. It stands in files named `raw*.rs` only, and in theus-py in files that announce it.

use super::Finding;
use crate::text::{lines_with_word, rust};
use crate::tree::{File, Tree};

const PYTHON_ROOM: &str = "crates/theus-py/";
const ANNOUNCED: &str = "#![expect(unsafe_code";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let files = tree.files.iter().filter(|file| file.is_rust() && !is_raw(file));
    files.flat_map(strays).collect()
}

fn is_raw(file: &File) -> bool {
    file.path.rsplit('/').next().is_some_and(|name| name.starts_with("raw"))
}

fn strays(file: &File) -> Vec<Finding> {
    let code = rust::mask(&file.text).code;
    if file.path.starts_with(PYTHON_ROOM) && code.contains(ANNOUNCED) {
        return Vec::new();
    }
    let message = "unsafe outside its room: move it to a file named raw*.rs and give it a safe face";
    lines_with_word(&code, "unsafe").into_iter().map(|line| Finding::new(&file.path, line, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::Tree;

    const BARE: &str = "//! A.\nfn a() { unsafe { b() } }\n";

    #[test]
    fn unsafe_outside_its_room_is_found() {
        let found = check(&Tree::of(&[("crates/theus-shm/src/arena.rs", BARE)]));
        assert!(found.len() == 1 && found[0].to_string().starts_with("crates/theus-shm/src/arena.rs:2: "));
        assert_eq!(check(&Tree::of(&[("crates/theus-py/src/a.rs", BARE)])).len(), 1);
    }

    #[test]
    fn rooms_pass() {
        let announced = format!("//! A.\n#![expect(unsafe_code, reason = \"buffers\")]\n{BARE}");
        let rooms = [
            ("crates/theus-shm/src/raw.rs", BARE),
            ("crates/theus-shm/src/raw_map.rs", BARE),
            ("crates/theus-py/src/buffer.rs", &announced),
        ];
        assert!(check(&Tree::of(&rooms)).is_empty());
    }

    #[test]
    fn talk_about_it_passes() {
        let text = "//! No unsafe here.\n#![forbid(unsafe_code)]\nconst A: &str = \"unsafe\";\n";
        assert!(check(&Tree::of(&[("crates/theus-value/src/lib.rs", text)])).is_empty());
    }
}
