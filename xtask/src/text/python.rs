//! Python text: comments and docstrings told apart from code, functions found by their indentation.
//!
//! It knows strings, comments and brackets, not the grammar.

use super::{FILLER, Function, cover, is_name};

/// A text without comments and docstrings, other strings filled; the lines are kept.
pub(crate) struct Masked {
    pub(crate) code: String,
    /// For each line, whether it continues a bracket or a string of the line before.
    continued: Vec<bool>,
}

/// Where the reading stands.
struct Reader {
    text: Vec<char>,
    code: Vec<char>,
    continued: Vec<bool>,
    depth: usize,
    /// Whether only blanks and string prefixes stand between the line's begin and here.
    fresh: bool,
}

pub(crate) fn mask(text: &str) -> Masked {
    let text: Vec<char> = text.chars().collect();
    let mut reader = Reader { code: text.clone(), text, continued: vec![false], depth: 0, fresh: true };
    let mut at = 0;
    while at < reader.text.len() {
        at = reader.step(at);
    }
    Masked { code: reader.code.into_iter().collect(), continued: reader.continued }
}

impl Reader {
    /// Reads what begins at `at` and returns where it ends.
    fn step(&mut self, at: usize) -> usize {
        match self.text[at] {
            '#' => self.comment(at),
            '"' | '\'' => self.string(at),
            character => {
                self.plain(character);
                at + 1
            }
        }
    }

    fn plain(&mut self, character: char) {
        match character {
            '\n' => {
                self.continued.push(self.depth > 0);
                self.fresh = self.depth == 0;
            }
            '(' | '[' | '{' => self.depth += 1,
            ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let prefix = matches!(character, 'r' | 'R' | 'u' | 'U');
        self.fresh &= prefix || character.is_whitespace();
    }

    fn comment(&mut self, at: usize) -> usize {
        let length = self.text[at..].iter().take_while(|character| **character != '\n').count();
        cover(&mut self.code, at, at + length, ' ');
        at + length
    }

    /// A string; one that is a statement of its own is a docstring and becomes blank.
    fn string(&mut self, at: usize) -> usize {
        let end = string_end(&self.text, at);
        match self.fresh && self.depth == 0 && ends_statement(&self.text, end) {
            true => {
                let prefix = self.text[..at].iter().rev().take_while(|letter| is_name(**letter)).count();
                cover(&mut self.code, at - prefix, end, ' ');
            }
            false => cover(&mut self.code, at, end, FILLER),
        }
        let lines = self.text[at..end].iter().filter(|character| **character == '\n').count();
        self.continued.extend(std::iter::repeat_n(true, lines));
        self.fresh = false;
        end
    }
}

fn ends_statement(text: &[char], at: usize) -> bool {
    let next = text[at..].iter().find(|character| **character == '\n' || !character.is_whitespace());
    matches!(next, None | Some('\n' | '#' | ';'))
}

fn string_end(text: &[char], at: usize) -> usize {
    let quote = text[at];
    let triple = text.get(at + 1) == Some(&quote) && text.get(at + 2) == Some(&quote);
    let width = if triple { 3 } else { 1 };
    let mut here = at + width;
    while here < text.len() {
        match text[here] {
            '\\' => here += 2,
            '\n' if !triple => return here,
            character if character == quote && text[here..].iter().take(width).all(|next| *next == quote) => {
                return (here + width).min(text.len());
            }
            _ => here += 1,
        }
    }
    text.len()
}

/// The functions of a masked text, with the lines of code in their bodies.
pub(crate) fn functions(masked: &Masked) -> Vec<Function> {
    let lines: Vec<&str> = masked.code.lines().collect();
    let defined = lines.iter().enumerate().filter_map(|(index, line)| {
        let name = name_of(line).filter(|_| !masked.continued[index])?;
        let indent = indent(line);
        let after = index + 1;
        let body = lines[after..].iter().zip(&masked.continued[after..]);
        // The rest of the header is what continues its bracket; the body ends where the indentation does.
        let mut body =
            body.skip_while(|(_, continued)| **continued).filter(|(line, _)| !line.trim().is_empty());
        let outside = |line: &str, continued: bool| !continued && self::indent(line) <= indent;
        let size = body.by_ref().take_while(|(line, continued)| !outside(line, **continued)).count();
        Some(Function { name, line: index + 1, size })
    });
    defined.collect()
}

fn name_of(line: &str) -> Option<String> {
    let line = line.trim_start();
    let rest = line.strip_prefix("async ").map_or(line, str::trim_start).strip_prefix("def ")?;
    Some(rest.trim_start().chars().take_while(|letter| is_name(*letter)).collect())
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|character| character.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::{Function, functions, mask};
    use crate::text::size;

    #[test]
    fn docstrings_and_comments_are_not_code() {
        let text = "\"\"\"What.\n\nWhat not.\n\"\"\"\nimport os  # why\n\nX = \"\"\"a\nb\n\"\"\"\ndef f():\n    r'''Doc.'''\n    return '#'\n";
        assert_eq!(size(&mask(text).code), 6);
    }

    #[test]
    fn functions_are_measured_by_the_lines_in_their_body() {
        let text = "class A:\n    def one(\n        self,\n    ):\n        \"\"\"Doc.\"\"\"\n        a = [\n    1,\n        ]\n        t = '''\nx\n'''\n\n        return a\n\n    async def two(self): return 1\n\nthree = 3\n";
        let expected = [
            Function { name: "one".into(), line: 2, size: 7 },
            Function { name: "two".into(), line: 15, size: 0 },
        ];
        assert_eq!(functions(&mask(text)), expected);
    }

    #[test]
    fn a_nested_function_counts_for_both() {
        let text = "def a():\n    def b():\n        return 1\n    return b\n";
        let sizes: Vec<usize> = functions(&mask(text)).iter().map(|function| function.size).collect();
        assert_eq!(sizes, [3, 1]);
    }

    #[test]
    fn a_broken_text_is_survived() {
        for text in ["'", "\"\"\"", "def", "def f(", "x = '\\", "'''\\", ")"] {
            functions(&mask(text));
        }
    }
}
