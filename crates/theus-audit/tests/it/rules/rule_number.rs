//! Whole numbers against floats, exactly.

use std::cmp::Ordering;

use proptest::prelude::*;
use theus_audit::Number;

/// The float as a fraction with a power of two below: mantissa * 2^exponent.
fn parts(float: f64) -> (i128, i32) {
    let bits = float.to_bits();
    let exponent = ((bits >> 52) & 0x7FF) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i128;
    let (mantissa, exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    (if float < 0.0 { -mantissa } else { mantissa }, exponent)
}

/// The slow, obvious twin: both as digits in base two, without a float in it.
fn twin(int: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float.is_infinite() {
        return Some(if float > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let (mantissa, exponent) = parts(float);
    let signs = int.signum().cmp(&mantissa.signum());
    if signs != Ordering::Equal || int == 0 {
        return Some(signs);
    }
    let digits = |magnitude: u128, shift: i32| {
        let mut digits = format!("{magnitude:b}");
        digits.extend(std::iter::repeat_n('0', shift as usize));
        digits
    };
    let shift = exponent.min(0);
    let (a, b) = (digits(int.unsigned_abs(), -shift), digits(mantissa.unsigned_abs(), exponent - shift));
    let magnitudes = a.len().cmp(&b.len()).then(a.cmp(&b));
    Some(if int < 0 { magnitudes.reverse() } else { magnitudes })
}

fn judge(int: i128, float: f64) -> Result<(), TestCaseError> {
    let (a, b) = (Number::Int(int), Number::Float(float));
    prop_assert_eq!(a.partial_cmp(&b), twin(int, float), "{} and {:?}", int, float);
    prop_assert_eq!(b.partial_cmp(&a), twin(int, float).map(Ordering::reverse));
    prop_assert_eq!(a == b, twin(int, float) == Some(Ordering::Equal));
    Ok(())
}

proptest! {
    #[test]
    fn any_pair_compares_as_digits_do(int in any::<i128>(), shift in 0u32..127, float in any::<f64>()) {
        judge(int >> shift, float)?;
    }

    #[test]
    fn neighbours_of_a_float_compare_as_digits_do(
        mantissa in -(1i128 << 53)..(1i128 << 53),
        shift in 0u32..74,
        beside in -2i128..=2,
        ulps in -1i64..=1,
    ) {
        let int = mantissa << shift;
        let float = f64::from_bits(((int as f64).to_bits() as i64).saturating_add(ulps) as u64);
        judge(int.saturating_add(beside), float)?;
        judge(int.saturating_add(beside), float + 0.5)?;
    }
}

#[test]
fn the_borders_compare_as_digits_do() {
    let floats = [
        0.0,
        -0.0,
        0.5,
        -0.5,
        f64::MIN_POSITIVE,
        -f64::MIN_POSITIVE,
        1.7014118346046923e38,
        -1.7014118346046923e38,
        1.701411834604692e38,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    for int in [0, 1, -1, i128::MAX, i128::MIN, i128::MIN + 1] {
        for float in floats {
            judge(int, float).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// What goes wrong when an integer is rounded on the way, as the obvious way to write it does.
#[test]
fn planted_rounding_through_a_float_is_noticed() {
    let rounded = |int: i128, float: f64| (int as f64).partial_cmp(&float);
    assert_ne!(rounded((1 << 53) + 1, 9_007_199_254_740_992.0), twin((1 << 53) + 1, 9_007_199_254_740_992.0));
}
