//! A contract: which paths a process may read and write, and how it is run.
//!
//! Paths are dotted from a root. A parent grants its children; a child lets you walk its parents; globs match.
//! Omitted is not empty: a parallel process without `inputs` may read all of `domain` and `heavy`, one without `outputs`
//! may send explicit updates to any path; elsewhere both declare nothing.

use std::time::Duration;
use theus_value::{Key, Path, PathError, Pattern};

/// The root of the domain data.
pub const DOMAIN: &str = "domain";
/// The root of the global data.
pub const GLOBAL: &str = "global";
/// The whole state, as if it were a root.
const DATA: &str = "data";
/// The root of the heavy zone: big arrays in shared memory.
pub const HEAVY: &str = "heavy";
/// Roots that are there without being declared.
const ROOTS: [&str; 5] = [DOMAIN, GLOBAL, HEAVY, "signal", "meta"];

/// Gives a root its one name: `domain_ctx` is `domain`; `global_` and `global_ctx` are `global`.
pub fn root_name(root: &str) -> &str {
    match root {
        "domain_ctx" => DOMAIN,
        "global_" | "global_ctx" => GLOBAL,
        other => other,
    }
}

/// Parses a path and gives its root its one name; `data` is the whole state and `data.x` is `x`.
///
/// # Errors
/// When the text is no path.
///
/// ```
/// let path = theus::parse_path("domain_ctx.user['name']").unwrap();
/// assert_eq!(path.to_string(), "domain.user.name");
/// assert!(theus::parse_path("data").unwrap().is_root());
/// ```
pub fn parse_path(text: &str) -> Result<Path, PathError> {
    let path = Path::parse(text)?;
    let segments = path.segments();
    let skip = usize::from(segments.first().is_some_and(|root| **root == *DATA));
    let segments = &segments[skip..];
    match segments.first().map(|root| (root, root_name(root))) {
        Some((root, name)) if **root != *name => {
            let mut renamed: Vec<Key> = segments.to_vec();
            renamed[0] = Key::from(name);
            Ok(Path::from_segments(renamed))
        }
        _ if skip == 0 => Ok(path),
        _ => Ok(Path::from_segments(segments.to_vec())),
    }
}

/// One declared path of a contract.
#[derive(Clone, Debug)]
pub struct Declared {
    pattern: Pattern,
    text: String,
    /// As the contract's author wrote it.
    written: String,
    /// The path, unless it has globs.
    path: Option<Path>,
}

impl Declared {
    /// Parses a declared path.
    ///
    /// # Errors
    /// When the text is no path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let written = text.to_owned();
        if Pattern::parse(text)?.is_glob() {
            let text = text.strip_prefix("data.").unwrap_or(text);
            let root = text.split(['.', '[']).next().unwrap_or_default();
            let text = format!("{}{}", root_name(root), &text[root.len()..]);
            return Ok(Declared { pattern: Pattern::parse(&text)?, text, written, path: None });
        }
        let path = parse_path(text)?;
        let text = if path.is_root() { DATA.to_owned() } else { path.to_string() };
        Ok(Declared { pattern: Pattern::from(path.clone()), text, written, path: Some(path) })
    }

    /// The path as text, its root under its one name.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The path as it was declared.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// The path, unless it has globs; the root for the whole state.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_ref()
    }

    /// True when it grants this path.
    pub fn covers(&self, path: &Path) -> bool {
        self.pattern.covers(path)
    }

    /// True for a bare root that is there without being declared: what is returned for it is merged, not replaced.
    pub fn is_bare_root(&self) -> bool {
        self.is_data() || ROOTS.contains(&self.text.as_str())
    }

    /// True for the whole state.
    pub(crate) fn is_data(&self) -> bool {
        self.path.as_ref().is_some_and(Path::is_root)
    }

    fn leads_to(&self, path: &Path) -> bool {
        self.pattern.leads_to(path)
    }
}

/// What a process may do with a path that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// All of it.
    Full,
    /// It may be walked towards a declared child, and shows declared children only.
    Walk,
    /// Nothing.
    Refused,
}

/// A process's contract.
#[derive(Clone, Debug, Default)]
pub struct Contract {
    /// Declared inputs; None when omitted.
    pub inputs: Option<Vec<Declared>>,
    /// Declared outputs; None when omitted.
    pub outputs: Option<Vec<Declared>>,
    /// The function runs on a worker.
    pub parallel: bool,
    /// The function may read everything and write nothing: it has no contract of its own.
    pub undecorated: bool,
    /// How long a call may take, counted from the call.
    pub timeout: Option<Duration>,
    /// How often a lost attempt is run again.
    pub crash_retries: u32,
}

impl Contract {
    /// What the process may do when it reads this path.
    pub fn access(&self, path: &Path) -> Access {
        if self.undecorated {
            return Access::Full;
        }
        let declared = || self.inputs.iter().flatten().chain(self.outputs.iter().flatten());
        let omitted = self.parallel && self.inputs.is_none();
        let root = path.first().map_or("", |root| &**root);
        if omitted && (root == DOMAIN || root == HEAVY) || declared().any(|declared| declared.covers(path)) {
            return Access::Full;
        }
        let walk = path.is_empty() || declared().any(|declared| declared.leads_to(path));
        // The domain itself is a place, not a datum: arguments are read through it.
        if walk || root == DOMAIN && path.len() == 1 { Access::Walk } else { Access::Refused }
    }

    /// True when the process may write this path.
    pub fn may_write(&self, path: &Path) -> bool {
        match &self.outputs {
            Some(outputs) => outputs.iter().any(|output| output.covers(path)),
            None => self.parallel && !self.undecorated,
        }
    }
}
