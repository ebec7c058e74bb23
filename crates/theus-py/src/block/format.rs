//! Struct codes: how the buffer protocol names the types of elements.

/// The struct code of a type.
pub(crate) fn struct_code(dtype: &str) -> &'static str {
    match dtype.trim_start_matches(['<', '|']) {
        "b1" => "?",
        "i1" => "b",
        "u1" => "B",
        "i2" => "h",
        "u2" => "H",
        "i4" => "i",
        "u4" => "I",
        "i8" => "q",
        "u8" => "Q",
        "f2" => "e",
        "f4" => "f",
        "f8" => "d",
        "f16" => "g",
        "c8" => "Zf",
        "c16" => "Zd",
        "c32" => "Zg",
        _ => "B",
    }
}
