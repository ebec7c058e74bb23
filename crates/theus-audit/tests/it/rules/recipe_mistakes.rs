//! What is wrong with a recipe, in words and with its place.

use theus_audit::{Book, Leniency, Level};
use theus_value::{List, Map, Value};

fn mistakes(text: &str) -> Vec<String> {
    let error = Book::parse(text, "r.yaml", Leniency::Strict).map(|_| ()).expect_err(text);
    error.to_string().lines().map(str::to_owned).collect()
}

/// The mistakes of one rule of the process p. Its map begins at line 1, column 32.
fn rule_mistakes(rule: &str) -> Vec<String> {
    mistakes(&format!("process_recipes: {{p: {{inputs: [{rule}]}}}}"))
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let rows = [
        ("level: X", r#"r.yaml:1:8: level "X" is not known; choose one of S, A, B, C, I"#),
        ("level: 2", "r.yaml:1:8: level must be a text, not a whole number; choose one of S, A, B, C, I"),
        ("audit:\n  level: no", r#"r.yaml:2:10: level "no" is not known; choose one of S, A, B, C, I"#),
        (
            "threshold_max: -1",
            "r.yaml:1:16: threshold_max must be a whole number from 0 to 18446744073709551615, not -1",
        ),
        (
            "threshold_max: 18446744073709551616",
            "r.yaml:1:16: threshold_max must be a whole number from 0 to 18446744073709551615, not 18446744073709551616",
        ),
        (
            "max_retries: 1.0",
            "r.yaml:1:14: max_retries must be a whole number from 0, not a number with a fraction",
        ),
        ("threshold_min: '1'", "r.yaml:1:16: threshold_min must be a whole number from 0, not a text"),
        (
            "threshold_max: true",
            "r.yaml:1:16: threshold_max must be a whole number from 0, not true or false",
        ),
        ("reset_on_success: no", "r.yaml:1:19: reset_on_success must be true or false, not a text"),
        ("stop_latch: 1", "r.yaml:1:13: stop_latch must be true or false, not a whole number"),
        (
            "threshold_max: 1\nmax_retries: 1",
            "r.yaml:2:14: threshold_max and max_retries are one setting; remove one",
        ),
        ("- a", "r.yaml:1:1: a recipe must be a map, not a list"),
        ("just words", "r.yaml:1:1: a recipe must be a map, not a text"),
        ("audit: S", "r.yaml:1:8: audit must be a map, not a text"),
        ("process_recipes: []", "r.yaml:1:18: process_recipes must be a map, not a list"),
        ("process_recipes: {p: [x]}", "r.yaml:1:22: p must be a map, not a list"),
        ("process_recipes: {p: {inputs: {x: 1}}}", "r.yaml:1:31: inputs must be a list, not a map"),
        ("process_recipes: {p: {errors: x}}", "r.yaml:1:31: errors must be a list, not a text"),
        (
            "process_recipes:\n  p: {}\n  p: {}",
            "r.yaml:3:3: the key \"p\" is here twice, first at 2:3; remove one",
        ),
        (
            "process_recipes: {p: {outputs: [{field: a..b, min: 1}]}}",
            "r.yaml:1:41: field is not a path: path \"a..b\" has an empty segment at byte 2; write a name there, or quote it: ['']",
        ),
        (
            "process_recipes:\n\tx: 1",
            "r.yaml:2:2: this is not valid YAML: tabs disallowed within this context (block indentation)",
        ),
    ];
    for (text, mistake) in rows {
        assert_eq!(mistakes(text), [mistake], "{text:?}");
    }
}

#[test]
fn each_mistake_of_a_rule_is_named_with_its_place() {
    let rows = [
        ("x", "32: a rule must be a map with a field and tests, not a text"),
        ("~", "32: a rule must be a map with a field and tests, not nothing"),
        ("{min: 1}", "32: a rule needs a field: the name of an argument, or a path"),
        ("{field: ~, min: 1}", "32: a rule needs a field: the name of an argument, or a path"),
        ("{field: '', min: 1}", "32: a rule needs a field: the name of an argument, or a path"),
        ("{field: 1, min: 1}", "40: field must be a text, not a whole number"),
        ("{field: a}", "32: a rule needs a test: one of min, max, eq, neq, min_len, max_len, regex, in"),
        (
            "{field: a, min: ~, level: S}",
            "32: a rule needs a test: one of min, max, eq, neq, min_len, max_len, regex, in",
        ),
        ("{field: a, min: x}", "48: min must be a number, true or false, not a text"),
        ("{field: a, max: [1]}", "48: max must be a number, true or false, not a list"),
        ("{field: a, eq: .nan}", "47: eq cannot be NaN, with which nothing compares"),
        ("{field: a, neq: {}}", "48: neq must be a number, true or false, not a map"),
        ("{field: a, min: 2, max: 1}", "32: min 2 is above max 1, so nothing can pass"),
        ("{field: a, min: 1.5, max: true}", "32: min 1.5 is above max 1, so nothing can pass"),
        ("{field: a, min_len: 2, max_len: 1}", "32: min_len 2 is above max_len 1, so nothing can pass"),
        (
            "{field: a, min_len: -1}",
            "52: min_len must be a whole number from 0 to 18446744073709551615, not -1",
        ),
        (
            "{field: a, max_len: 1.5}",
            "52: max_len must be a whole number from 0, not a number with a fraction",
        ),
        ("{field: a, regex: 1}", "50: regex must be a text, not a whole number"),
        ("{field: a, regex: '('}", "50: regex cannot be used: unclosed group"),
        (
            "{field: a, regex: '(?=b)'}",
            "50: regex cannot be used: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            "{field: a, regex: '(?<!b)a'}",
            "50: regex cannot be used: look-around, including look-ahead and look-behind, is not supported",
        ),
        ("{field: a, regex: '(b)\\1'}", "50: regex cannot be used: backreferences are not supported"),
        (
            "{field: a, regex: '\\w{1000}{1000}'}",
            "50: regex cannot be used: it needs more than 8388608 bytes of memory; make its repetitions smaller",
        ),
        ("{field: a, in: []}", "47: in lists nothing, so nothing can pass"),
        ("{field: a, in: [1, .nan]}", "51: in cannot list NaN, which nothing equals"),
        ("{field: a, in: x}", "47: in must be a list of values, not a text"),
        (
            "{field: a, in: [[x]]}",
            "48: what in lists must be null, true, false, a number or a text, not a list",
        ),
        ("{field: a, min: 1, level: Q}", r#"58: level "Q" is not known; choose one of S, A, B, C, I"#),
        (
            "{field: a, min: 1, threshold_max: -1}",
            "66: threshold_max must be a whole number from 0 to 18446744073709551615, not -1",
        ),
        (
            "{field: a, min: 1, max_threshold: 1, threshold_max: 1}",
            "84: threshold_max and max_threshold are one setting; remove one",
        ),
        ("{field: a, min: 1, message: 1}", "60: message must be a text, not a whole number"),
    ];
    for (rule, mistake) in rows {
        let found = rule_mistakes(rule);
        assert_eq!(found, [format!("r.yaml:1:{mistake}")], "{rule}");
    }
}

#[test]
fn all_mistakes_are_collected_in_the_order_of_the_text() {
    let text = "
audit: {level: X, threshold_max: -1}
process_recipes:
  a:
    inputs:
      - {field: 1, min: x}
      - {field: b, min: 1}
    outputs: 3
  b: 4
";
    let places: Vec<String> =
        mistakes(text).iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect();
    let expected = ["2:16", "2:34", "6:17", "6:25", "8:14", "9:6"].map(|place| format!("r.yaml:{place}:"));
    assert_eq!(places, expected);
}

#[test]
fn very_many_mistakes_are_counted_and_not_listed() {
    let rules = "{field: a, min: x},".repeat(150);
    let lines = rule_mistakes(&rules);
    assert_eq!(lines.len(), 101);
    assert_eq!(lines[100], "and 50 more mistakes");
}

#[test]
fn long_names_are_mistakes_because_each_key_repeats_them() {
    let long = "n".repeat(501);
    assert_eq!(
        rule_mistakes(&format!("{{field: {long}, min: 1}}"))[0],
        "r.yaml:1:40: field is longer than 500 characters"
    );
    let text = format!("process_recipes:\n  {long}:\n    inputs: []\n");
    assert_eq!(mistakes(&text), ["r.yaml:3:5: the name of a process is longer than 500 characters"]);
}

#[test]
fn the_expressions_of_a_recipe_share_one_budget_of_memory() {
    let recipe = |expressions: Vec<String>| {
        let rules: String =
            expressions.iter().map(|text| format!("{{field: a, regex: '{text}'}}, ")).collect();
        let text = format!("process_recipes: {{p: {{inputs: [{rules}]}}}}");
        Book::parse(&text, "r.yaml", Leniency::Strict).map_err(|error| error.to_string())
    };
    let mistakes = recipe((0..20).map(|at| format!("x{at}\\w{{64}}")).collect()).expect_err("70 MB");
    assert!(
        mistakes.contains("the expressions of this recipe together need more than 33554432 bytes of memory")
    );
    // One that is repeated is there once.
    assert!(recipe(vec!["\\w{64}".to_owned(); 20]).is_ok());
    assert!(recipe((0..50).map(|at| format!("x{at}\\w+@\\w+")).collect()).is_ok());
}

#[test]
fn keys_without_effect_are_notices_with_the_valid_choices() {
    let text = "
audit:
  levle: S
  threshold_min: 9
version: 2
level: S
process_recipes:
  greet:
    input: []
    errors: [{a: b}, ok]
    inputs:
      - field: age
        min: 1
        minimum: 2
";
    let (book, notices) = Book::parse(text, "r.yaml", Leniency::Strict).expect("no mistake");
    assert_eq!(book.recipe.level, Level::Block);
    assert_eq!(book.processes["greet"].errors, ["ok"]);
    let lines: Vec<String> = notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "r.yaml:3:3: the key \"levle\" is not known and has no effect; choose one of level, threshold_max, max_retries, threshold_min, reset_on_success, stop_latch",
            "r.yaml:4:18: threshold_min 9 is above threshold_max 3, so nothing warns",
            "r.yaml:5:1: the key \"version\" is not known and has no effect; choose one of audit, process_recipes",
            "r.yaml:6:1: level has no effect beside the key \"audit\"; move it there",
            "r.yaml:9:5: the key \"input\" is not known and has no effect; choose one of inputs, outputs, side_effects, errors",
            "r.yaml:10:14: errors lists texts, so a map has no effect",
            "r.yaml:14:9: the key \"minimum\" is not known and has no effect; choose one of field, min, max, eq, neq, min_len, max_len, regex, in, level, threshold_max, max_threshold, message",
        ]
    );
}

#[test]
fn a_lenient_reader_takes_an_unknown_level_for_block_and_says_so() {
    let text = "level: X\nprocess_recipes: {p: {inputs: [{field: a, min: 1, level: 7}]}}";
    let (book, notices) = Book::parse(text, "r.yaml", Leniency::Compat).expect("lenient");
    assert_eq!(book.recipe.level, Level::Block);
    assert_eq!(book.processes["p"].inputs[0].level(), Some(Level::Block));
    let lines: Vec<String> = notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            r#"r.yaml:1:8: level "X" is not known, so it counts as B; choose one of S, A, B, C, I"#,
            "r.yaml:2:58: level must be a text, not a whole number, so it counts as B; choose one of S, A, B, C, I",
        ]
    );
    // It is lenient in nothing else.
    assert!(Book::parse("threshold_max: x", "r.yaml", Leniency::Compat).is_err());
}

