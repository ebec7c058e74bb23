//! [`rule`]: one entry of a recipe's `inputs` or `outputs`.
//!
//! What not: what lies around it, which the grammar of recipes has.
//! Invariant: every mistake of the entry is collected; a rule comes out only of an entry without any.

use std::sync::Arc;

use theus_value::{Path, Pattern};
use theus_yaml::{Content, Entry, Node};

use crate::recipe::{LONGEST_NAME, Remarks};
use crate::rule::allowed::{Allowed, Scalar};
use crate::rule::expression::Expression;
use crate::{Level, Number, Rule};

use super::Condition;

const KEYS: [&str; 13] = [
    "field",
    "min",
    "max",
    "eq",
    "neq",
    "min_len",
    "max_len",
    "regex",
    "in",
    "level",
    "threshold_max",
    "max_threshold",
    "message",
];

/// Whether a rule is for an argument or for a path of the pending state.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Side {
    Input,
    Output,
}

/// What has been read of an entry.
#[derive(Default)]
struct Draft {
    field: Option<Arc<str>>,
    path: Option<Path>,
    level: Option<Level>,
    threshold_max: Option<u64>,
    message: Option<Arc<str>>,
    condition: Condition,
}

/// Reads one rule of `process`.
pub(crate) fn rule(node: &Node, process: &str, side: Side, remarks: &mut Remarks) -> Option<Rule> {
    let Content::Map(entries) = &node.content else {
        remarks.wrong_kind("a rule", "a map with a field and tests", node);
        return None;
    };
    let before = remarks.mistakes();
    let mut draft = Draft::default();
    for entry in entries.iter() {
        draft.take(entry, side, remarks);
    }
    draft.judge(node, remarks);
    remarks.one_of_two(node, "threshold_max", "max_threshold");
    if remarks.mistakes() > before {
        return None;
    }
    let (field, path) = (draft.field?, draft.path?);
    let kind = if side == Side::Input { "input" } else { "output" };
    Some(Rule {
        key: format!("{process}:{kind}:{field}").into(),
        field,
        path,
        level: draft.level,
        threshold_max: draft.threshold_max,
        message: draft.message,
        condition: draft.condition,
    })
}

impl Draft {
    fn take(&mut self, entry: &Entry, side: Side, remarks: &mut Remarks) {
        let condition = &mut self.condition;
        match &*entry.key {
            "field" => self.name(entry, side, remarks),
            "min" => condition.min = number(entry, remarks),
            "max" => condition.max = number(entry, remarks),
            "eq" => condition.eq = number(entry, remarks),
            "neq" => condition.neq = number(entry, remarks),
            "min_len" => condition.min_len = remarks.whole(entry),
            "max_len" => condition.max_len = remarks.whole(entry),
            "regex" => condition.regex = expression(entry, remarks),
            "in" => condition.allowed = allowed(entry, remarks),
            "level" => self.level = remarks.level(entry),
            "threshold_max" | "max_threshold" => {
                self.threshold_max = remarks.whole(entry).or(self.threshold_max);
            }
            "message" => self.message = remarks.text(entry),
            _ => remarks.unknown_key(entry, &KEYS),
        }
    }

    fn name(&mut self, entry: &Entry, side: Side, remarks: &mut Remarks) {
        let Some(field) = remarks.text(entry) else { return };
        if field.chars().count() > LONGEST_NAME {
            let what = format!("field is longer than {LONGEST_NAME} characters");
            return remarks.mistake(&entry.value, what);
        }
        let path = match side {
            Side::Input if field.is_empty() => return,
            Side::Input => Ok(Path::from_segments([Arc::clone(&field)])),
            Side::Output => {
                if Pattern::parse(&field).is_ok_and(|pattern| pattern.is_glob()) {
                    let what = "an output rule looks at one path, so field must have no glob".to_owned();
                    remarks.mistake(&entry.value, what);
                    self.field = Some(field);
                    return;
                }
                Path::parse(&field)
            }
        };
        match path {
            Ok(path) => (self.field, self.path) = (Some(field), Some(path)),
            Err(error) => {
                remarks.mistake(&entry.value, format!("field is not a path: {error}"));
                // Named, though wrongly: one mistake is enough.
                self.field = Some(field);
            }
        }
    }

