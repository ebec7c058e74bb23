//! Where a node stands: in a text, or in a value that a program built.
//!
//! Invariant: a place takes constant memory, because a path shares that of the node above it.

use std::fmt;
use std::sync::Arc;

/// Where a node stands. Displays as `7:14` in a text, and as `inputs[0].min` in a value; the root of a value displays
/// as nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// In a text.
    Text {
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
    },
    /// In a value; the root has no step.
    Value(Option<Arc<Step>>),
}

/// The last step of a path in a value, and the steps before it. Made by [`Place::key`] and [`Place::item`].
#[derive(Debug, PartialEq)]
pub struct Step {
    above: Option<Arc<Step>>,
    last: Segment,
}

#[derive(Debug, PartialEq)]
enum Segment {
    Key(Arc<str>),
    Item(usize),
}

impl Place {
    /// The root of a value.
    pub const ROOT: Place = Place::Value(None);

    /// The place of `key` below this one. In a text this place itself, for lack of a better one.
    pub fn key(&self, key: &Arc<str>) -> Place {
        self.below(Segment::Key(Arc::clone(key)))
    }

    /// The place of the item at `index`, from 0, below this one. In a text this place itself, for lack of a better one.
    pub fn item(&self, index: usize) -> Place {
        self.below(Segment::Item(index))
    }

    fn below(&self, last: Segment) -> Place {
        match self {
            Place::Text { .. } => self.clone(),
            Place::Value(above) => Place::Value(Some(Arc::new(Step { above: above.clone(), last }))),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Text { line, column } => write!(f, "{line}:{column}"),
            Place::Value(None) => Ok(()),
            Place::Value(Some(step)) => step.fmt(f),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut segments = vec![&self.last];
        let mut above = &self.above;
        while let Some(step) = above {
            segments.push(&step.last);
            above = &step.above;
        }
        for (at, segment) in segments.into_iter().rev().enumerate() {
            match segment {
                Segment::Key(key) if at == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
