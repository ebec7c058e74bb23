//! What an update brings in: its depth has a limit, its arrays go to the heavy zone.
//!
//! What it is not: the contract (see `returned`) and the commit (see `attempt`).
//! Invariant: an update that passed here leaves a state that can be encoded, sent and read again as a whole.

use crate::array::{ARRAY_CODEC, adopt, block_of, counted_value, is_uncounted};
use crate::attached::{ATTACHED_CODEC, settled};
use crate::contract::HEAVY;
use crate::error::Refusal;
use crate::returned::Violation;
use std::sync::Arc;
use theus_shm::{Arena, Block};
use theus_value::{Key, MAX_DEPTH, Map, Op, Path, Update, Value};

/// Most containers inside one another in the state. The rest of what can be encoded is for the frames that carry
/// parts of the state to workers and back.
const STATE_DEPTH: usize = MAX_DEPTH - 8;

/// Checks an update and brings its arrays into the heavy zone.
///
/// `attached` is the memory that came with a worker's result. Walks all values of the update, not the state. The arrays of
/// an update that is refused afterwards are freed with it.
pub(crate) fn take_in(
    arena: &Arc<Arena>,
    process: &str,
    attached: &[Arc<Block>],
    mut update: Update,
) -> Result<Update, Refusal> {
    for op in &mut update.ops {
        check_depth(process, op)?;
        let mut place = Place { arena, attached, segments: Vec::new() };
        match op {
            Op::Set { path, value } if may_hold_arrays(value) => {
                let heavy = place.enter(path);
                replace(value, place.brought(heavy, value)?);
            }
            Op::Merge { path, value } => {
                let heavy = place.enter(path);
                replace(value, place.brought_map(heavy, value)?);
            }
            Op::Append { path, values } => {
                let heavy = place.enter(path);
                for value in values {
                    replace(value, place.brought(heavy, value)?);
                }
            }
            Op::Set { .. } | Op::Delete { .. } => {}
        }
    }
    Ok(update)
}

fn replace<T>(place: &mut T, brought: Option<T>) {
    if let Some(brought) = brought {
        *place = brought;
    }
}

fn check_depth(process: &str, op: &Op) -> Result<(), Violation> {
    let room = STATE_DEPTH.saturating_sub(op.path().len());
    let fits = match op {
        Op::Set { value, .. } => value.depth(room + 1) <= room,
        Op::Merge { value, .. } => Value::Map(value.clone()).depth(room + 1) <= room,
        Op::Append { values, .. } => values.iter().all(|value| value.depth(room) < room),
        Op::Delete { .. } => true,
    };
    if fits {
        return Ok(());
    }
    Err(Violation::Depth { process: process.into(), path: op.path().to_string(), limit: STATE_DEPTH })
}

/// True for a path of the heavy zone: under the root `heavy`, or with a `heavy_` name in it.
fn is_heavy(segments: &[Key]) -> bool {
    segments.first().is_some_and(|root| &**root == HEAVY) || segments.iter().any(|name| is_heavy_name(name))
}

fn is_heavy_name(name: &str) -> bool {
    name.starts_with("heavy_")
}

/// Where the walk through a value is.
struct Place<'a> {
    arena: &'a Arc<Arena>,
    attached: &'a [Arc<Block>],
    segments: Vec<Key>,
}

impl Place<'_> {
    /// Goes to a path; true when that is in the heavy zone.
    fn enter(&mut self, path: &Path) -> bool {
        self.segments = path.segments().to_vec();
        is_heavy(path.segments())
    }

    fn name(&self) -> String {
        Path::from_segments(self.segments.iter().cloned()).to_string()
    }

    /// The value with its arrays in blocks; None when it has none to bring.
    fn brought(&mut self, heavy: bool, value: &Value) -> Result<Option<Value>, Refusal> {
        Ok(match value {
            Value::Object(object) if heavy && &*object.codec == ARRAY_CODEC => {
                Some(Value::from(adopt(self.arena, &self.name(), object)?))
            }
            Value::Object(object) if &*object.codec == ATTACHED_CODEC => {
                Some(settled(object, self.attached, &self.name(), heavy)?)
            }
            // An array that passed through with a result, and is put into the state by its receiver.
            Value::Heavy(array) if is_uncounted(array) => {
                let block = block_of(array);
                let counted =
                    block.map(|block| counted_value(&block, &self.name(), &array.dtype, &array.shape));
                counted.transpose()?.map(Value::from)
            }
            Value::Map(map) => self.brought_map(heavy, map)?.map(Value::Map),
            Value::List(list) => {
                let items = self.brought_items(heavy, || list.iter())?;
                items.map(|items| Value::List(items.into()))
            }
            Value::Tuple(tuple) => {
                let items = self.brought_items(heavy, || tuple.iter())?;
                items.map(|items| Value::Tuple(items.into()))
            }
            _ => None,
        })
    }

    fn brought_map(&mut self, heavy: bool, map: &Map) -> Result<Option<Map>, Refusal> {
        let under_root = self.segments.is_empty();
        let mut changed: Option<Map> = None;
        for (key, item) in map.iter().filter(|(_, item)| may_hold_arrays(item)) {
            let heavy = heavy || is_heavy_name(key) || under_root && **key == *HEAVY;
            self.segments.push(key.clone());
            let brought = self.brought(heavy, item)?;
            self.segments.pop();
            if let Some(brought) = brought {
                changed.get_or_insert_with(|| map.clone()).insert(key.clone(), brought);
            }
        }
        Ok(changed)
    }

    fn brought_items<'v, I: Iterator<Item = &'v Value>>(
        &mut self,
        heavy: bool,
        items: impl Fn() -> I,
    ) -> Result<Option<Vec<Value>>, Refusal> {
        let mut changed: Option<Vec<Value>> = None;
        for (index, item) in items().enumerate().filter(|(_, item)| may_hold_arrays(item)) {
            self.segments.push(index.to_string().into());
            let brought = self.brought(heavy, item)?;
            self.segments.pop();
            if let Some(brought) = brought {
                changed.get_or_insert_with(|| items().cloned().collect())[index] = brought;
            }
        }
        Ok(changed)
    }
}

fn may_hold_arrays(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Heavy(_) | Value::Map(_) | Value::List(_) | Value::Tuple(_))
}
