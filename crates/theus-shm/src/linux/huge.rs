//! Huge pages for memory files: whether the kernel gives them, and to whom.
//!
//! Not here: asking for them (`map`).
//!
//! They decide what sharing costs: a fresh MiB takes a tenth of the time, and sealing, which looks at each page, a hundredth.

use std::fs;
use std::path::Path;

/// From this many bytes on there can be a huge page.
pub(crate) const HUGE: usize = 2 << 20;

/// To which memory files the kernel gives huge pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HugePages {
    /// To none.
    Never,
    /// To those that ask for it.
    Asked,
    /// To all that are large enough.
    Always,
}

impl HugePages {
    /// What the kernel's file says; `root` is `/` but for tests.
    pub(crate) fn here(root: &Path) -> Self {
        match chosen(root).as_deref() {
            Some("always" | "within_size" | "force") => Self::Always,
            Some("advise") => Self::Asked,
            _ => Self::Never,
        }
    }
}

/// The word in brackets in the kernel's file; none where it cannot be read.
pub(crate) fn chosen(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join("sys/kernel/mm/transparent_hugepage/shmem_enabled")).ok()?;
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(chosen, _)| chosen.to_owned())
}

/// Whether large buffers and segments get huge pages on this machine, as it is set up now.
///
/// ```
/// // Where they do, handing a large buffer over by sealing it costs less than copying it.
/// let seal = theus_shm::huge_pages();
/// # let _ = seal;
/// ```
#[must_use]
pub fn huge_pages() -> bool {
    HugePages::here(Path::new("/")) != HugePages::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_word_counts_and_what_cannot_be_read_means_none() {
        for (text, expected) in [
            ("always within_size advise [never] deny force\n", HugePages::Never),
            ("always within_size [advise] never deny force\n", HugePages::Asked),
            ("[always] within_size advise never deny force\n", HugePages::Always),
            ("always [within_size] advise never deny force\n", HugePages::Always),
            ("always within_size advise never [deny] force\n", HugePages::Never),
            ("[unknown]\n", HugePages::Never),
            ("nonsense", HugePages::Never),
        ] {
            let root = std::env::temp_dir().join(format!("theus-huge-{}-{}", std::process::id(), text.len()));
            let folder = root.join("sys/kernel/mm/transparent_hugepage");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("shmem_enabled"), text).unwrap();
            let found = HugePages::here(&root);
            let _ = fs::remove_dir_all(&root);
            assert_eq!(found, expected, "{text}");
            assert_eq!(HugePages::here(&root), HugePages::Never);
        }
    }
}
