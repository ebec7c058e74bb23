//! A state and its changes, said as simply as possible: a tree of ordinary maps that is copied whole.
//!
//! What it is not: complete. It knows numbers, lists of numbers and maps, which is enough for every rule of the store.
//! Invariant: nothing here calls the code that it is compared with; only the conversions name its types.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;
use theus_value::{Key, List, Map, Op, Path, Value};

/// The names and trees below a node.
pub type Node = BTreeMap<String, Tree>;

/// A place, from the top down.
pub type Place = Vec<String>;

/// What a state is.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// A number.
    Number(i64),
    /// A list of numbers.
    List(Vec<i64>),
    /// A map.
    Node(Node),
}

impl Tree {
    /// A tree a few levels deep, over two names.
    pub fn any() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            3 => (0i64..100).prop_map(Tree::Number),
            1 => vec(0i64..100, 0..3).prop_map(Tree::List)
        ];
        leaf.prop_recursive(2, 6, 3, |inner| btree_map("[ab]", inner, 0..3).prop_map(Tree::Node))
    }

    /// A map a few levels deep.
    pub fn any_node() -> impl Strategy<Value = Node> {
        btree_map("[ab]", Tree::any(), 0..3)
    }

    /// The same as a value.
    pub fn value(&self) -> Value {
        match self {
            Tree::Number(n) => Value::from(*n),
            Tree::List(items) => Value::List(items.iter().copied().map(Value::from).collect::<List>()),
            Tree::Node(below) => Value::Map(Tree::map(below)),
        }
    }

    /// A node as a map.
    pub fn map(below: &Node) -> Map {
        below.iter().map(|(key, tree)| (Key::from(key.as_str()), tree.value())).collect()
    }

    /// The tree of a value.
    ///
    /// # Panics
    /// For a kind of value that a tree does not know.
    pub fn of(value: &Value) -> Tree {
        match value {
            Value::Int(n) => Tree::Number(*n),
            Value::List(list) => {
                Tree::List(list.iter().map(|n| if let Value::Int(n) = n { *n } else { -1 }).collect())
            }
            Value::Map(map) => Tree::of_map(map),
            other => panic!("a tree knows no {}", other.kind()),
        }
    }

    /// The tree of a map.
    ///
    /// # Panics
    /// For a kind of value that a tree does not know.
    pub fn of_map(map: &Map) -> Tree {
        Tree::Node(map.iter().map(|(key, value)| (key.to_string(), Tree::of(value))).collect())
    }

    /// What is at a place.
    pub fn find(&self, place: &[String]) -> Option<&Tree> {
        place.iter().try_fold(self, |tree, key| match tree {
            Tree::Node(below) => below.get(key),
            _ => None,
        })
    }

    /// The tree at a place, made if absent; nothing if a number or list is in the way.
    fn reach(&mut self, place: &[String]) -> Option<&mut Tree> {
        place.iter().try_fold(self, |tree, key| match tree {
            Tree::Node(below) => {
                Some(below.entry(key.clone()).or_insert_with(|| Tree::Node(BTreeMap::new())))
            }
            _ => None,
        })
    }

    fn merge(&mut self, payload: &Node) {
        if !matches!(self, Tree::Node(_)) {
            *self = Tree::Node(BTreeMap::new());
        }
        let Tree::Node(below) = self else { return };
        for (key, item) in payload {
            match (item, below.get_mut(key)) {
                (Tree::Node(deeper), Some(place @ Tree::Node(_))) => place.merge(deeper),
                _ => {
                    below.insert(key.clone(), item.clone());
                }
            }
        }
    }
}

/// One change of a tree. Every place has at least one segment.
#[derive(Clone, Debug)]
pub enum Change {
    /// Puts a tree at a place.
    Set(Place, Tree),
    /// Merges a node deeply into a place.
    Merge(Place, Node),
    /// Adds numbers at the end of a list.
    Append(Place, Vec<i64>),
    /// Takes a place away.
    Delete(Place),
}

impl Change {
    /// Any change.
    pub fn any() -> impl Strategy<Value = Change> {
        prop_oneof![
            4 => (any_place(), Tree::any()).prop_map(|(at, tree)| Change::Set(at, tree)),
            2 => (any_place(), Tree::any_node()).prop_map(|(at, payload)| Change::Merge(at, payload)),
            1 => (any_place(), vec(0i64..100, 0..3)).prop_map(|(at, items)| Change::Append(at, items)),
            2 => any_place().prop_map(Change::Delete),
        ]
    }

    /// The same as an operation.
    pub fn op(&self) -> Op {
        match self {
            Change::Set(at, tree) => Op::Set { path: path(at), value: tree.value() },
            Change::Merge(at, payload) => Op::Merge { path: path(at), value: Tree::map(payload) },
            Change::Append(at, items) => {
                Op::Append { path: path(at), values: items.iter().copied().map(Value::from).collect() }
            }
            Change::Delete(at) => Op::Delete { path: path(at) },
        }
    }

    /// The places that it writes as a whole on a state, of which a merge replaces what is no map.
    pub fn written(&self, on: &Tree) -> Vec<Place> {
        fn leaves(above: &[String], tree: &Tree, on: &Tree, found: &mut Vec<Place>) {
            match tree {
                Tree::Node(below)
                    if !below.is_empty() && matches!(on.find(above), None | Some(Tree::Node(_))) =>
                {
                    below.iter().for_each(|(key, tree)| {
                        leaves(&[above, std::slice::from_ref(key)].concat(), tree, on, found);
                    });
                }
                _ => found.push(above.to_vec()),
            }
        }
        match self {
            Change::Set(at, _) | Change::Append(at, _) | Change::Delete(at) => vec![at.clone()],
            Change::Merge(at, payload) => {
                let mut found = vec![];
                leaves(at, &Tree::Node(payload.clone()), on, &mut found);
                found
            }
        }
    }

    /// Makes the change; false when it does not fit, and then the tree may be half changed.
    pub fn apply(&self, tree: &mut Tree) -> bool {
        match self {
            Change::Set(at, value) => tree.reach(at).map(|place| *place = value.clone()).is_some(),
            Change::Merge(at, payload) => tree.reach(at).map(|place| place.merge(payload)).is_some(),
            Change::Append(at, items) => {
                let absent = tree.find(at).is_none();
                match tree.reach(at) {
                    Some(place) if absent => *place = Tree::List(items.clone()),
                    Some(Tree::List(list)) => list.extend(items),
                    _ => return false,
                }
                true
            }
            Change::Delete(at) => {
                if tree.find(at).is_some()
                    && let Some((last, above)) = at.split_last()
                    && let Some(Tree::Node(below)) = tree.reach(above)
                {
                    below.remove(last);
                }
                true
            }
        }
    }
}

/// A place of one to three segments out of two names.
pub fn any_place() -> impl Strategy<Value = Place> {
    vec("[ab]", 1..4)
}

/// A place as a path.
pub fn path(place: &[String]) -> Path {
    Path::from_segments(place.iter().map(String::as_str))
}
