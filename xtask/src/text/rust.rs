//! Rust text: comments and strings told apart from code, test modules and functions found.
//!
//! It knows the tokens (nested comments, raw strings, characters against lifetimes), not the grammar.

use super::{FILLER, Function, cover, is_name, size};

/// A text twice, with the same lines: once with the code only, once with the comments only.
pub(crate) struct Masked {
    /// Comments are blank, strings are filled.
    pub(crate) code: String,
    pub(crate) comments: String,
}

enum Piece {
    Code,
    Comment,
    Text,
}

pub(crate) fn mask(text: &str) -> Masked {
    let mut code: Vec<char> = text.chars().collect();
    let mut comments = code.clone();
    let whole = code.clone();
    let mut start = 0;
    while start < whole.len() {
        let (piece, end) = piece_at(&whole, start);
        match piece {
            Piece::Code => cover(&mut comments, start, end, ' '),
            Piece::Comment => cover(&mut code, start, end, ' '),
            Piece::Text => {
                cover(&mut code, start, end, FILLER);
                cover(&mut comments, start, end, ' ');
            }
        }
        start = end;
    }
    Masked { code: code.into_iter().collect(), comments: comments.into_iter().collect() }
}

/// What begins at `at`, and where it ends.
fn piece_at(text: &[char], at: usize) -> (Piece, usize) {
    match text[at] {
        '/' if text.get(at + 1) == Some(&'/') => (Piece::Comment, line_end(text, at)),
        '/' if text.get(at + 1) == Some(&'*') => (Piece::Comment, comment_end(text, at)),
        '"' => (Piece::Text, quoted_end(text, at)),
        '\'' => character_or_lifetime(text, at),
        first if is_name(first) => word_or_prefix(text, at),
        _ => (Piece::Code, at + 1),
    }
}

fn line_end(text: &[char], at: usize) -> usize {
    text[at..].iter().position(|character| *character == '\n').map_or(text.len(), |length| at + length)
}

fn comment_end(text: &[char], at: usize) -> usize {
    let (mut depth, mut here) = (0, at);
    while here + 1 < text.len() {
        match (text[here], text[here + 1]) {
            ('/', '*') => (depth, here) = (depth + 1, here + 2),
            ('*', '/') => (depth, here) = (depth - 1, here + 2),
            _ => here += 1,
        }
        if depth == 0 {
            return here;
        }
    }
    text.len()
}

/// The end of a string or character that opens at `at` and knows escapes.
fn quoted_end(text: &[char], at: usize) -> usize {
    let quote = text[at];
    let mut here = at + 1;
    while here < text.len() {
        match text[here] {
            '\\' => here += 2,
            character if character == quote => return here + 1,
            _ => here += 1,
        }
    }
    text.len()
}

fn character_or_lifetime(text: &[char], at: usize) -> (Piece, usize) {
    let escaped = text.get(at + 1) == Some(&'\\');
    match escaped || text.get(at + 2) == Some(&'\'') {
        true => (Piece::Text, quoted_end(text, at)),
        false => (Piece::Code, at + 1),
    }
}

/// A word, unless it is the prefix of a string, such as `br` in `br#"…"#`.
fn word_or_prefix(text: &[char], at: usize) -> (Piece, usize) {
    let end =
        text[at..].iter().position(|character| !is_name(*character)).map_or(text.len(), |length| at + length);
    let word: String = text[at..end].iter().collect();
    let next = text.get(end);
    match word.as_str() {
        "b" | "c" if next == Some(&'"') => (Piece::Text, quoted_end(text, end)),
        "b" if next == Some(&'\'') => (Piece::Text, quoted_end(text, end)),
        "r" | "br" | "cr" => match raw_end(text, end) {
            Some(raw_end) => (Piece::Text, raw_end),
            None => (Piece::Code, end),
        },
        _ => (Piece::Code, end),
    }
}

