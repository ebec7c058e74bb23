//! What a body returned, and how it becomes an update.
//!
//! The mapping is total: each shape of returned value against the declared outputs either maps as the table of the
//! specification says, or is a violation that names the accepted forms.

use crate::contract::{Contract, Declared, parse_path};
use crate::zones::{Capabilities, Zone};
use theus_value::{Map, Op, Path, Update, Value};
use thiserror::Error;

/// What a body returned.
#[derive(Clone, Debug)]
pub enum Returned {
    /// A plain value.
    Value(Value),
    /// An explicit update.
    Update(StateUpdate),
}

/// An explicit update of the state, as a body or a caller wrote it.
#[derive(Clone, Debug, Default)]
pub struct StateUpdate {
    /// What to change.
    pub update: Update,
    /// The version that must be current at the commit.
    pub assert_version: Option<u64>,
}

/// The body broke its contract.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// It wrote a path that no output covers.
    #[error(
        "Process '{process}': Write permission denied for path '{path}'; declare it (or a parent) in outputs={declared}"
    )]
    Write {
        /// The process.
        process: String,
        /// The path.
        path: String,
        /// The declared outputs.
        declared: String,
    },
    /// It did what the zone of a name does not allow.
    #[error(
        "Process '{process}': {needed} capability required for path '{path}': it is in the {zone} zone, where {who} has \
         {allowed}; {hint}"
    )]
    Physics {
        /// The process.
        process: String,
        /// The path.
        path: String,
        /// The zone that does not allow it.
        zone: Zone,
        /// What the change needs.
        needed: Capabilities,
        /// What the zone allows.
        allowed: Capabilities,
        /// Whom it allows that.
        who: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
    /// What it returned does not fit its outputs.
    #[error(
        "Process '{process}' returned {returned}, which does not fit outputs={declared}: return {accepted}"
    )]
    Shape {
        /// The process.
        process: String,
        /// What was returned.
        returned: String,
        /// The declared outputs.
        declared: String,
        /// The forms that fit.
        accepted: &'static str,
    },
    /// A path in what it returned is no path.
    #[error("Process '{process}' returned the path '{path}', which is no path: {reason}")]
    Path {
        /// The process.
        process: String,
        /// The text.
        path: String,
        /// Why.
        reason: String,
    },
    /// What it wrote is nested too deeply.
    #[error(
        "Process '{process}': the value for '{path}' would be nested deeper than {limit} levels in the state; make it flatter"
    )]
    Depth {
        /// The process.
        process: String,
        /// The path.
        path: String,
        /// Most containers inside one another.
        limit: usize,
    },
    /// The attempt was settled before.
    #[error("Process '{process}': attempt {attempt} has ended and cannot be settled again; begin another")]
    Ended {
        /// The process.
        process: String,
        /// The attempt's number.
        attempt: u32,
    },
}

impl Violation {
    /// The process that broke its contract.
    pub fn process(&self) -> &str {
        match self {
            Violation::Write { process, .. }
            | Violation::Physics { process, .. }
            | Violation::Shape { process, .. }
            | Violation::Path { process, .. }
            | Violation::Depth { process, .. }
            | Violation::Ended { process, .. } => process,
        }
    }

    /// The path that was refused, where there is one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Violation::Write { path, .. }
            | Violation::Physics { path, .. }
            | Violation::Path { path, .. }
            | Violation::Depth { path, .. } => Some(path),
            Violation::Shape { .. } | Violation::Ended { .. } => None,
        }
    }

    /// What to do instead, where the text says it in a part of its own.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Violation::Physics { hint, .. } => Some(hint),
            _ => None,
        }
    }
}

/// Makes the update that a returned value means under a contract, and checks it.
///
/// # Errors
/// When the value does not fit the outputs or writes what they do not cover.
///
/// ```
/// use theus::{Contract, Declared, Path, Returned, Value, to_update};
/// let outputs = Some(vec![Declared::parse("domain.left")?, Declared::parse("domain.right")?]);
/// let contract = Contract { outputs, ..Contract::default() };
/// let pair = Value::Tuple([Value::Int(1), Value::Null].into());
/// let wanted = to_update("split", &contract, Returned::Value(pair))?;
/// assert_eq!(wanted.update.leaves(), [Path::parse("domain.left")?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn to_update(process: &str, contract: &Contract, returned: Returned) -> Result<StateUpdate, Violation> {
    let mapping = Mapping { process, contract };
    let update = match returned {
        Returned::Update(update) => update,
        Returned::Value(value) => StateUpdate { update: mapping.update(value)?, ..StateUpdate::default() },
    };
    mapping.check(update.update.leaves())?;
    Ok(update)
}

/// Checks what an update writes on a state: a merge may replace there what is no map, above the leaves that it names.
pub(crate) fn check_on(
    process: &str,
    contract: &Contract,
    update: &Update,
    base: &Map,
) -> Result<(), Violation> {
    if update.ops().iter().any(|op| matches!(op, Op::Merge { .. })) {
        Mapping { process, contract }.check(update.leaves_on(base))?;
    }
    Ok(())
}

struct Mapping<'a> {
    process: &'a str,
    contract: &'a Contract,
}

