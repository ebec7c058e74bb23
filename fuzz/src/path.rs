//! [`path`]: any text as a path, as a pattern, and one against the other.
//!
//! The first line of the input is the pattern, the second the path, and all lines together are the segments of a path.
//! What not: no zones. Invariants checked: parsing never panics; the text form of every path parses back to it; a
//! pattern agrees with the naive matcher; what covers a place covers all below it and leads to all above it.

use crate::naive::Glob;
use theus_value::{Path, Pattern};

/// Texts longer than this are not given to the naive matcher.
const SHORT: usize = 24;

/// Judges paths and patterns on this text.
///
/// # Panics
/// Where they break a promise.
pub fn path(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let (pattern, path) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    reads_back(&Path::from_segments(text.split('\n')));
    for text in [pattern, path] {
        match Path::parse(text) {
            Ok(path) => reads_back(&path),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    let paths = [Path::parse(path).ok(), Some(Path::from_segments(path.split('.'))), Some(Path::root())];
    match Pattern::parse(pattern) {
        Ok(read) => paths.iter().flatten().for_each(|path| judge(pattern, &read, path)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn reads_back(path: &Path) {
    let text = path.to_string();
    assert_eq!(Path::parse(&text).as_ref(), Ok(path), "{text:?}");
    let pattern = Pattern::from(path.clone());
    assert!(pattern.covers(path) && pattern.leads_to(path) && pattern.as_path() == Some(path));
}

fn judge(text: &str, pattern: &Pattern, path: &Path) {
    assert_eq!(pattern.to_string(), text);
    let (covers, leads_to) = (pattern.covers(path), pattern.leads_to(path));
    match pattern.as_path() {
        Some(own) => {
            assert_eq!(own, &Path::parse(text).expect("a pattern without wildcards is a path"));
            assert_eq!(covers, path.segments().starts_with(own.segments()));
            assert_eq!(leads_to, covers || own.segments().starts_with(path.segments()));
        }
        None if text.chars().count() + path.to_string().chars().count() <= SHORT => {
            let naive = Glob::new(text);
            assert_eq!(covers, naive.covers(path), "does {text:?} cover {path:?}");
            assert_eq!(leads_to, naive.leads_to(path), "does {text:?} lead to {path:?}");
        }
        None => {}
    }
    assert!(!covers || leads_to);
    assert!(!covers || pattern.covers(&path.child("below")));
    let mut above = path.parent();
    while let Some(place) = above {
        assert!(!leads_to || pattern.leads_to(&place), "{text:?} leads to {path:?}, not to {place:?}");
        above = place.parent();
    }
}
