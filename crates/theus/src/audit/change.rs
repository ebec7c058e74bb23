//! What an update changes, as the trail tells it: the paths with hashes of their new values, and a digest of it all.

use sha2::{Digest, Sha256};
use theus_audit::ChangedPath;
use theus_value::{Op, Update, Value, encode_into};

/// What an update changes.
#[derive(Debug)]
pub(crate) struct Change {
    /// Each written path with the hash of what is written there.
    pub(crate) paths: Vec<ChangedPath>,
    /// SHA-256 over the operations: for each a byte (0 set, 1 merge, 2 delete, 3 append), the length of its path in 8
    /// bytes, its path, and the hash of its value.
    pub(crate) digest: [u8; 32],
}

impl Change {
    /// Encodes every value of the update once.
    pub(crate) fn of(update: &Update) -> Self {
        let mut buffer = Vec::new();
        let mut paths = Vec::with_capacity(update.ops().len());
        let mut digest = Sha256::new();
        for op in update.ops() {
            buffer.clear();
            let kind: u8 = match op {
                Op::Set { value, .. } => {
                    encode_into(value, &mut buffer);
                    0
                }
                Op::Merge { value, .. } => {
                    encode_into(&Value::Map(value.clone()), &mut buffer);
                    1
                }
                Op::Delete { .. } => 2,
                Op::Append { values, .. } => {
                    encode_into(&Value::Tuple(values.as_slice().into()), &mut buffer);
                    3
                }
            };
            let path = op.path().to_string();
            let changed = match kind {
                2 => ChangedPath::removed(path),
                _ => ChangedPath::written(path, &buffer),
            };
            // Gathered, because a hasher is slow at many small pieces.
            buffer.clear();
            buffer.push(kind);
            buffer.extend_from_slice(&(changed.path.len() as u64).to_le_bytes());
            buffer.extend_from_slice(changed.path.as_bytes());
            buffer.extend_from_slice(&changed.hash);
            digest.update(&buffer);
            paths.push(changed);
        }
        Change { paths, digest: digest.finalize().into() }
    }
}

/// SHA-256 of the canonical bytes of arguments, a tuple of the positional ones (a tuple) and the named ones (a map); None where
/// there are none.
pub fn digest_of_inputs(arguments: &Value, named: &Value) -> Option<[u8; 32]> {
    let empty = match (arguments, named) {
        (Value::Tuple(arguments), Value::Map(named)) => arguments.is_empty() && named.is_empty(),
        _ => false,
    };
    if empty {
        return None;
    }
    let mut buffer = Vec::new();
    encode_into(&Value::Tuple([arguments.clone(), named.clone()].into()), &mut buffer);
    Some(Sha256::digest(&buffer).into())
}