impl Mapping<'_> {
    fn check(&self, written: Vec<Path>) -> Result<(), Violation> {
        match written.into_iter().find(|path| !self.contract.may_write(path)) {
            None => Ok(()),
            Some(path) => {
                let path = if path.is_root() { "data".to_owned() } else { path.to_string() };
                Err(Violation::Write { process: self.process.into(), path, declared: self.declared() })
            }
        }
    }

    fn outputs(&self) -> &[Declared] {
        self.contract.outputs.as_deref().unwrap_or_default()
    }

    fn declared(&self) -> String {
        let texts: Vec<&str> = self.outputs().iter().map(Declared::text).collect();
        format!("{texts:?}")
    }

    fn update(&self, value: Value) -> Result<Update, Violation> {
        match (self.outputs(), value) {
            ([], _) | (_, Value::Null) => Ok(Update::new()),
            ([only], value) => self.one(only, value),
            (outputs, Value::Tuple(items)) => self.by_position(outputs, items.iter().cloned(), items.len()),
            (outputs, Value::List(items)) => self.by_position(outputs, items.iter().cloned(), items.len()),
            (outputs, Value::Map(map)) => self.by_name(outputs, &map),
            (_, other) => Err(self.misshaped(&other)),
        }
    }

    fn one(&self, output: &Declared, value: Value) -> Result<Update, Violation> {
        match (value, output.path()) {
            (Value::Map(map), _) if output.is_bare_root() => self.merge(output, wrapped(&map, output)),
            (_, _) if output.is_data() => Ok(Update::new()),
            (other, _) if output.is_bare_root() => Err(self.misshaped(&other)),
            (Value::Map(map), None) => self.by_glob(output, &map),
            (other, None) => Err(self.misshaped(&other)),
            (Value::Map(map), Some(path)) => {
                let value = entry(&map, output, path).cloned().unwrap_or(Value::Map(map));
                Ok(set(path, value))
            }
            (value, Some(path)) => Ok(set(path, value)),
        }
    }

    fn by_position(
        &self,
        outputs: &[Declared],
        items: impl Iterator<Item = Value>,
        length: usize,
    ) -> Result<Update, Violation> {
        if length != outputs.len() {
            return Err(self.shape(format!("{length} values")));
        }
        let mut update = Update::new();
        for (output, value) in outputs.iter().zip(items) {
            if value != Value::Null {
                update.ops.extend(self.one(output, value)?.ops);
            }
        }
        Ok(update)
    }

    fn by_name(&self, outputs: &[Declared], map: &Map) -> Result<Update, Violation> {
        let mut update = Update::new();
        let mut named = map.is_empty();
        for output in outputs {
            match output.path() {
                None => {
                    // A key that is no path, or not under the glob, may be meant for another output or for none.
                    let under = |key: &str| parse_path(key).ok().filter(|path| output.covers(path));
                    for (path, value) in map.iter().filter_map(|(key, value)| Some((under(key)?, value))) {
                        update.set(path, value.clone());
                        named = true;
                    }
                }
                Some(path) => {
                    let Some(value) = entry(map, output, path) else { continue };
                    named = true;
                    if output.is_bare_root() {
                        update.ops.extend(self.one(output, value.clone())?.ops);
                    } else {
                        update.set(path.clone(), value.clone());
                    }
                }
            }
        }
        if named { Ok(update) } else { Err(self.shape("a mapping that names none of them".into())) }
    }

    fn by_glob(&self, output: &Declared, map: &Map) -> Result<Update, Violation> {
        let mut update = Update::new();
        for (key, value) in map.iter() {
            let path = self.parse(key)?;
            if !output.covers(&path) {
                return Err(self.shape(format!("a mapping with the key '{key}'")));
            }
            update.set(path, value.clone());
        }
        Ok(update)
    }

    fn merge(&self, root: &Declared, map: &Map) -> Result<Update, Violation> {
        let mut update = Update::new();
        for (key, value) in map.iter() {
            let path = match root.path() {
                Some(root) if !root.is_root() => root.child(key),
                _ => self.parse(key)?,
            };
            update.set(path, value.clone());
        }
        Ok(update)
    }

    fn parse(&self, text: &str) -> Result<Path, Violation> {
        parse_path(text).map_err(|error| Violation::Path {
            process: self.process.into(),
            path: text.into(),
            reason: error.to_string(),
        })
    }

    fn misshaped(&self, value: &Value) -> Violation {
        self.shape(format!("a value of kind {}", value.kind()))
    }

    fn shape(&self, returned: String) -> Violation {
        let accepted = match self.outputs() {
            [only] if only.path().is_none() => {
                "a mapping whose keys are full paths under the glob, or a StateUpdate"
            }
            [_] => "a mapping of the root's keys, or a StateUpdate",
            _ => {
                "a tuple or list with one value for each output (None skips one), a mapping keyed by output path or \
                 last segment, or a StateUpdate"
            }
        };
        Violation::Shape { process: self.process.into(), returned, declared: self.declared(), accepted }
    }
}

fn set(path: &Path, value: Value) -> Update {
    let mut update = Update::new();
    update.set(path.clone(), value);
    update
}

/// The entry of a returned mapping that is meant for an output: under its full path, else its last segment.
fn entry<'m>(map: &'m Map, output: &Declared, path: &Path) -> Option<&'m Value> {
    (map.get(output.text()))
        .or_else(|| map.get(output.written()))
        .or_else(|| path.segments().last().and_then(|last| map.get(last)))
}

/// What to merge into a bare root: the mapping, or the one that it holds under the root's name and nothing else.
fn wrapped<'m>(map: &'m Map, root: &Declared) -> &'m Map {
    let held = map.get(root.text()).or_else(|| map.get(root.written()));
    match held {
        Some(Value::Map(held)) if map.len() == 1 => held,
        _ => map,
    }
}