/// The end of a raw string whose hashes begin at `at`; `None` if there is none, as in `r#type`.
fn raw_end(text: &[char], at: usize) -> Option<usize> {
    let hashes = text[at..].iter().take_while(|character| **character == '#').count();
    let open = at + hashes;
    if text.get(open) != Some(&'"') {
        return None;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let found = text[open + 1..].windows(closing.len()).position(|window| window == closing);
    Some(found.map_or(text.len(), |length| open + 1 + length + closing.len()))
}

/// The masked code with inline test modules (and other items under `cfg(test)`) blanked.
pub(crate) fn without_tests(code: &str) -> String {
    let mut text: Vec<char> = code.chars().collect();
    let mark: Vec<char> = "#[cfg(test)]".chars().collect();
    let mut from = 0;
    while let Some(found) = text[from..].windows(mark.len()).position(|window| window == mark) {
        let start = from + found;
        let end = item_end(&text, start + mark.len());
        cover(&mut text, start, end, ' ');
        from = end;
    }
    text.into_iter().collect()
}

/// The end of the item that begins at `at`: after its closing brace or its semicolon.
fn item_end(text: &[char], at: usize) -> usize {
    match body(text, at) {
        Ok((_, close)) => (close + 1).min(text.len()),
        Err(end) => end,
    }
}

/// The braces of the body that follows `at`, or where the item ends if it has none.
fn body(text: &[char], at: usize) -> Result<(usize, usize), usize> {
    let mut depth = 0usize;
    for (here, character) in (at..).zip(&text[at..]) {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => return Err(here + 1),
            '{' if depth == 0 => return Ok((here, closing_brace(text, here))),
            _ => {}
        }
    }
    Err(text.len())
}

fn closing_brace(text: &[char], open: usize) -> usize {
    let mut depth = 0usize;
    for (here, character) in (open..).zip(&text[open..]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return here;
        }
    }
    text.len()
}

/// The functions of a masked code, with the lines of code between their braces.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let text: Vec<char> = code.chars().collect();
    let mut functions = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < text.len() {
        if !is_name(text[at]) {
            line += usize::from(text[at] == '\n');
            at += 1;
            continue;
        }
        let end = at + text[at..].iter().take_while(|character| is_name(**character)).count();
        if text[at..end] == ['f', 'n'] {
            functions.extend(function(&text, end, line));
        }
        at = end;
    }
    functions
}

/// The function whose `fn` ends at `at`; `None` for a pointer type or a declaration without a body.
fn function(text: &[char], at: usize, line: usize) -> Option<Function> {
    let name: String = text[at..]
        .iter()
        .skip_while(|blank| blank.is_whitespace())
        .take_while(|letter| is_name(**letter))
        .collect();
    if name.is_empty() {
        return None;
    }
    let (open, close) = body(text, at).ok()?;
    let inside: String = text[open + 1..close].iter().collect();
    Some(Function { name, line, size: size(&inside) })
}

#[cfg(test)]
mod tests {
    use super::{Function, functions, mask, without_tests};
    use crate::text::size;

    #[test]
    fn comments_and_strings_are_told_from_code() {
        let masked = mask(
            "let a = \"// x\"; // y \"z\"\n/* 1 /* 2 */ 3 */ b();\nr#\"q\" # }\"#; c('\"', '\\'', b'{');",
        );
        let lines: Vec<&str> = masked.code.lines().collect();
        assert!(lines[0].starts_with("let a = ") && !lines[0].contains('x') && !lines[0].contains('y'));
        assert_eq!(lines[1].trim(), "b();");
        assert!(
            lines[2].ends_with(");") && !lines[2].contains('}') && !lines[2].contains('{'),
            "{}",
            lines[2]
        );
        assert_eq!(masked.comments.lines().next().map(str::trim), Some("// y \"z\""));
    }

    #[test]
    fn lifetimes_and_raw_names_are_code() {
        let text = "fn f<'a>(r#type: &'a str) -> &'a str { r#type }";
        assert_eq!(mask(text).code, text);
    }

    #[test]
    fn a_string_over_lines_still_counts_as_code() {
        assert_eq!(size(&mask("const A: &str = \"one\n  two\n// three\n\";").code), 4);
    }

    #[test]
    fn test_modules_do_not_count() {
        let code = "fn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn b() { {} }\n}\n#[cfg(test)]\nmod more;\nfn c() {}\n";
        assert_eq!(size(&without_tests(code)), 3);
    }

    #[test]
    fn functions_are_measured_by_the_lines_in_their_body() {
        let text = "trait T { fn no_body(&self); }\nfn long(\n    a: [u8; 2],\n    f: fn(u8),\n) {\n    // why\n    one();\n\n    two();\n}\nfn short() {}\n";
        let expected = [
            Function { name: "long".into(), line: 2, size: 2 },
            Function { name: "short".into(), line: 11, size: 0 },
        ];
        assert_eq!(functions(&mask(text).code), expected);
    }

    #[test]
    fn a_broken_text_is_survived() {
        for text in ["fn a() {", "\"open", "r##\"open\"#", "/* open", "'", "#[cfg(test)]", "fn", "b", "'\\"] {
            let code = mask(text).code;
            functions(&code);
            without_tests(&code);
        }
    }
}