#[test]
fn mistakes_of_a_value_have_its_path() {
    let mut rule = Map::new();
    rule.insert("field".into(), "age".into());
    rule.insert("min".into(), "x".into());
    let rules = Value::List(List::from(vec![Value::Map(rule)]));
    let wrap = |key: &str, value| {
        let mut map = Map::new();
        map.insert(key.into(), value);
        Value::Map(map)
    };
    let recipe = wrap("process_recipes", wrap("greet", wrap("inputs", rules)));
    let text = |value: &Value| Book::of_value(value, Leniency::Strict).expect_err("a mistake").to_string();
    assert_eq!(
        text(&recipe),
        "process_recipes.greet.inputs[0].min: min must be a number, true or false, not a text"
    );
    assert_eq!(text(&Value::from(1)), "recipe: a recipe must be a map, not a whole number");
    let bytes = wrap("level", Value::from(vec![1u8]));
    assert_eq!(
        text(&bytes),
        "level: a value of kind bytes has no place here; use null, true, false, numbers, texts, lists and maps"
    );
}

#[test]
fn an_output_rule_that_could_never_look_at_anything_is_a_mistake() {
    for field in ["domain.*", "domain.x?", "*"] {
        let text = format!("process_recipes: {{p: {{outputs: [{{field: '{field}', min: 1}}]}}}}");
        let error = Book::parse(&text, "r.yaml", Leniency::Strict).unwrap_err();
        let expected = "r.yaml:1:41: an output rule looks at one path, so field must have no glob";
        assert_eq!(error.to_string(), expected, "{field}");
    }
}
