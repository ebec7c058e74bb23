//! [`Allowed`]: the values that a rule lists with `in`.

use std::fmt;
use std::sync::Arc;

use crate::{Number, Subject};

/// The values that are allowed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Allowed(pub(super) Arc<[Scalar]>);

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Number(Number),
    Text(Arc<str>),
}

impl Allowed {
    /// Whether `subject` is listed. A container or an object never is: a list of what is allowed lets nothing else pass.
    ///
    /// 1 and 1.0 are one value; true is neither, though Python would have it so: whoever lists 1 means the number.
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        let same = |scalar: &Scalar| match (scalar, subject) {
            (Scalar::Bool(listed), Subject::Bool(value)) => listed == value,
            (Scalar::Number(listed), Subject::Number(value)) => listed == value,
            (Scalar::Text(listed), Subject::Text(value)) => **listed == **value,
            _ => false,
        };
        self.0.iter().any(same)
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scalar) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            match scalar {
                Scalar::Null => f.write_str("null")?,
                Scalar::Bool(value) => value.fmt(f)?,
                Scalar::Number(number) => number.fmt(f)?,
                Scalar::Text(text) => write!(f, "{text:?}")?,
            }
        }
        Ok(())
    }
}
