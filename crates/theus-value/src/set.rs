//! [`Set`]: distinct values in canonical order.
//!
//! What not: no change in place; a set is replaced whole.
//! Invariants: items are strictly ascending by their encoded bytes, so equal sets are equal sequences however
//! they were filled. Values of different kinds are different: `1`, `1.0` and `true` can be in one set.

use crate::encoding;
use crate::value::Value;
use std::sync::Arc;

/// Distinct values without an order of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set(Arc<[Value]>);

impl Set {
    /// The set of these values; repetitions count once. O(n log n) and one encoding of each.
    ///
    /// ```
    /// use theus_value::{Set, Value};
    ///
    /// let one = Set::from_values([Value::from(2), Value::from(1), Value::from(2)]);
    /// assert_eq!(one, Set::from_values([Value::from(1), Value::from(2)]));
    /// assert_eq!(one.len(), 2);
    /// ```
    pub fn from_values(values: impl IntoIterator<Item = Value>) -> Self {
        let mut keyed: Vec<(Vec<u8>, Value)> =
            values.into_iter().map(|value| (encoding::bare(&value), value)).collect();
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        keyed.dedup_by(|a, b| a.0 == b.0);
        Self(keyed.into_iter().map(|(_, value)| value).collect())
    }

    /// The items must already be strictly ascending by their encoded bytes.
    pub(crate) fn from_ascending(items: Vec<Value>) -> Self {
        Self(Arc::from(items))
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is no item.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The items in canonical order.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.0.iter()
    }

    /// True if `value` is in the set. Encodes O(log n) items.
    pub fn contains(&self, value: &Value) -> bool {
        let wanted = encoding::bare(value);
        self.0.binary_search_by(|item| encoding::bare(item).cmp(&wanted)).is_ok()
    }

    /// True if both are the same set in memory, which implies that they are equal.
    pub fn ptr_eq(&self, other: &Set) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<'a> IntoIterator for &'a Set {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
