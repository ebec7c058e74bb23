//! [`Node::of_value`]: the tree of a value that a program built.

use theus_value::{BigInt, Value};

use crate::{Content, Entry, Limits, Node, Place, Reason, UnfitValue};

impl Node {
    /// The tree of `value`, with paths as places. Tuples and sets become lists.
    ///
    /// Of `limits`, `bytes` is not looked at.
    ///
    /// # Errors
    /// [`UnfitValue`] with the path of the first part that has no counterpart in YAML (bytes, arrays, objects, whole
    /// numbers outside 128 bits), or that is too deep or one too many.
    ///
    /// ```
    /// use theus_value::{List, Map, Value};
    /// use theus_yaml::{Limits, Node};
    ///
    /// let mut map = Map::new();
    /// map.insert("inputs".into(), Value::List(List::from(vec![Value::from("age")])));
    /// let node = Node::of_value(&Value::Map(map), &Limits::default())?;
    /// let inputs = node.get("inputs").expect("it is there");
    /// assert_eq!(inputs.place.to_string(), "inputs");
    /// # Ok::<(), theus_yaml::UnfitValue>(())
    /// ```
    pub fn of_value(value: &Value, limits: &Limits) -> Result<Node, UnfitValue> {
        Walk { limits, nodes: 0 }.node(value, Place::ROOT, 0)
    }
}

struct Walk<'a> {
    limits: &'a Limits,
    nodes: usize,
}

impl Walk<'_> {
    /// The tree of `value`, which lies inside `depth` containers; goes no deeper than the limit.
    fn node(&mut self, value: &Value, place: Place, depth: usize) -> Result<Node, UnfitValue> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(UnfitValue { place, reason: Reason::TooMany(self.limits.nodes) });
        }
        let is_container = matches!(value, Value::List(_) | Value::Tuple(_) | Value::Set(_) | Value::Map(_));
        if is_container && depth >= self.limits.depth {
            return Err(UnfitValue { place, reason: Reason::TooDeep(self.limits.depth) });
        }
        let content = match value {
            Value::Null => Content::Null,
            Value::Bool(value) => Content::Bool(*value),
            Value::Int(value) => Content::Int(i128::from(*value)),
            Value::BigInt(value) => match small(value) {
                Some(value) => Content::Int(value),
                None => return Err(UnfitValue { place, reason: Reason::HugeInteger }),
            },
            Value::Float(value) => Content::Float(*value),
            Value::Str(text) => Content::Str(text.clone()),
            Value::List(items) => self.list(&mut items.iter(), &place, depth)?,
            Value::Tuple(items) => self.list(&mut items.iter(), &place, depth)?,
            Value::Set(items) => self.list(&mut items.iter(), &place, depth)?,
            Value::Map(map) => {
                let entries = map.iter().map(|(key, value)| {
                    let key_place = place.key(key);
                    let value = self.node(value, key_place.clone(), depth + 1)?;
                    Ok(Entry { key: key.clone(), key_place, value })
                });
                Content::Map(entries.collect::<Result<_, UnfitValue>>()?)
            }
            other => return Err(UnfitValue { place, reason: Reason::Unfit(other.kind()) }),
        };
        Ok(Node { content, place })
    }

    fn list(
        &mut self,
        items: &mut dyn Iterator<Item = &Value>,
        place: &Place,
        depth: usize,
    ) -> Result<Content, UnfitValue> {
        let items = items.enumerate().map(|(index, item)| self.node(item, place.item(index), depth + 1));
        Ok(Content::List(items.collect::<Result<_, _>>()?))
    }
}

/// The integer, if it fits 128 bits.
fn small(value: &BigInt) -> Option<i128> {
    let bytes = value.to_le_bytes();
    let fill = if value.is_negative() { 0xFF } else { 0x00 };
    let mut word = [fill; 16];
    word.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i128::from_le_bytes(word))
}
