//! Patterns: what contracts cover, against a slow obvious twin for the globs.

use proptest::prelude::*;
use theus_value::{Path, PathError, Pattern};

fn covers(pattern: &str, path: &str) -> bool {
    Pattern::parse(pattern).unwrap().covers(&Path::parse(path).unwrap())
}

fn leads_to(pattern: &str, path: &str) -> bool {
    Pattern::parse(pattern).unwrap().leads_to(&Path::parse(path).unwrap())
}

#[test]
fn a_parent_grants_its_children() {
    assert!(covers("domain.user", "domain.user"));
    assert!(covers("domain.user", "domain.user.name"));
    assert!(!covers("domain.user", "domain"));
    assert!(!covers("domain.user", "domain.users"));
    assert!(covers("domain.user['name']", "domain.user.name.first"));
}

#[test]
fn a_child_lets_you_walk_its_parents() {
    assert!(leads_to("domain.user.name", "domain"));
    assert!(leads_to("domain.user.name", "domain.user"));
    assert!(leads_to("domain.user.name", "domain.user.name"));
    assert!(!leads_to("domain.user.name", "domain.group"));
    assert!(!leads_to("domain.user.name", "dom"));
    assert!(leads_to("domain.a*.x", "domain"));
    assert!(leads_to("domain.a*.x", "domain.abc"));
    assert!(!leads_to("domain.a*.x", "domain.b"));
    assert!(!leads_to("domain.a*.x", "dom"));
    assert!(leads_to("*.x", "anything.at.all"));
    assert!(!leads_to("domain.?", "domain.ab"));
    assert!(leads_to("domain.?", "domain.a"));
    assert!(Pattern::parse("domain.?").unwrap().leads_to(&Path::root()));
}

#[test]
fn globs_match_as_in_a_shell_and_a_star_spans_dots() {
    assert!(covers("domain.*", "domain.a"));
    assert!(covers("domain.*", "domain.a.b"));
    assert!(!covers("domain.*", "domain"));
    assert!(covers("*.name", "domain.user.name"));
    assert!(covers("*.name", "domain.user.name.first"));
    assert!(covers("domain.user_?", "domain.user_1.x"));
    assert!(!covers("domain.user_?", "domain.user_12"));
    assert!(["0", "7", "9"].iter().all(|n| covers("domain.user_[0-9]", &format!("domain.user_{n}"))));
    assert!(!covers("domain.user_[!0-9]", "domain.user_7"));
    assert!(covers("domain.user_[!0-9]", "domain.user_x"));
    assert!(covers("domain.x[ab]", "domain.xa"));
    assert!(covers("domain.[]]", "domain[']']"));
    assert!(covers("domain.x[a-]", "domain.x-") && covers("domain.x[a-]", "domain.xa"));
    assert!(!covers("domain.x[a-]", "domain.xb"));
    assert!(covers("domain.*['a*b']", "domain.x['a*b']"));
    assert!(!covers("domain.*['a*b']", "domain.x.aXb"));
    assert!(covers("domain.items[0].*", "domain.items.0.x"));
}

#[test]
fn only_wildcards_make_a_glob() {
    for (text, glob) in [
        ("a.b", false),
        ("a['*']", false),
        ("a[0]", false),
        ("a[x]", true),
        ("a*", true),
        ("a?", true),
        ("[!a]", true),
    ] {
        let pattern = Pattern::parse(text).unwrap();
        assert_eq!(pattern.is_glob(), glob, "{text}");
        assert_eq!(pattern.as_path().is_none(), glob, "{text}");
        assert_eq!(pattern.to_string(), text);
    }
    assert_eq!(Pattern::parse(""), Err(PathError::Empty));
    assert!(matches!(Pattern::parse("a*[b"), Err(PathError::Unclosed { at: 2, .. })));
    assert!(matches!(Pattern::parse("a..b"), Err(PathError::EmptySegment { .. })));
}

/// The textbook matcher: exponential, but there is nothing to get wrong. No classes.
fn twin(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => (0..=text.len()).any(|skip| twin(rest, &text[skip..])),
        (Some(('?', rest)), Some((_, below))) => twin(rest, below),
        (Some((want, rest)), Some((have, below))) => want == have && twin(rest, below),
        _ => false,
    }
}

#[test]
fn an_empty_name_has_its_parents_too() {
    let pattern = Pattern::parse("a?").unwrap();
    let empty = Path::parse("a['']").unwrap();
    assert!(pattern.covers(&empty) && pattern.leads_to(&empty));
    assert!(pattern.leads_to(&Path::parse("a").unwrap()));
}

proptest! {
    #[test]
    fn globs_agree_with_the_textbook(
        pattern in "[ab.?*]{1,7}",
        segments in proptest::collection::vec("[ab]{1,3}", 1..4),
    ) {
        prop_assume!(pattern.contains(['*', '?']));
        let (glob, path) = (Pattern::parse(&pattern).unwrap(), Path::from_segments(segments.clone()));
        let pattern: Vec<char> = pattern.chars().collect();
        let text = |upto: usize| segments[..upto].join(".").chars().collect::<Vec<_>>();
        let covered = (1..=segments.len()).any(|upto| twin(&pattern, &text(upto)));
        prop_assert_eq!(glob.covers(&path), covered);
        if covered {
            prop_assert!(glob.covers(&path.child("x")));
        }
        for upto in 0..=segments.len() {
            let above = Path::from_segments(segments[..upto].iter().map(String::as_str));
            prop_assert!(!covered || glob.leads_to(&above));
        }
    }

    #[test]
    fn any_text_is_a_pattern_or_an_error(text in ".{0,16}|[a.*?'!\\[\\]-]{0,10}", path in "[a.]{1,6}") {
        if let (Ok(pattern), Ok(path)) = (Pattern::parse(&text), Path::parse(&path)) {
            prop_assert!(!pattern.covers(&path) || pattern.leads_to(&path));
        }
    }
}
