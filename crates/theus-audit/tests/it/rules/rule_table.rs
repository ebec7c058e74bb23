//! Every test kind against every kind of value.

use theus_audit::{Book, Check, Leniency, Number, Rule, Subject};
use theus_value::{BlockId, Heavy, List, Map, Object, Set, Value};

/// A rule for the field x with these tests.
fn rule(tests: &str) -> Rule {
    let text = format!("process_recipes: {{p: {{inputs: [{{field: x, {tests}}}]}}}}");
    let (book, _) =
        Book::parse(&text, "r.yaml", Leniency::Strict).unwrap_or_else(|error| panic!("{text}: {error}"));
    book.processes["p"].inputs[0].clone()
}

fn int(value: i128) -> Subject<'static> {
    Subject::Number(Number::Int(value))
}

fn float(value: f64) -> Subject<'static> {
    Subject::Number(Number::Float(value))
}

/// What the rule says of the subject: nothing if it passes.
fn says(tests: &str, subject: Subject<'_>) -> String {
    match rule(tests).check(&subject) {
        Check::Skipped => "skipped".to_owned(),
        Check::Passed => String::new(),
        Check::Failed(message) => message.into_owned(),
    }
}

const TWO_53: i128 = 1 << 53;

#[test]
fn numbers_are_held_against_their_bounds() {
    let rows = [
        ("min: 18", int(18), ""),
        ("min: 18", int(17), "x is 17; it must be at least 18"),
        ("min: 18", float(17.999), "x is 17.999; it must be at least 18"),
        ("min: 18", float(f64::NAN), "x is NaN; it must be at least 18"),
        ("min: 0.5", Subject::Bool(true), ""),
        ("min: 0.5", Subject::Bool(false), "x is false; it must be at least 0.5"),
        ("min: true", int(0), "x is 0; it must be at least 1"),
        (
            "min: .inf",
            int(i128::MAX),
            "x is 170141183460469231731687303715884105727; it must be at least inf",
        ),
        ("min: -.inf", int(i128::MIN), ""),
        ("max: 5", int(5), ""),
        ("max: 5", float(5.5), "x is 5.5; it must be at most 5"),
        ("max: 5", float(f64::NAN), "x is NaN; it must be at most 5"),
        ("max: 5", float(f64::INFINITY), "x is inf; it must be at most 5"),
        ("max: -5", int(-4), "x is -4; it must be at most -5"),
        ("eq: 1", float(1.0), ""),
        ("eq: 1", Subject::Bool(true), ""),
        ("eq: 0", float(-0.0), ""),
        ("eq: 1", int(2), "x is 2; it must equal 1"),
        ("eq: 1", float(f64::NAN), "x is NaN; it must equal 1"),
        ("neq: 1", int(2), ""),
        ("neq: 1", float(1.0), "x is 1.0; it must not equal 1"),
        ("neq: 1", float(f64::NAN), ""),
        // Nothing is rounded on the way.
        (
            "max: 9007199254740992.0",
            int(TWO_53 + 1),
            "x is 9007199254740993; it must be at most 9007199254740992.0",
        ),
        (
            "eq: 9007199254740993",
            float(TWO_53 as f64),
            "x is 9007199254740992.0; it must equal 9007199254740993",
        ),
        ("min: -9007199254740993", float(-(TWO_53 as f64)), ""),
        (
            "eq: 170141183460469231731687303715884105727",
            float(1.7014118346046923e38),
            "x is 1.7014118346046923e38; it must equal 170141183460469231731687303715884105727",
        ),
        // The order of the tests decides between two failures.
        ("min: 5, eq: 7", int(1), "x is 1; it must be at least 5"),
        ("max: 5, eq: 7", int(8), "x is 8; it must be at most 5"),
        ("eq: 7, neq: 1", int(1), "x is 1; it must equal 7"),
    ];
    for (tests, subject, message) in rows {
        assert_eq!(says(tests, subject), message, "{tests} of {subject:?}");
    }
}

