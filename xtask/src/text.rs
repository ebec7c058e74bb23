//! What the rules need to know of a source text: its code without comments and strings, and its functions.
//!
//! Not a parser. A text keeps its lines, so a finding can name one.

pub(crate) mod python;
pub(crate) mod rust;

/// A function and the lines of code in its body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// The line it begins on, from 1.
    pub(crate) line: usize,
    pub(crate) size: usize,
}

/// What stands for a character of a string: not blank, so the line still counts, and part of no word.
const FILLER: char = '"';

/// How many lines of `code` are not blank.
pub(crate) fn size(code: &str) -> usize {
    code.lines().filter(|line| !line.trim().is_empty()).count()
}

/// The lines, from 1, on which `word` stands as a whole word.
pub(crate) fn lines_with_word(code: &str, word: &str) -> Vec<usize> {
    (1..).zip(code.lines()).filter(|(_, line)| has_word(line, word)).map(|(number, _)| number).collect()
}

/// The line, from 1, of the character at byte `offset`.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    1 + text[..offset].matches('\n').count()
}

/// Whether a character may be part of a name.
pub(crate) fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        !line[..start].ends_with(is_name) && !line[start + word.len()..].starts_with(is_name)
    })
}

/// Replaces the characters from `start` to `end` by `with`, and leaves blanks and line ends alone.
fn cover(text: &mut [char], start: usize, end: usize, with: char) {
    for character in &mut text[start..end] {
        if !character.is_whitespace() {
            *character = with;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::lines_with_word;

    #[test]
    fn a_word_is_found_only_as_a_whole() {
        let code = "unsafe_code\nnot unsafe\nunsafe{\nmy_unsafe";
        assert_eq!(lines_with_word(code, "unsafe"), [2, 3]);
    }
}
