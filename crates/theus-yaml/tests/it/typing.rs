//! What scalars mean: the core schema of YAML 1.2.

use theus_yaml::Content;

use super::{parse, plain};

/// What stands at the root.
fn content(text: &str) -> Content {
    parse(text).expect(text).content
}

#[test]
fn plain_scalars_mean_what_the_core_schema_says() {
    let texts = [
        "no",
        "off",
        "yes",
        "on",
        "y",
        "12:30",
        "1_000",
        "0o8",
        "0xg",
        "-0x1f",
        "+0o7",
        ".",
        "1e",
        "e3",
        "1.e+",
        "+.nan",
        "-.nan",
        "nan",
        "inf",
        "Infinity",
        "${HOME}",
        "nUll",
        "tRue",
        "2024-01-01",
        "0b1",
        "=",
        "1,5",
    ];
    for text in texts {
        assert_eq!(content(text), Content::Str(text.into()), "{text} is a text");
    }
    let ints = [("0", 0), ("-7", -7), ("+7", 7), ("010", 10), ("0o7", 7), ("0x1F", 31), ("-0", 0)];
    for (text, int) in ints {
        assert_eq!(content(text), Content::Int(int), "{text}");
    }
    assert_eq!(content("170141183460469231731687303715884105727"), Content::Int(i128::MAX));
    let floats = [
        ("1e3", 1e3),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1.5E-3", -1.5e-3),
        ("+.5e+1", 5.0),
        ("1.0", 1.0),
    ];
    for (text, float) in floats {
        assert_eq!(content(text), Content::Float(float), "{text}");
    }
    assert_eq!(content(".inf"), Content::Float(f64::INFINITY));
    assert_eq!(content("-.INF"), Content::Float(f64::NEG_INFINITY));
    assert!(matches!(content(".NaN"), Content::Float(nan) if nan.is_nan()));
    for text in ["", "~", "null", "Null", "NULL", "# only a comment", "---", "---\n...\n", "\u{feff}"] {
        assert_eq!(content(text), Content::Null, "{text:?}");
    }
    for (text, bool) in [("true", true), ("True", true), ("TRUE", true), ("false", false), ("FALSE", false)] {
        assert_eq!(content(text), Content::Bool(bool));
    }
}

#[test]
fn quotes_and_blocks_make_texts_of_anything() {
    for text in ["'12'", "\"12\"", "! 12", "!!str 12", "!<tag:yaml.org,2002:str> 12", "|-\n  12", ">-\n  12"]
    {
        assert_eq!(content(text), Content::Str("12".into()), "{text}");
    }
    let tree = |text: &str| plain(&parse(text).expect(text));
    assert_eq!(tree("a: |\n  x\n  y\nb: 1\n"), tree("{a: \"x\\ny\\n\", b: 1}"));
}

#[test]
fn core_tags_are_obeyed() {
    assert_eq!(content("!!int '7'"), Content::Int(7));
    assert_eq!(content("!!float 7"), Content::Float(7.0));
    assert_eq!(content("!!bool 'true'"), Content::Bool(true));
    assert_eq!(content("!!null ''"), Content::Null);
    assert_eq!(plain(&parse("!!seq [!!map {}]").expect("valid")), "[{}]");
    assert_eq!(content("%TAG !c! tag:yaml.org,2002:\n---\n!c!int '7'"), Content::Int(7));
}

#[test]
fn line_ends_of_any_system_and_a_byte_order_mark_change_nothing() {
    let text = "a:\n  - b: 1\n    c: x y\n";
    let expected = parse(text).expect("valid");
    assert_eq!(parse(&text.replace('\n', "\r\n")).expect("valid"), expected);
    assert_eq!(parse(&format!("\u{feff}{text}")).expect("valid"), expected);
}