#[test]
fn what_has_a_length_is_held_against_it() {
    let rows = [
        ("min_len: 2", Subject::Text("ab"), ""),
        ("min_len: 2", Subject::Text("é"), "x has length 1; it must be at least 2"),
        ("max_len: 1", Subject::Text("é"), ""),
        ("max_len: 1", Subject::Text("éé"), "x has length 2; it must be at most 1"),
        ("min_len: 1", Subject::Sized(0), "x has length 0; it must be at least 1"),
        ("max_len: 3", Subject::Sized(4), "x has length 4; it must be at most 3"),
        ("min_len: 1, max_len: 3", Subject::Sized(3), ""),
        ("max_len: 18446744073709551615", Subject::Sized(u64::MAX), ""),
    ];
    for (tests, subject, message) in rows {
        assert_eq!(says(tests, subject), message, "{tests} of {subject:?}");
    }
}

#[test]
fn an_expression_matches_at_the_start_and_nowhere_else() {
    let rows = [
        ("abc", "abcd", true),
        ("abc", "xabc", false),
        ("b|abc", "abc", true),
        ("b|c", "abc", false),
        ("a$", "ab", false),
        ("^a", "a", true),
        ("^b", "a\nb", false),
        ("(?m)^b", "a\nb", false),
        ("(?i)ABC", "abc", true),
        ("(?x) a  # a comment", "a", true),
        ("(?x) b  # a comment", "ab", false),
        ("", "anything", true),
        (r"\d+", "٣", true),
        (r"\bfoo", "foo", true),
        ("(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false),
    ];
    for (expression, text, passes) in rows {
        let said = says(&format!("regex: '{expression}'"), Subject::Text(text));
        let message = format!("x is {text:?}; it must match {expression}");
        assert_eq!(said, if passes { String::new() } else { message }, "{expression} on {text:?}");
    }
}

#[test]
fn only_what_is_listed_is_allowed() {
    let list = "in: [red, 1, 2.5, true, null]";
    let one_of = "it must be one of \"red\", 1, 2.5, true, null";
    let rows = [
        (list, Subject::Text("red"), String::new()),
        (list, Subject::Text("Red"), format!("x is \"Red\"; {one_of}")),
        (list, int(1), String::new()),
        (list, float(1.0), String::new()),
        (list, float(2.5), String::new()),
        (list, int(2), format!("x is 2; {one_of}")),
        (list, Subject::Bool(true), String::new()),
        (list, Subject::Bool(false), format!("x is false; {one_of}")),
        (list, float(f64::NAN), format!("x is NaN; {one_of}")),
        ("in: [1]", Subject::Bool(true), "x is true; it must be one of 1".to_owned()),
        ("in: [true]", int(1), "x is 1; it must be one of true".to_owned()),
        ("in: ['1']", int(1), "x is 1; it must be one of \"1\"".to_owned()),
        ("in: [no]", Subject::Text("no"), String::new()),
        ("in: [no]", Subject::Sized(2), "x is no bool, number or text; it must be one of \"no\"".to_owned()),
        (
            "min: 0",
            Subject::Opaque,
            "x is an object of a type that rules cannot look into; give a plain number, text, list or map, such as float(x) \
             for a number of NumPy"
                .to_owned(),
        ),
        ("in: [no]", Subject::Other, "x is no bool, number or text; it must be one of \"no\"".to_owned()),
    ];
    for (tests, subject, message) in rows {
        assert_eq!(says(tests, subject), message, "{tests} of {subject:?}");
    }
}

#[test]
fn a_test_for_another_kind_of_value_does_not_fail() {
    let rows = [
        ("min: 5, max: 5, eq: 5, neq: 5", vec![Subject::Text("x"), Subject::Sized(1), Subject::Other]),
        ("min_len: 5", vec![int(1), float(1.0), Subject::Bool(true), Subject::Other]),
        ("regex: a", vec![int(1), float(1.0), Subject::Bool(true), Subject::Sized(1), Subject::Other]),
    ];
    for (tests, subjects) in rows {
        for subject in subjects {
            assert_eq!(says(tests, subject), "", "{tests} of {subject:?}");
        }
    }
}

#[test]
fn what_is_absent_is_skipped_by_every_test() {
    for tests in
        ["min: 1", "max: 1", "eq: 1", "neq: 1", "min_len: 1", "max_len: 0", "regex: a", "in: [a, null]"]
    {
        assert_eq!(says(tests, Subject::Absent), "skipped", "{tests}");
    }
}

#[test]
fn the_last_kind_of_test_that_fails_gives_the_message() {
    let of_text = |tests: &str| says(tests, Subject::Text("x1"));
    assert_eq!(of_text("min_len: 3"), "x has length 2; it must be at least 3");
    assert_eq!(of_text("min_len: 3, regex: a"), "x is \"x1\"; it must match a");
    assert_eq!(of_text("min_len: 3, regex: a, in: [b]"), "x is \"x1\"; it must be one of \"b\"");
    assert_eq!(says("min: 3, in: [1]", int(2)), "x is 2; it must be one of 1");
    assert_eq!(says("min: 3, in: [2]", int(2)), "x is 2; it must be at least 3");
    // The rule's own message replaces each.
    assert_eq!(of_text("min_len: 3, regex: a, message: no good"), "no good");
    assert_eq!(says("min: 3, message: no good", int(2)), "no good");
    assert_eq!(says("min: 3, message: no good", int(3)), "");
}

#[test]
fn long_values_and_bounds_are_cut_in_messages() {
    let text = "é".repeat(1000);
    let expected = format!("x is \"{}\"…; it must match b", "é".repeat(80));
    assert_eq!(says("regex: b", Subject::Text(&text)), expected);
    let message = says(&format!("regex: {}", "b".repeat(1000)), Subject::Text("a"));
    assert_eq!(message, format!("x is \"a\"; it must match {}…", "b".repeat(80)));
    let message = says(&format!("in: [{}]", "1,".repeat(1000)), int(2));
    assert!(message.len() < 120, "{message}");
}

#[test]
fn a_subject_is_what_a_rule_can_see_in_a_value() {
    let mut map = Map::new();
    map.insert("a".into(), Value::Null);
    let big = |bytes: &[u8]| Value::integer_from_le_bytes(bytes);
    let block = BlockId { segment: 0, offset: 0, length: 0, serial: 0 };
    let heavy = |shape: &[u64]| {
        Value::Heavy(Heavy { block, dtype: "<f8".into(), shape: shape.into(), lease: None }.into())
    };
    let rows = [
        (Value::Null, Subject::Absent),
        (Value::Bool(true), Subject::Bool(true)),
        (Value::Int(-1), int(-1)),
        (big(&i128::MIN.to_le_bytes()), int(i128::MIN)),
        (big(&i128::MAX.to_le_bytes()), int(i128::MAX)),
        (big(&(1i128 << 64).to_le_bytes()), int(1 << 64)),
        (Value::Float(1.5), float(1.5)),
        (Value::from("é"), Subject::Text("é")),
        (Value::from(vec![1u8, 2]), Subject::Sized(2)),
        (Value::List(List::from(vec![Value::Null])), Subject::Sized(1)),
        (Value::Tuple([].into()), Subject::Sized(0)),
        (Value::Map(map), Subject::Sized(1)),
        (Value::Set(Set::from_values([Value::Int(1)])), Subject::Sized(1)),
        (heavy(&[7, 3]), Subject::Sized(7)),
        (heavy(&[]), Subject::Other),
        (Value::Object(Object { codec: "pickle".into(), bytes: [1].into() }.into()), Subject::Opaque),
    ];
    for (value, subject) in rows {
        assert_eq!(Subject::of_value(&value), subject, "{value:?}");
    }
}

#[test]
fn integers_outside_128_bits_count_as_floats_near_them() {
    // 2^200 and -2^200, and one too large for any float.
    let mut bytes = vec![0; 26];
    bytes[25] = 1;
    let two_200 = Value::integer_from_le_bytes(&bytes);
    assert_eq!(Subject::of_value(&two_200), float(2f64.powi(200)));
    bytes[25] = 0xFF;
    assert_eq!(Subject::of_value(&Value::integer_from_le_bytes(&bytes)), float(-(2f64.powi(200))));
    let mut huge = vec![0; 200];
    huge[199] = 1;
    assert_eq!(Subject::of_value(&Value::integer_from_le_bytes(&huge)), float(f64::INFINITY));
    assert_eq!(
        says("max: 1", Subject::of_value(&two_200)),
        format!("x is {:?}; it must be at most 1", 2f64.powi(200))
    );
}
