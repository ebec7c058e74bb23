//! Globs matched by trying everything: the textbook recursion, which takes exponential time on bad patterns.
//!
//! What not: no plain paths; a pattern without a wildcard is one, and those are compared segment by segment.
//! Invariant: only for short texts.

use theus_value::Path;

/// One piece of a glob.
#[derive(Clone, Debug)]
enum Piece {
    One(char),
    AnyOne,
    AnyRun,
    Class(Vec<char>, bool),
}

/// A glob, cut into its pieces.
#[derive(Clone, Debug)]
pub struct Glob {
    pieces: Vec<Piece>,
}

impl Glob {
    /// The glob of a text that the real code has accepted as one.
    ///
    /// # Panics
    /// For any other text.
    pub fn new(text: &str) -> Glob {
        let text: Vec<char> = text.chars().collect();
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < text.len() {
            match text[at] {
                '*' => pieces.push(Piece::AnyRun),
                '?' => pieces.push(Piece::AnyOne),
                '[' => {
                    let (found, end) =
                        segment(&text, at + 1, pieces.is_empty()).unwrap_or_else(|| class(&text, at + 1));
                    pieces.extend(found);
                    at = end;
                }
                c => pieces.push(Piece::One(c)),
            }
            at += 1;
        }
        Glob { pieces }
    }

    /// True if the glob matches the path or a place above it.
    pub fn covers(&self, path: &Path) -> bool {
        let all = path.segments();
        (1..=all.len()).any(|len| matches(&self.pieces, &joined(&all[..len]), &|rest| only_runs(rest)))
    }

    /// True if it covers the path or can cover a longer one below it. A class is taken to have a member.
    pub fn leads_to(&self, path: &Path) -> bool {
        let mut above = joined(path.segments());
        if !path.is_root() {
            above.push('.');
        }
        // What follows the dot may be empty: a segment may be.
        self.covers(path) || matches(&self.pieces, &above, &|_| true)
    }
}

fn joined(segments: &[theus_value::Key]) -> Vec<char> {
    segments.join(".").chars().collect()
}

fn only_runs(rest: &[Piece]) -> bool {
    rest.iter().all(|piece| matches!(piece, Piece::AnyRun))
}

/// True if some way of matching uses up the text and leaves pieces that `enough` agrees to.
fn matches(pieces: &[Piece], text: &[char], enough: &dyn Fn(&[Piece]) -> bool) -> bool {
    if text.is_empty() && enough(pieces) {
        return true;
    }
    let Some((piece, rest)) = pieces.split_first() else { return false };
    match (piece, text.split_first()) {
        (Piece::AnyRun, None) => matches(rest, text, enough),
        (Piece::AnyRun, Some((_, below))) => matches(rest, text, enough) || matches(pieces, below, enough),
        (piece, Some((c, below))) => accepts(piece, *c) && matches(rest, below, enough),
        (_, None) => false,
    }
}

fn accepts(piece: &Piece, c: char) -> bool {
    match piece {
        Piece::One(own) => *own == c,
        Piece::AnyOne | Piece::AnyRun => true,
        Piece::Class(members, negated) => {
            // Members come in pairs, from and to.
            members.chunks(2).any(|pair| pair[0] <= c && c <= pair[1]) != *negated
        }
    }
}

/// The segment in a bracket, `None` if the bracket is a class; and where its `]` is.
fn segment(text: &[char], start: usize, first: bool) -> Option<(Vec<Piece>, usize)> {
    let mut pieces = if first { vec![] } else { vec![Piece::One('.')] };
    let quote = *text.get(start)?;
    let mut at = start;
    if quote == '\'' || quote == '"' {
        at += 1;
        while text[at] != quote {
            at += usize::from(text[at] == '\\');
            pieces.push(Piece::One(text[at]));
            at += 1;
        }
        return Some((pieces, at + 1));
    }
    while text.get(at)?.is_ascii_digit() {
        pieces.push(Piece::One(text[at]));
        at += 1;
    }
    (at > start && text[at] == ']').then_some((pieces, at))
}

/// A class and where its `]` is. A `]` that comes first is a member.
fn class(text: &[char], start: usize) -> (Vec<Piece>, usize) {
    let negated = text[start] == '!';
    let mut at = start + usize::from(negated);
    let mut members = Vec::new();
    while members.is_empty() || text[at] != ']' {
        let range = text.get(at + 1) == Some(&'-') && text.get(at + 2).is_some_and(|c| *c != ']');
        let to = if range { at + 2 } else { at };
        members.extend([text[at], text[to]]);
        at = to + 1;
    }
    (vec![Piece::Class(members, negated)], at)
}
