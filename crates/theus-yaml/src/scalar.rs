//! What a scalar means: the core schema of YAML 1.2.2, section 10.3.2.
//!
//! What not: YAML 1.1; `no`, `off`, `1_000` and `12:30` are texts, `010` is ten.

use crate::Content;

/// The prefix of the core schema's tags, once `!!` is resolved.
pub(crate) const CORE: &str = "tag:yaml.org,2002:";

/// A whole number that does not fit.
pub(crate) struct Huge;

/// What a plain scalar without a tag means.
pub(crate) fn plain(text: &str) -> Result<Content, Huge> {
    if let Some(known) = null(text).or_else(|| bool(text)) {
        return Ok(known);
    }
    if let Some(int) = int(text) {
        return int;
    }
    Ok(float(text).unwrap_or_else(|| Content::Str(text.into())))
}

/// What a scalar with the core tag `name` means; `None` if the text does not fit the tag, or the tag no scalar.
pub(crate) fn tagged(name: &str, text: &str) -> Option<Result<Content, Huge>> {
    match name {
        "str" => Some(Ok(Content::Str(text.into()))),
        "null" => null(text).map(Ok),
        "bool" => bool(text).map(Ok),
        "int" => int(text),
        "float" => float(text).or_else(|| whole_float(text)).map(Ok),
        _ => None,
    }
}

fn null(text: &str) -> Option<Content> {
    matches!(text, "" | "~" | "null" | "Null" | "NULL").then_some(Content::Null)
}

fn bool(text: &str) -> Option<Content> {
    match text {
        "true" | "True" | "TRUE" => Some(Content::Bool(true)),
        "false" | "False" | "FALSE" => Some(Content::Bool(false)),
        _ => None,
    }
}

fn int(text: &str) -> Option<Result<Content, Huge>> {
    let (digits, radix) = match (text.strip_prefix("0o"), text.strip_prefix("0x")) {
        (Some(octal), _) => (octal, 8),
        (_, Some(hexadecimal)) => (hexadecimal, 16),
        _ => (text.strip_prefix(['-', '+']).unwrap_or(text), 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let signed = if radix == 10 { text } else { digits };
    Some(i128::from_str_radix(signed, radix).map(Content::Int).map_err(|_| Huge))
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, infinities, and what is not a number.
fn float(text: &str) -> Option<Content> {
    let (sign, unsigned) = match text.strip_prefix(['-', '+']) {
        Some(rest) if text.starts_with('-') => (-1.0, rest),
        Some(rest) => (1.0, rest),
        None => (1.0, text),
    };
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(Content::Float(sign * f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if text == unsigned => return Some(Content::Float(f64::NAN)),
        _ => {}
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let fits = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent));
    if !fits {
        return None;
    }
    // All that the grammar admits is read by Rust too, to the nearest float.
    text.parse().ok().map(Content::Float)
}

fn whole_float(text: &str) -> Option<Content> {
    match int(text)? {
        Ok(Content::Int(whole)) => Some(Content::Float(whole as f64)),
        _ => None,
    }
}
