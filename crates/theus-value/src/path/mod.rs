//! [`Path`]: the name of a place in a state, as a sequence of segments; and [`Pattern`], which covers many places.
//!
//! What not: no zones and no permissions (the engine has them), no lookup (see [`Value::get`](crate::Value::get)).
//! Invariants: segments are kept as written, so a segment may hold dots; the text form of every path but the root
//! parses back to the same path; the root path has no segment, and its text form is empty, which does not parse.

mod parse;
mod pattern;

pub use parse::PathError;
pub use pattern::Pattern;

use crate::value::Key;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A place in a state, such as `domain.user.name`. Clones in O(1).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    segments: Arc<[Key]>,
}

impl Path {
    /// Reads `domain.user['name'][0]`: segments divided by dots; brackets mean the same as a dot.
    ///
    /// A bracket holds a quoted segment (`'` or `"`, with `\` before a quote or backslash) or a plain one.
    ///
    /// # Errors
    /// [`PathError`] for empty text, an empty segment, an open bracket or quote, or text after a bracket that is
    /// neither a dot nor a bracket.
    ///
    /// ```
    /// use theus_value::Path;
    ///
    /// let path = Path::parse("domain.user['first.name'][0]")?;
    /// assert_eq!(path.segments().len(), 4);
    /// assert_eq!(path.to_string(), "domain.user['first.name'].0");
    /// # Ok::<(), theus_value::PathError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, PathError> {
        parse::segments(text).map(Self::from_segments)
    }

    /// The path of these segments, taken as they are. None at all gives the root.
    pub fn from_segments<K: Into<Key>>(segments: impl IntoIterator<Item = K>) -> Self {
        Self { segments: segments.into_iter().map(Into::into).collect() }
    }

    /// The path of the whole state.
    pub fn root() -> Self {
        Self { segments: Arc::from([]) }
    }

    /// True for the path of the whole state.
    pub fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    /// The segments from the top down.
    pub fn segments(&self) -> &[Key] {
        &self.segments
    }

    /// The number of segments.
    pub fn len(&self) -> usize {
        self.segments.len()
    }

    /// True for the root, as [`is_root`](Self::is_root).
    pub fn is_empty(&self) -> bool {
        self.is_root()
    }

    /// The topmost segment; none for the root.
    pub fn first(&self) -> Option<&Key> {
        self.segments.first()
    }

    /// The lowest segment; none for the root.
    pub fn last(&self) -> Option<&Key> {
        self.segments.last()
    }

    /// The place `segment` below this one. The segment is taken as it is, dots included.
    pub fn child(&self, segment: &str) -> Path {
        self.with(Arc::from(segment))
    }

    pub(crate) fn with(&self, segment: Key) -> Path {
        Path { segments: self.segments.iter().cloned().chain([segment]).collect() }
    }

    /// The place above; none for the root.
    pub fn parent(&self) -> Option<Path> {
        let (_, above) = self.segments.split_last()?;
        Some(Path { segments: Arc::from(above) })
    }

    /// True if this is `above` or lies under it.
    pub fn starts_with(&self, above: &Path) -> bool {
        self.segments.starts_with(&above.segments)
    }

    /// True if one of the two is the other or lies under it: a change at one can be seen at the other.
    pub fn overlaps(&self, other: &Path) -> bool {
        self.starts_with(other) || other.starts_with(self)
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.segments.iter().enumerate() {
            parse::write_segment(f, segment, at == 0)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({self})")
    }
}