    /// Finds what is wrong with the entry as a whole.
    fn judge(&self, node: &Node, remarks: &mut Remarks) {
        let condition = &self.condition;
        if self.field.is_none() && !is_mistaken(node, "field") {
            remarks.mistake(node, "a rule needs a field: the name of an argument, or a path".to_owned());
        }
        if *condition == Condition::default() && !KEYS[1..9].iter().any(|key| is_mistaken(node, key)) {
            let what = format!("a rule needs a test: one of {}", KEYS[1..9].join(", "));
            remarks.mistake(node, what);
        }
        if let (Some(min), Some(max)) = (condition.min, condition.max)
            && min > max
        {
            remarks.mistake(node, format!("min {min} is above max {max}, so nothing can pass"));
        }
        if let (Some(min), Some(max)) = (condition.min_len, condition.max_len)
            && min > max
        {
            remarks.mistake(node, format!("min_len {min} is above max_len {max}, so nothing can pass"));
        }
    }
}

/// Whether `key` is there with a value, so that its absence from what was read has been reported.
fn is_mistaken(node: &Node, key: &str) -> bool {
    match node.get(key).map(|found| &found.content) {
        None | Some(Content::Null) => false,
        Some(Content::Str(text)) => !(key == "field" && text.is_empty()),
        Some(_) => true,
    }
}

fn number(entry: &Entry, remarks: &mut Remarks) -> Option<Number> {
    match entry.value.content {
        Content::Null => None,
        Content::Bool(value) => Some(Number::Int(i128::from(value))),
        Content::Int(value) => Some(Number::Int(value)),
        Content::Float(value) if !value.is_nan() => Some(Number::Float(value)),
        Content::Float(_) => {
            remarks
                .mistake(&entry.value, format!("{} cannot be NaN, with which nothing compares", entry.key));
            None
        }
        _ => {
            remarks.wrong_kind(&entry.key, "a number, true or false", &entry.value);
            None
        }
    }
}

fn expression(entry: &Entry, remarks: &mut Remarks) -> Option<Arc<Expression>> {
    let text = remarks.text(entry)?;
    match remarks.budget.expression(&text) {
        Ok(expression) => Some(expression),
        Err(reason) => {
            remarks.mistake(&entry.value, format!("regex cannot be used: {reason}"));
            None
        }
    }
}

fn allowed(entry: &Entry, remarks: &mut Remarks) -> Option<Allowed> {
    let items = match &entry.value.content {
        Content::Null => return None,
        Content::List(items) if !items.is_empty() => items,
        Content::List(_) => {
            remarks.mistake(&entry.value, "in lists nothing, so nothing can pass".to_owned());
            return None;
        }
        _ => {
            remarks.wrong_kind("in", "a list of values", &entry.value);
            return None;
        }
    };
    let mut scalars = Vec::with_capacity(items.len());
    for item in items.iter() {
        match &item.content {
            Content::Null => scalars.push(Scalar::Null),
            Content::Bool(value) => scalars.push(Scalar::Bool(*value)),
            Content::Int(value) => scalars.push(Scalar::Number(Number::Int(*value))),
            Content::Float(value) if value.is_nan() => {
                remarks.mistake(item, "in cannot list NaN, which nothing equals".to_owned());
            }
            Content::Float(value) => scalars.push(Scalar::Number(Number::Float(*value))),
            Content::Str(text) => scalars.push(Scalar::Text(Arc::clone(text))),
            Content::List(_) | Content::Map(_) => {
                remarks.wrong_kind("what in lists", "null, true, false, a number or a text", item);
            }
        }
    }
    Some(Allowed(scalars.into()))
}
