//! [`Remarks`]: collects what there is to say about a recipe, and reads its plain values.
//!
//! Invariants: at most [`MOST`] mistakes and as many notices are kept; a value that is null reads as absent, without
//! a remark; a value that is none of what a key takes is one mistake.

use std::sync::Arc;

use theus_yaml::{Content, Entry, Node, Place, UnfitValue, YamlError};

use super::{RecipeError, Remark};
use crate::Level;
use crate::rule::Budget;

/// How many mistakes are listed.
const MOST: usize = 100;
/// How many characters of a text a remark shows.
const SHOWN: usize = 80;

/// How an unknown level is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leniency {
    /// As a mistake.
    #[default]
    Strict,
    /// As [`Level::Block`], with a notice, as Theus 3 took it.
    Compat,
}

pub(crate) struct Remarks {
    file: Option<Arc<str>>,
    leniency: Leniency,
    mistakes: Vec<Remark>,
    left_out: usize,
    notices: Vec<Remark>,
    pub(crate) budget: Budget,
}

impl Remarks {
    pub(super) fn new(file: Option<&str>, leniency: Leniency) -> Self {
        let file = file.map(Arc::from);
        let (mistakes, notices) = (Vec::new(), Vec::new());
        Remarks { file, leniency, mistakes, left_out: 0, notices, budget: Budget::default() }
    }

    /// How many mistakes there are so far.
    pub(crate) fn mistakes(&self) -> usize {
        self.mistakes.len() + self.left_out
    }

    pub(super) fn into_error(self) -> RecipeError {
        RecipeError { mistakes: self.mistakes, left_out: self.left_out }
    }

    pub(super) fn into_notices(self) -> Vec<Remark> {
        self.notices
    }

    pub(crate) fn mistake(&mut self, node: &Node, what: String) {
        self.add_mistake(&node.place, what, Vec::new());
    }

    /// A text that is no YAML is a recipe with one mistake.
    pub(super) fn yaml(&mut self, error: &YamlError) {
        let place = Place::Text { line: error.line, column: error.column };
        self.add_mistake(&place, error.reason.to_string(), Vec::new());
    }

    /// So is a value that has no counterpart in YAML.
    pub(super) fn unfit(&mut self, error: UnfitValue) {
        self.add_mistake(&error.place, error.reason.to_string(), Vec::new());
    }

    fn add_mistake(&mut self, place: &Place, what: String, choices: Vec<String>) {
        if self.mistakes.len() < MOST {
            self.mistakes.push(Remark { file: self.file.clone(), place: place.clone(), what, choices });
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn notice(&mut self, place: &Place, what: String, choices: &[&str]) {
        if self.notices.len() < MOST {
            let choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
            self.notices.push(Remark { file: self.file.clone(), place: place.clone(), what, choices });
        }
    }

    pub(crate) fn unknown_key(&mut self, entry: &Entry, known: &[&str]) {
        let what = format!("the key {:?} is not known and has no effect", shorten(&entry.key));
        self.notice(&entry.key_place, what, known);
    }

    pub(crate) fn wrong_kind(&mut self, what: &str, expected: &str, node: &Node) {
        self.mistake(node, format!("{what} must be {expected}, not {}", node.content.kind()));
    }

    /// `one` and `other` are two names of one setting, of which only one can hold.
    pub(crate) fn one_of_two(&mut self, node: &Node, one: &str, other: &str) {
        let Content::Map(entries) = &node.content else { return };
        let mut named = entries.iter().filter(|entry| [one, other].contains(&&*entry.key));
        if let (Some(_), Some(second)) = (named.next(), named.next()) {
            self.mistake(&second.value, format!("{one} and {other} are one setting; remove one"));
        }
    }

    pub(crate) fn text(&mut self, entry: &Entry) -> Option<Arc<str>> {
        match &entry.value.content {
            Content::Null => None,
            Content::Str(text) => Some(Arc::clone(text)),
            _ => {
                self.wrong_kind(&entry.key, "a text", &entry.value);
                None
            }
        }
    }

    pub(crate) fn whole(&mut self, entry: &Entry) -> Option<u64> {
        match entry.value.content {
            Content::Null => None,
            Content::Int(number) => {
                let whole = u64::try_from(number).ok();
                if whole.is_none() {
                    let what = format!("{} must be a whole number from 0 to {}", entry.key, u64::MAX);
                    self.mistake(&entry.value, format!("{what}, not {number}"));
                }
                whole
            }
            _ => {
                self.wrong_kind(&entry.key, "a whole number from 0", &entry.value);
                None
            }
        }
    }

    pub(super) fn bool(&mut self, entry: &Entry) -> Option<bool> {
        match entry.value.content {
            Content::Null => None,
            Content::Bool(value) => Some(value),
            _ => {
                self.wrong_kind(&entry.key, "true or false", &entry.value);
                None
            }
        }
    }

    pub(crate) fn level(&mut self, entry: &Entry) -> Option<Level> {
        let known = match &entry.value.content {
            Content::Null => return None,
            Content::Str(text) => text.parse().map_err(|_| format!("level {:?} is not known", shorten(text))),
            other => Err(format!("level must be a text, not {}", other.kind())),
        };
        let letters = Level::ALL.map(Level::letter);
        match (known, self.leniency) {
            (Ok(level), _) => Some(level),
            (Err(what), Leniency::Compat) => {
                self.notice(&entry.value.place, format!("{what}, so it counts as B"), &letters);
                Some(Level::Block)
            }
            (Err(what), Leniency::Strict) => {
                self.add_mistake(&entry.value.place, what, letters.map(str::to_owned).to_vec());
                None
            }
        }
    }
}

/// The text, cut to what a remark shows.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
