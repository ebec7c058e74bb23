//! What is refused, each with its line and column.

use theus_yaml::{Limits, Place, Reason};

use super::{mistake, parse};

#[test]
fn each_bad_input_is_refused_at_its_place() {
    let rows = [
        ("a: 1\nb: 2\na: 3\n", (3, 1), "the key \"a\" is here twice, first at 1:1"),
        ("{a: 1, 'a': 2}", (1, 8), "the key \"a\" is here twice, first at 1:2"),
        ("x:\n  1: y\n", (2, 3), "a key must be a text"),
        ("x:\n  true: y\n", (2, 3), "a key must be a text"),
        ("~: y", (1, 1), "a key must be a text"),
        (": y", (1, 1), "a key must be a text"),
        ("1.5: y", (1, 1), "a key must be a text"),
        ("? [a]\n: y", (1, 3), "a key must be a text"),
        ("? {a: b}\n: y", (1, 3), "a key must be a text"),
        ("a: &k {b: 1}\n*k : 2", (2, 1), "a key must be a text"),
        ("a: &k {b: 1}\nc:\n  <<: *k", (3, 3), "merge keys (<<) are not supported"),
        ("a: !!python/object:os.system x", (1, 4), "the tag !!python/object:os.system is not supported"),
        ("a: !!binary aGk=", (1, 4), "the tag !!binary is not supported"),
        ("a: !!set {x}", (1, 4), "the tag !!set is not supported"),
        ("a: !!timestamp 2024-01-01", (1, 4), "the tag !!timestamp is not supported"),
        ("a: !env HOME", (1, 4), "the tag !env is not supported"),
        ("a:\n  - !include ../x.yaml", (2, 5), "the tag !include is not supported"),
        ("a: !<x> b", (1, 4), "the tag x is not supported"),
        ("a: !!int x", (1, 4), "not what its tag !!int says"),
        ("a: !!map [x]", (1, 4), "not what its tag !!map says"),
        ("a: !!seq x", (1, 4), "not what its tag !!seq says"),
        ("a: 1\n---\nb: 2", (2, 1), "a second document begins here"),
        ("a: 1\n...\nb: 2", (3, 1), "a second document begins here"),
        ("&a [x, *a]", (1, 8), "a part of"),
        ("&a\nk: *a", (2, 4), "a part of"),
        ("*nowhere", (1, 1), "unknown anchor"),
        ("a: *nowhere", (1, 4), "unknown anchor"),
        ("a:\n\tb: 1", (2, 2), "tabs"),
        ("a: b\0c", (1, 5), "not valid YAML"),
        ("\0", (1, 1), "not valid YAML"),
        // UTF-16 without a mark, as it looks to whoever takes it for UTF-8.
        ("a\0:\0 \x001\0", (1, 2), "not valid YAML"),
        ("a: [1, 2", (2, 1), "expected ',' or ']'"),
        ("a: 'x", (1, 4), "quoted scalar"),
        ("a: b: c", (1, 5), "mapping values are not allowed"),
        ("a: 170141183460469231731687303715884105728", (1, 4), "does not fit 128 bits"),
        ("a: 0xfffffffffffffffffffffffffffffffff", (1, 4), "does not fit 128 bits"),
    ];
    for (text, (line, column), reason) in rows {
        let error = parse(text).map(|_| ()).expect_err(text);
        assert_eq!((error.line, error.column), (line, column), "{text:?}: {error}");
        assert!(error.to_string().contains(reason), "{text:?}: {error}");
        assert!(error.to_string().starts_with(&format!("{line}:{column}: ")), "{error}");
    }
}

#[test]
fn a_quoted_merge_key_is_a_key() {
    assert!(parse("'<<': 1").is_ok());
    assert!(parse("a: <<").is_ok());
}

#[test]
fn a_key_may_return_in_another_map() {
    assert!(parse("a: {a: {a: 1}}\nb: {a: 1}").is_ok());
    assert!(parse("- a: 1\n- a: 1").is_ok());
}

#[test]
fn a_text_one_byte_too_long_is_refused_where_it_is_too_long() {
    let limits = Limits { bytes: 8, ..Limits::default() };
    assert!(theus_yaml::parse("ab: 1\n# ", &limits).is_ok());
    let error = theus_yaml::parse("ab: 1\n# é", &limits).map(|_| ()).expect_err("ten bytes");
    assert_eq!((error.line, error.column, error.reason), (2, 3, Reason::TooLong(8)));
    // The limit falls into the middle of a character.
    let error = theus_yaml::parse("ab: 1\n#éé", &limits).map(|_| ()).expect_err("eleven bytes");
    assert_eq!((error.line, error.column), (2, 2));
}

#[test]
fn the_last_level_fits_and_the_next_does_not() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(64)).is_ok());
    assert_eq!(mistake(&nested(65)), (1, 65, Reason::TooDeep(64)));
    let indented: String = (0..65).map(|level| format!("{}k:\n", " ".repeat(level))).collect();
    assert_eq!(mistake(&indented).2, Reason::TooDeep(64));
}

#[test]
fn the_last_node_fits_and_the_next_does_not() {
    let limits = Limits { nodes: 4, ..Limits::default() };
    assert!(theus_yaml::parse("a: [1, 2]\n", &limits).is_ok());
    let error = theus_yaml::parse("a: [1,\n 2, 3]\n", &limits).map(|_| ()).expect_err("five nodes");
    assert_eq!((error.line, error.column, error.reason), (2, 5, Reason::TooMany(4)));
}

#[test]
fn a_long_key_is_cut_in_the_message() {
    let key = "k".repeat(1000);
    let (line, column, reason) = mistake(&format!("{key}: 1\n{key}: 2\n"));
    let first = Place::Text { line: 1, column: 1 };
    assert_eq!((line, column, reason), (2, 1, Reason::DuplicateKey { key: "k".repeat(80), first }));
}

#[test]
fn an_error_behind_a_comment_is_placed_by_characters() {
    let error = parse("a: 1\r\nb: 2 # öäü\0").unwrap_err();
    assert_eq!((error.line, error.column), (2, 11));
    let text = format!("# {}\0", "ö".repeat(100));
    let error = parse(&text).unwrap_err();
    assert_eq!(parse(&format!("\u{feff}{text}")).unwrap_err(), error, "a byte order mark is no column");
    assert!(error.line == 1 && error.column <= 104, "{error}");
}
