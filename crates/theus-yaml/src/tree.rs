//! [`Builder`]: events to a tree, one at a time.
//!
//! What not: no recursion, so no text takes more stack than another; the places, which the caller knows.
//! Invariants: what is open is at most [`Limits::depth`] deep; `nodes` counts each alias as all that it stands for, and
//! is checked before an alias is taken; finished anchors share what the tree holds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, ScalarStyle, Tag};

use crate::scalar::{self, CORE, Huge};
use crate::{Content, Entry, Limits, Node, Place, Reason};

/// A key longer than this is cut in messages.
const SHOWN: usize = 80;

pub(crate) struct Builder<'a> {
    limits: &'a Limits,
    open: Vec<Open>,
    anchors: HashMap<usize, Option<Part>>,
    nodes: usize,
    root: Option<Node>,
}

/// A part of the tree with its measures.
#[derive(Clone)]
struct Part {
    node: Node,
    /// How many nodes it has, itself included.
    size: usize,
    /// How many levels of lists and maps it has.
    height: usize,
}

/// A list or map that has begun.
struct Open {
    anchor: usize,
    place: Place,
    inside: Inside,
    /// How many nodes there were before it.
    before: usize,
    /// The greatest height of its parts so far.
    below: usize,
}

enum Inside {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, places: HashMap<Arc<str>, Place>, key: Option<(Arc<str>, Place)> },
}

impl<'a> Builder<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Builder { limits, open: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None }
    }

    /// Takes the next event, which stands at `place`.
    pub(crate) fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), Reason> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), place)
            }
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::SequenceStart(anchor, tag) => {
                fits(tag, "seq")?;
                self.begin(anchor, place, Inside::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                fits(tag, "map")?;
                let inside = Inside::Map { entries: Vec::new(), places: HashMap::new(), key: None };
                self.begin(anchor, place, inside)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    /// The root; none for a text without a document.
    pub(crate) fn finish(self) -> Option<Node> {
        self.root
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        place: Place,
    ) -> Result<(), Reason> {
        let plain = style == ScalarStyle::Plain;
        if self.expects_key() && plain && tag.is_none() && text == "<<" {
            return Err(Reason::MergeKey);
        }
        let name = tag.map(core_name).transpose()?;
        let content = match name {
            // The tag "!" alone makes a text of any scalar.
            Some("") => Ok(Content::Str(text.into())),
            Some(name) => {
                scalar::tagged(name, text).ok_or_else(|| Reason::TagUnfit(format!("!!{}", shorten(name))))?
            }
            None if plain => scalar::plain(text),
            None => Ok(Content::Str(text.into())),
        };
        let content = content.map_err(|Huge| Reason::HugeInteger)?;
        let part = Part { node: Node { content, place }, size: 1, height: 0 };
        if anchor > 0 {
            self.anchors.insert(anchor, Some(part.clone()));
        }
        self.put(part, true)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Reason> {
        let known = self.anchors.get(&anchor).and_then(Option::as_ref);
        let mut part = known.ok_or(Reason::SelfReference)?.clone();
        if self.open.len() + part.height > self.limits.depth {
            return Err(Reason::TooDeep(self.limits.depth));
        }
        part.node.place = place;
        self.put(part, true)
    }

    fn begin(&mut self, anchor: usize, place: Place, inside: Inside) -> Result<(), Reason> {
        if self.expects_key() {
            return Err(Reason::KeyNotText);
        }
        if self.open.len() >= self.limits.depth {
            return Err(Reason::TooDeep(self.limits.depth));
        }
        let before = self.nodes;
        self.count(1)?;
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
        self.open.push(Open { anchor, place, inside, before, below: 0 });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Reason> {
        let Some(Open { anchor, place, inside, before, below }) = self.open.pop() else { return Ok(()) };
        let content = match inside {
            Inside::List(items) => Content::List(items.into()),
            Inside::Map { entries, .. } => Content::Map(entries.into()),
        };
        let part = Part { node: Node { content, place }, size: self.nodes - before, height: below + 1 };
        if anchor > 0 {
            self.anchors.insert(anchor, Some(part.clone()));
        }
        self.put(part, false)
    }

    /// Puts a finished part where it belongs. `new` if its nodes are not counted yet.
    fn put(&mut self, part: Part, new: bool) -> Result<(), Reason> {
        if self.expects_key() {
            return self.put_key(part.node);
        }
        if new {
            self.count(part.size)?;
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(part.node);
            return Ok(());
        };
        open.below = open.below.max(part.height);
        match &mut open.inside {
            Inside::List(items) => items.push(part.node),
            Inside::Map { entries, key, .. } => {
                if let Some((key, key_place)) = key.take() {
                    entries.push(Entry { key, key_place, value: part.node });
                }
            }
        }
        Ok(())
    }

    fn put_key(&mut self, node: Node) -> Result<(), Reason> {
        let Content::Str(text) = node.content else { return Err(Reason::KeyNotText) };
        let Some(Open { inside: Inside::Map { places, key, .. }, .. }) = self.open.last_mut() else {
            return Ok(());
        };
        if let Some(first) = places.insert(Arc::clone(&text), node.place.clone()) {
            return Err(Reason::DuplicateKey { key: shorten(&text), first });
        }
        *key = Some((text, node.place));
        Ok(())
    }

    /// Whether the next node is the key of a map.
    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { inside: Inside::Map { key: None, .. }, .. }))
    }

    fn count(&mut self, more: usize) -> Result<(), Reason> {
        self.nodes += more;
        if self.nodes > self.limits.nodes { Err(Reason::TooMany(self.limits.nodes)) } else { Ok(()) }
    }
}

/// The name of a core tag; empty for the tag "!" alone.
fn core_name(tag: &Tag) -> Result<&str, Reason> {
    match (tag.handle.as_str(), tag.suffix.as_str()) {
        ("", "!") | ("!", "") => return Ok(""),
        (CORE, name) if is_core(name) => return Ok(name),
        ("", whole) => {
            if let Some(name) = whole.strip_prefix(CORE).filter(|name| is_core(name)) {
                return Ok(name);
            }
        }
        _ => {}
    }
    let text = if tag.handle == CORE {
        format!("!!{}", tag.suffix)
    } else {
        format!("{}{}", tag.handle, tag.suffix)
    };
    Err(Reason::Tag(shorten(&text)))
}

fn is_core(name: &str) -> bool {
    matches!(name, "str" | "null" | "bool" | "int" | "float" | "seq" | "map")
}

/// Checks the tag of a list or map, whose own is `expected`.
fn fits(tag: Option<Cow<'_, Tag>>, expected: &str) -> Result<(), Reason> {
    match tag.as_deref().map(core_name).transpose()? {
        Some(name) if !name.is_empty() && name != expected => Err(Reason::TagUnfit(format!("!!{name}"))),
        _ => Ok(()),
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
