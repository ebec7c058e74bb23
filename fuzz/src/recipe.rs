//! [`recipe`]: any text as an audit recipe, which anybody may have written.
//!
//! What not: what a system makes of a failure (a property test of `theus-audit` has that).
//! Invariants checked: reading is total and takes no memory that neither the text nor the budget of expressions pays
//! for; every mistake and every notice stands in the text; leniency changes nothing that strictness accepts; a byte
//! order mark changes nothing; the definitions of a book make it again; every rule can be held against anything.

use crate::Meter;
use std::collections::HashSet;
use theus_audit::{Book, Check, Leniency, Number, RecipeError, Remark, Rule, Subject};
use theus_value::{Map, Value};
use theus_yaml::Place;

/// The most memory that reading may take for each byte of input: a mistake repeats a part of the text in words, and a
/// rule of a few bytes has the bounds of all tests.
const MEMORY_PER_BYTE: usize = 1024;
/// What it may take besides: the expressions of a recipe, and the largest that is refused, while it is built.
const MEMORY_BESIDES: usize = 128 << 20;
/// The longest remark: what it shows of the text is cut.
const LONGEST_REMARK: usize = 4096;
/// Notices and mistakes are kept up to a number each.
const MOST_REMARKS: usize = 100;

/// Judges the reader of recipes on this text.
///
/// # Panics
/// Where it breaks a promise.
pub fn recipe(bytes: &[u8], meter: &Meter) {
    let text = String::from_utf8_lossy(bytes);
    let (read, memory) = meter.peak(|| Book::parse(&text, "recipe.yaml", Leniency::Strict));
    assert!(
        memory <= MEMORY_PER_BYTE * bytes.len() + MEMORY_BESIDES,
        "{memory} bytes of memory for {}",
        bytes.len()
    );
    match &read {
        Ok((book, notices)) => {
            remarks(&text, notices);
            rules(book, &text);
        }
        Err(error) => {
            assert!(!error.mistakes.is_empty());
            remarks(&text, &error.mistakes);
        }
    }
    read_again(&text, &read);
}

/// Reads the recipe in another way. In one of three, by the length of the text, because building expressions takes
/// nearly all of the time here; and not where expressions were refused for their size, which takes seconds with a
/// sanitizer.
fn read_again(text: &str, read: &Result<(Book, Vec<Remark>), RecipeError>) {
    if read.as_ref().is_err_and(|error| error.to_string().contains("bytes of memory")) {
        return;
    }
    match (text.len() % 3, read) {
        (0, Ok((book, _))) => {
            let mut whole = Map::new();
            whole.insert("process_recipes".into(), book.definitions());
            let again =
                Book::of_value(&Value::Map(whole), Leniency::Strict).expect("what a book says is a recipe");
            assert_eq!(again.0.processes, book.processes, "the definitions mean another book");
        }
        (1, Ok(_)) => {
            let lenient = Book::parse(text, "recipe.yaml", Leniency::Compat);
            assert_eq!(&lenient, read, "leniency changed a good recipe");
        }
        (2, _) if !text.starts_with('\u{feff}') => {
            let marked = Book::parse(&format!("\u{feff}{text}"), "recipe.yaml", Leniency::Strict);
            assert_eq!(&marked, read, "a byte order mark changed the meaning");
        }
        _ => {}
    }
}

fn remarks(text: &str, remarks: &[Remark]) {
    assert!(remarks.len() <= MOST_REMARKS);
    for remark in remarks {
        let Place::Text { line, column } = remark.place else { panic!("no place in the text: {remark}") };
        // Text that ends too early is missed where the next line would be.
        assert!(line >= 1 && line <= text.split(['\n', '\r']).count() + 1, "{remark}");
        assert!(column >= 1 && column <= text.chars().count() + 2, "{remark}");
        assert!(remark.to_string().len() <= LONGEST_REMARK, "{remark}");
    }
}

/// Every rule has a key of its own form, and an answer for anything.
fn rules(book: &Book, text: &str) {
    let subjects = [
        Subject::Absent,
        Subject::Bool(true),
        Subject::Number(Number::Int(i128::MIN)),
        Subject::Number(Number::Float(f64::NAN)),
        Subject::Text(&text[..text.floor_char_boundary(1000)]),
        Subject::Sized(u64::MAX),
        Subject::Other,
        Subject::Opaque,
    ];
    // An expression that a recipe repeats is looked at once: the first use makes scratch memory.
    let mut seen = HashSet::new();
    for (name, process) in &book.processes {
        let inputs = process.inputs.iter().map(|rule| (rule, "input"));
        let outputs = process.outputs.iter().map(|rule| (rule, "output"));
        for (rule, side) in inputs.chain(outputs) {
            assert_eq!(rule.key(), format!("{name}:{side}:{}", rule.field()));
            assert!(!rule.path().is_root());
            if seen.len() < MOST_REMARKS && seen.insert(format!("{rule:?}")) {
                subjects.iter().for_each(|subject| answers(rule, subject));
            }
        }
    }
}

fn answers(rule: &Rule, subject: &Subject<'_>) {
    match rule.check(subject) {
        Check::Skipped => assert_eq!(*subject, Subject::Absent),
        // What cannot be looked into passes no rule.
        Check::Passed => assert!(!matches!(subject, Subject::Absent | Subject::Opaque)),
        Check::Failed(message) => assert_ne!(*subject, Subject::Absent, "{message}"),
    }
    assert_eq!(rule.check(subject), rule.check(subject), "a verdict that changes");
}
