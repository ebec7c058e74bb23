//! Paths: reading, writing, and who lies under whom.

use proptest::prelude::*;
use theus_value::{Path, PathError};

fn segments(text: &str) -> Vec<String> {
    Path::parse(text).unwrap().segments().iter().map(|s| s.to_string()).collect()
}

#[test]
fn brackets_mean_dots() {
    assert_eq!(segments("domain.user['name'][0]"), ["domain", "user", "name", "0"]);
    assert_eq!(segments("domain"), ["domain"]);
    assert_eq!(segments("['a b'].c"), ["a b", "c"]);
    assert_eq!(segments("a[b][\"c.d\"]"), ["a", "b", "c.d"]);
    assert_eq!(segments(r"a['it\'s']"), ["a", "it's"]);
    assert_eq!(segments("a['']"), ["a", ""]);
    assert_eq!(segments("dömain.x y"), ["dömain", "x y"]);
}

#[test]
fn what_is_no_path_says_why() {
    let why = |text: &str| Path::parse(text).unwrap_err();
    assert_eq!(why(""), PathError::Empty);
    for (text, at) in [("a..b", 2), (".a", 0), ("a.", 2), ("a[]", 2), ("a.[0]", 2)] {
        assert_eq!(why(text), PathError::EmptySegment { text: text.into(), at });
    }
    for (text, at) in [("a[0", 1), ("a['b", 2), ("a['b'", 1), ("a['b\\", 2)] {
        assert_eq!(why(text), PathError::Unclosed { text: text.into(), at });
    }
    for (text, at, found) in [("a]b", 1, ']'), ("a[b]c", 4, 'c'), ("a['b'c]", 5, 'c'), ("a[b'c]", 3, '\'')] {
        assert_eq!(why(text), PathError::Unexpected { text: text.into(), at, found });
    }
    assert!(why("a..b").to_string().contains("\"a..b\""));
}

#[test]
fn the_root_is_above_everything() {
    let root = Path::root();
    assert!(root.is_root() && root.is_empty() && root.parent().is_none() && root.first().is_none());
    assert!(Path::parse("a.b").unwrap().starts_with(&root));
    assert_eq!(root.child("a"), Path::parse("a").unwrap());
    assert_eq!(Path::parse("a").unwrap().parent(), Some(root));
}

#[test]
fn overlap_is_by_whole_segments() {
    let path = |text: &str| Path::parse(text).unwrap();
    assert!(path("a.b").overlaps(&path("a")));
    assert!(path("a").overlaps(&path("a.b")));
    assert!(path("a").overlaps(&path("a")));
    assert!(!path("a").overlaps(&path("ab")));
    assert!(!path("a.b").overlaps(&path("a.c")));
    assert!(!path("a.b").overlaps(&Path::from_segments(["a.b"])));
}

proptest! {
    #[test]
    fn the_text_of_a_path_reads_back(segments in proptest::collection::vec(".{0,6}|[.'\"\\[\\]\\\\a]{0,4}", 1..5)) {
        let path = Path::from_segments(segments.iter().map(String::as_str));
        prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
    }

    #[test]
    fn any_text_is_a_path_or_an_error(text in ".{0,20}|[a.'\"\\[\\]\\\\]{0,12}") {
        if let Ok(path) = text.parse::<Path>() {
            prop_assert!(!path.is_root());
            prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
        }
    }

    #[test]
    fn child_and_parent_undo_each_other(segments in proptest::collection::vec("[a-c]", 0..4), below in ".{0,4}") {
        let path = Path::from_segments(segments);
        let child = path.child(&below);
        prop_assert!(child.starts_with(&path) && !path.starts_with(&child) && path.overlaps(&child));
        prop_assert_eq!(child.last().map(|s| &**s), Some(&*below));
        prop_assert_eq!(child.len(), path.len() + 1);
        prop_assert_eq!(child.parent(), Some(path));
    }
}
