//! The ways of writing a recipe mean the same.

use theus_audit::{AuditRecipe, Book, Leniency, Level, LoadError, Remark};
use theus_value::{List, Map, Value};

fn parse(text: &str) -> (Book, Vec<Remark>) {
    Book::parse(text, "recipe.yaml", Leniency::Strict).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn map(entries: Vec<(&str, Value)>) -> Value {
    let mut map = Map::new();
    for (key, value) in entries {
        map.insert(key.into(), value);
    }
    Value::Map(map)
}

fn list(items: Vec<Value>) -> Value {
    Value::List(List::from(items))
}

const NESTED: &str = "
audit:
  level: A
  threshold_max: 7
  threshold_min: 2
  reset_on_success: false
  stop_latch: true
process_recipes:
  greet:
    inputs:
      - field: age
        min: 18
        max: 99.5
        level: B
        threshold_max: 1
        message: too young
      - {field: name, min_len: 1, max_len: 10, regex: '[a-z]+', in: [ada, 1, 1.5, true, null]}
    outputs:
      - {field: domain.score, eq: 1, neq: 2}
    side_effects: [writes a letter]
    errors: [ValueError]
";

const TOP_LEVEL: &str = "
max_retries: 7
level: Abort
threshold_min: 2
reset_on_success: False
stop_latch: TRUE
process_recipes:
  greet:
    outputs: [{field: domain.score, eq: 1.0, neq: !!float 2, min: null}]
    inputs:
      - {field: age, min: 18, max: 99.5, level: block, max_threshold: 1, message: too young}
      - {field: name, min_len: 1, max_len: 10, regex: '[a-z]+', in: [ada, 1, 1.5, true, ~]}
    side_effects: [writes a letter]
    errors: [ValueError]
";

/// The first rule of the recipe as a value.
fn age_rule() -> Value {
    map(vec![
        ("field", "age".into()),
        ("min", 18.into()),
        ("max", 99.5.into()),
        ("level", "B".into()),
        ("threshold_max", 1.into()),
        ("message", "too young".into()),
    ])
}

fn as_value() -> Value {
    let age = age_rule();
    let allowed = vec!["ada".into(), 1.into(), 1.5.into(), true.into(), Value::Null];
    let name = map(vec![
        ("field", "name".into()),
        ("min_len", 1.into()),
        ("max_len", 10.into()),
        ("regex", "[a-z]+".into()),
        ("in", list(allowed)),
    ]);
    let score = map(vec![("field", "domain.score".into()), ("eq", 1.into()), ("neq", 2.into())]);
    let greet = map(vec![
        ("inputs", Value::Tuple([age, name].into())),
        ("outputs", list(vec![score])),
        ("side_effects", list(vec!["writes a letter".into()])),
        ("errors", list(vec!["ValueError".into()])),
    ]);
    let audit = map(vec![
        ("level", "a".into()),
        ("threshold_max", 7.into()),
        ("threshold_min", 2.into()),
        ("reset_on_success", false.into()),
        ("stop_latch", true.into()),
    ]);
    map(vec![("audit", audit), ("process_recipes", map(vec![("greet", greet)]))])
}

#[test]
fn nested_settings_top_level_settings_a_value_and_a_file_mean_the_same() {
    let (nested, notices) = parse(NESTED);
    assert_eq!(notices, []);
    assert_eq!(parse(TOP_LEVEL), (nested.clone(), vec![]));
    assert_eq!(Book::of_value(&as_value(), Leniency::Strict), Ok((nested.clone(), vec![])));
    let file = std::env::temp_dir().join(format!("theus-recipe-{}.yaml", std::process::id()));
    std::fs::write(&file, NESTED.replace('\n', "\r\n")).expect("a temporary file");
    let loaded = Book::load(&file, Leniency::Strict);
    std::fs::remove_file(&file).expect("it is there");
    assert_eq!(loaded.expect("a recipe"), (nested.clone(), vec![]));

    let recipe = AuditRecipe {
        level: Level::Abort,
        threshold_max: 7,
        threshold_min: 2,
        reset_on_success: false,
        stop_latch: true,
    };
    assert_eq!(Book::of_recipe(nested.recipe), Book::of_recipe(recipe));
    assert_eq!(nested.processes["greet"].side_effects, ["writes a letter"]);
    assert_eq!(nested.processes["greet"].errors, ["ValueError"]);
}

/// The comparison above can fail.
#[test]
fn planted_a_different_recipe_is_a_different_book() {
    let (book, _) = parse(NESTED);
    for (from, to) in [
        ("min: 18", "min: 19"),
        ("level: A", "level: S"),
        ("'[a-z]+'", "'[a-y]+'"),
        ("true, null", "true"),
        ("max_len: 10", "max_len: 11"),
        ("too young", "too old"),
        ("domain.score", "domain.scores"),
        ("greet:", "greets:"),
    ] {
        assert_ne!(parse(&NESTED.replace(from, to)).0, book, "{from}");
    }
}

#[test]
fn a_recipe_that_says_nothing_has_the_default_settings() {
    let nothing =
        ["", "# nothing", "---", "{}", "audit:", "audit: {}", "process_recipes:", "audit: {level: ~}"];
    for text in nothing {
        assert_eq!(parse(text), (Book::default(), vec![]), "{text:?}");
    }
    assert_eq!(Book::of_value(&Value::Null, Leniency::Strict), Ok((Book::default(), vec![])));
    let default = AuditRecipe::default();
    assert_eq!((default.level, default.threshold_max, default.threshold_min), (Level::Block, 3, 0));
    assert!(default.reset_on_success && !default.stop_latch);
    let (empty, _) = parse("process_recipes: {greet: }");
    assert!(empty.processes["greet"].inputs.is_empty());
}

#[test]
fn keys_say_process_side_and_field() {
    let (book, _) = parse(NESTED);
    let greet = &book.processes["greet"];
    assert_eq!(greet.inputs[0].key(), "greet:input:age");
    assert_eq!(greet.outputs[0].key(), "greet:output:domain.score");
    assert_eq!(greet.outputs[0].path(), &theus_value::Path::parse("domain.score").expect("a path"));
    assert_eq!((greet.inputs[0].level(), greet.inputs[0].threshold_max()), (Some(Level::Block), Some(1)));
    assert_eq!((greet.inputs[1].level(), greet.inputs[1].threshold_max()), (None, None));
    // The name of an argument is one segment, whatever is in it.
    let (book, _) = parse("process_recipes: {p: {inputs: [{field: a.b, min: 1}]}}");
    assert_eq!(book.processes["p"].inputs[0].path().len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_or_is_no_text_is_an_error_with_its_name() {
    let folder = std::env::temp_dir();
    let load = |bytes: &[u8], name: &str| {
        let file = folder.join(format!("theus-{name}-{}.yaml", std::process::id()));
        std::fs::write(&file, bytes).expect("a temporary file");
        let loaded = Book::load(&file, Leniency::Strict);
        std::fs::remove_file(&file).expect("it is there");
        loaded.expect_err(name).to_string().replace(&file.display().to_string(), "FILE")
    };
    let utf16: Vec<u8> = "\u{feff}level: S".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(load(&utf16, "utf16"), "FILE:1:1: this is not UTF-8; save the file in that encoding");
    assert_eq!(
        load(b"level: S\n# \xe9", "latin1"),
        "FILE:2:3: this is not UTF-8; save the file in that encoding"
    );
    // The cut after the limit falls into the middle of a character.
    for shift in 0..3 {
        let text = format!("{}{}", "#".repeat(shift), "€".repeat(1 << 20));
        assert!(load(text.as_bytes(), "long").ends_with("the text is longer than 1048576 bytes"), "{shift}");
    }
    let error = Book::load(&folder.join("theus-no-such-recipe.yaml"), Leniency::Strict).expect_err("no file");
    let LoadError::Unreadable { error, .. } = &error else { panic!("{error}") };
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(matches!(Book::load(&folder, Leniency::Strict), Err(LoadError::Unreadable { .. })), "a folder");
}

#[test]
fn the_definitions_of_a_book_make_it_again() {
    let all = "
process_recipes:
  p:
    inputs:
      - {field: a, min: -1, max: 1e3, eq: true, neq: 170141183460469231731687303715884105727, level: I, threshold_max: 0}
      - {field: b, min_len: 0, max_len: 18446744073709551615, regex: 'a\"b', in: [~, no, 1, 2.5, false], message: m}
  empty:
";
    for text in [NESTED, TOP_LEVEL, all, ""] {
        let (book, _) = parse(text);
        let again = map(vec![("process_recipes", book.definitions())]);
        let (again, notices) =
            Book::of_value(&again, Leniency::Strict).expect("what a book says is a recipe");
        assert_eq!(again.processes, book.processes);
        assert_eq!(notices, []);
    }
    let (book, _) = parse(NESTED);
    let age = age_rule();
    let path = theus_value::Path::parse("greet.inputs.0").expect("a path");
    assert_eq!(book.definitions().get(path.segments()), Some(&age));
}
