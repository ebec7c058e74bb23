//! [`Number`]: a whole number or a float, compared exactly.
//!
//! Invariant: a comparison never rounds, so 2^53 + 1 differs from the float 2^53.

use std::cmp::Ordering;
use std::fmt;

/// A number in a rule or a value. Whole numbers and floats compare by what they are worth; a NaN equals nothing.
///
/// ```
/// use theus_audit::Number;
///
/// assert_eq!(Number::Int(1), Number::Float(1.0));
/// assert!(Number::Int((1 << 53) + 1) > Number::Float(9_007_199_254_740_992.0));
/// assert!(Number::Int(i128::MAX) < Number::Float(f64::INFINITY));
/// assert_ne!(Number::Float(f64::NAN), Number::Float(f64::NAN));
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number.
    Int(i128),
    /// A float.
    Float(f64),
}

/// 2^127, the first float above every whole number.
const ABOVE: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;

fn exact(int: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float >= ABOVE {
        return Some(Ordering::Less);
    }
    if float < -ABOVE {
        return Some(Ordering::Greater);
    }
    // Between the two bounds the whole part of a float is a whole number of 128 bits, exactly.
    let whole = float.trunc();
    let rest = whole.partial_cmp(&float)?;
    Some(int.cmp(&(whole as i128)).then(rest))
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        match (*self, *other) {
            (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
            (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
            (Number::Int(a), Number::Float(b)) => exact(a, b),
            (Number::Float(a), Number::Int(b)) => exact(b, a).map(Ordering::reverse),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(int) => int.fmt(f),
            // With its decimal point, so that 1.0 does not look like 1.
            Number::Float(float) => write!(f, "{float:?}"),
        }
    }
}
