//! [`book`]: the grammar of recipes, from the top down to the rules.
//!
//! What not: the keys of a rule, which [`rule`] has. Every mistake is collected; reading goes on behind it.

use theus_yaml::{Content, Entry, Node};

use super::remarks::shorten;
use super::{AuditRecipe, Book, ProcessRules, Remarks};
use crate::Rule;
use crate::rule::{Side, rule};

const TOP: [&str; 2] = ["audit", "process_recipes"];
const SETTINGS: [&str; 6] =
    ["level", "threshold_max", "max_retries", "threshold_min", "reset_on_success", "stop_latch"];
const PROCESS: [&str; 4] = ["inputs", "outputs", "side_effects", "errors"];
/// A name is a part of the key of each rule below it, so its length is bounded.
pub(crate) const LONGEST_NAME: usize = 500;

/// Reads a whole recipe.
pub(super) fn book(root: &Node, remarks: &mut Remarks) -> Book {
    let Some(entries) = map("a recipe", root, remarks) else { return Book::default() };
    let mut book = Book::default();
    let nested = root.get("audit");
    book.recipe = settings(nested.unwrap_or(root), nested.is_some(), remarks);
    for entry in entries {
        match &*entry.key {
            "audit" => {}
            "process_recipes" => processes(&entry.value, &mut book, remarks),
            key if SETTINGS.contains(&key) && nested.is_none() => {}
            key if SETTINGS.contains(&key) => {
                let what = format!("{key} has no effect beside the key \"audit\"; move it there");
                remarks.notice(&entry.key_place, what, &[]);
            }
            _ => remarks.unknown_key(entry, &TOP),
        }
    }
    book
}

/// Reads the settings at `node`, which holds nothing else if it is `alone`.
fn settings(node: &Node, alone: bool, remarks: &mut Remarks) -> AuditRecipe {
    let mut recipe = AuditRecipe::default();
    for entry in map("audit", node, remarks).unwrap_or_default() {
        match &*entry.key {
            "level" => recipe.level = remarks.level(entry).unwrap_or(recipe.level),
            "threshold_max" | "max_retries" => {
                recipe.threshold_max = remarks.whole(entry).unwrap_or(recipe.threshold_max);
            }
            "threshold_min" => recipe.threshold_min = remarks.whole(entry).unwrap_or(recipe.threshold_min),
            "reset_on_success" => {
                recipe.reset_on_success = remarks.bool(entry).unwrap_or(recipe.reset_on_success);
            }
            "stop_latch" => recipe.stop_latch = remarks.bool(entry).unwrap_or(recipe.stop_latch),
            _ if alone => remarks.unknown_key(entry, &SETTINGS),
            _ => {}
        }
    }
    remarks.one_of_two(node, "threshold_max", "max_retries");
    if let Some(min) = node.get("threshold_min").filter(|_| recipe.threshold_min > recipe.threshold_max) {
        let AuditRecipe { threshold_min, threshold_max, .. } = recipe;
        let what =
            format!("threshold_min {threshold_min} is above threshold_max {threshold_max}, so nothing warns");
        remarks.notice(&min.place, what, &[]);
    }
    recipe
}

fn processes(node: &Node, book: &mut Book, remarks: &mut Remarks) {
    for entry in map("process_recipes", node, remarks).unwrap_or_default() {
        if entry.key.chars().count() > LONGEST_NAME {
            remarks.mistake(
                &entry.value,
                format!("the name of a process is longer than {LONGEST_NAME} characters"),
            );
        } else {
            let rules = process(entry, remarks);
            book.processes.insert(entry.key.to_string(), rules);
        }
    }
}

fn process(process: &Entry, remarks: &mut Remarks) -> ProcessRules {
    let mut rules = ProcessRules::default();
    for entry in map(&shorten(&process.key), &process.value, remarks).unwrap_or_default() {
        match &*entry.key {
            "inputs" => rules.inputs = side(entry, &process.key, Side::Input, remarks),
            "outputs" => rules.outputs = side(entry, &process.key, Side::Output, remarks),
            "side_effects" => rules.side_effects = words(entry, remarks),
            "errors" => rules.errors = words(entry, remarks),
            _ => remarks.unknown_key(entry, &PROCESS),
        }
    }
    rules
}

fn side(entry: &Entry, process: &str, side: Side, remarks: &mut Remarks) -> Vec<Rule> {
    let items = list(entry, remarks);
    items.iter().filter_map(|item| rule(item, process, side, remarks)).collect()
}

/// Texts that inform. What is none has no effect, as all of them, so it is no mistake.
fn words(entry: &Entry, remarks: &mut Remarks) -> Vec<String> {
    let mut words = Vec::new();
    for item in list(entry, remarks) {
        match &item.content {
            Content::Str(text) => words.push(text.to_string()),
            other => {
                let what = format!("{} lists texts, so {} has no effect", entry.key, other.kind());
                remarks.notice(&item.place, what, &[]);
            }
        }
    }
    words
}

/// The entries of a map; none for null; a mistake for anything else.
fn map<'a>(what: &str, node: &'a Node, remarks: &mut Remarks) -> Option<&'a [Entry]> {
    match &node.content {
        Content::Map(entries) => Some(entries),
        Content::Null => None,
        _ => {
            remarks.wrong_kind(what, "a map", node);
            None
        }
    }
}

/// The items of a list; none for null; a mistake for anything else.
fn list<'a>(entry: &'a Entry, remarks: &mut Remarks) -> &'a [Node] {
    match &entry.value.content {
        Content::List(items) => items,
        Content::Null => &[],
        _ => {
            remarks.wrong_kind(&entry.key, "a list", &entry.value);
            &[]
        }
    }
}
