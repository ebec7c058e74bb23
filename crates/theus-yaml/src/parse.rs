//! [`parse`]: a text to a tree.
//!
//! What not: the grammar of YAML, which saphyr-parser has; what its events mean is in [`tree`](crate::tree).

use saphyr_parser::{Event, Marker, Parser};

use crate::tree::Builder;
use crate::{Content, Limits, Node, Place, Reason, YamlError};

/// Reads `text` as one YAML 1.2 document; an empty one gives [`Content::Null`].
///
/// A byte order mark and line ends of any system are accepted. Columns count characters.
///
/// # Errors
/// [`YamlError`] with the place of the first mistake: text that is not YAML, all that [`Reason`] lists, and a text or
/// tree above `limits`.
///
/// ```
/// use theus_yaml::{Limits, Reason, parse};
///
/// let error = parse("inputs:\n  - <<: x\n", &Limits::default()).unwrap_err();
/// assert_eq!((error.line, error.column, error.reason), (2, 5, Reason::MergeKey));
/// ```
pub fn parse(text: &str, limits: &Limits) -> Result<Node, YamlError> {
    if text.len() > limits.bytes {
        return Err(too_long(text, limits.bytes));
    }
    let mut builder = Builder::new(limits);
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let (line, column) = position(error.marker());
            // The parser counts the bytes of a comment, not its characters; nothing but an error can follow one on its line.
            let lines = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
            let its_line = lines.split(['\n', '\r']).nth(line - 1).unwrap_or_default();
            let column = column.min(its_line.chars().count() + 1);
            YamlError { line, column, reason: Reason::Syntax(error.info().to_owned()) }
        })?;
        let (line, column) = position(&span.start);
        let wrong = |reason| YamlError { line, column, reason };
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                return Err(wrong(Reason::SecondDocument));
            }
        }
        builder.take(event, Place::Text { line, column }).map_err(wrong)?;
    }
    let empty = Node { content: Content::Null, place: Place::Text { line: 1, column: 1 } };
    Ok(builder.finish().unwrap_or(empty))
}

/// The parser counts lines from 1 and columns from 0.
fn position(marker: &Marker) -> (usize, usize) {
    (marker.line().max(1), marker.col() + 1)
}

/// Names the place of the first byte that is too much.
fn too_long(text: &str, most: usize) -> YamlError {
    let within = &text[..text.floor_char_boundary(most)];
    let line_start = within.rfind('\n').map_or(0, |end| end + 1);
    YamlError {
        line: within.matches('\n').count() + 1,
        column: within[line_start..].chars().count() + 1,
        reason: Reason::TooLong(most),
    }
}
