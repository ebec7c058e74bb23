//! The ratchet: a list of exceptions to the budgets that may only shrink.

use std::collections::BTreeMap;

use crate::tidy::Finding;

/// Where the list lies.
pub(crate) const LIST: &str = "xtask/ratchet.txt";

/// What is measured of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Lines of code in a file.
    Code,
    /// All lines of a file.
    Total,
    /// Lines of code in a function's body.
    Function,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Code => "code",
            Kind::Total => "total",
            Kind::Function => "function",
        }
    }
}

/// The exceptions: what is measured, where (`PATH` or `PATH#NAME`), and the limit with its line in the list.
#[derive(Debug, Default)]
pub(crate) struct Ratchet {
    entries: BTreeMap<(Kind, String), (usize, usize)>,
}

impl Ratchet {
    /// Reads the list; a line that is none is a finding.
    pub(crate) fn parse(text: &str) -> (Ratchet, Vec<Finding>) {
        let mut ratchet = Ratchet::default();
        let mut findings = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            if content.trim().is_empty() || content.starts_with('#') {
                continue;
            }
            match entry(content) {
                Some((kind, place, limit)) => {
                    ratchet.entries.insert((kind, place), (limit, line));
                }
                None => {
                    findings.push(Finding::new(LIST, line, "not an entry: `code|total|function PLACE LIMIT`"))
                }
            }
        }
        (ratchet, findings)
    }

    /// The limit of this room: the budget, unless the list says more.
    pub(crate) fn limit(&self, kind: Kind, place: &str, budget: usize) -> usize {
        let listed = self.entries.get(&(kind, place.to_owned())).map_or(0, |(limit, _)| *limit);
        listed.max(budget)
    }

    /// Entries that are larger than the rooms need; `size` gives a room's size and its budget.
    pub(crate) fn slack(&self, size: impl Fn(Kind, &str) -> Option<(usize, usize)>) -> Vec<Finding> {
        let judged = self.entries.iter().filter_map(|((kind, place), (limit, line))| {
            let message = match size(*kind, place) {
                None => format!("`{place}` is not there any more: remove the entry"),
                Some((size, budget)) if size <= budget => {
                    format!("`{place}` has {size} lines and fits the budget of {budget}: remove the entry")
                }
                Some((size, _)) if size < *limit => format!("`{place}` shrank: lower the limit to {size}"),
                Some(_) => return None,
            };
            Some(Finding::new(LIST, *line, message))
        });
        judged.collect()
    }
}

fn entry(content: &str) -> Option<(Kind, String, usize)> {
    let words: Vec<&str> = content.split_whitespace().collect();
    let [word, place, limit] = words[..] else { return None };
    let kind = [Kind::Code, Kind::Total, Kind::Function].into_iter().find(|kind| kind.word() == word)?;
    Some((kind, place.to_owned(), limit.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Kind, Ratchet};

    fn slack_of(list: &str, size: Option<(usize, usize)>) -> Vec<String> {
        let (ratchet, findings) = Ratchet::parse(list);
        assert!(findings.is_empty(), "{findings:?}");
        ratchet.slack(|_, _| size).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_entry_that_is_too_large_names_the_new_number() {
        let slack = slack_of("# why\n\ncode a.rs 400\n", Some((350, 300)));
        assert_eq!(slack.len(), 1);
        assert!(slack[0].contains(":3: ") && slack[0].contains("to 350"), "{}", slack[0]);
    }

    #[test]
    fn an_entry_that_is_not_needed_must_go() {
        assert!(slack_of("code a.rs 400", Some((300, 300)))[0].contains("fits the budget"));
        assert!(slack_of("function a.rs#f 90", None)[0].contains("not there any more"));
        assert!(slack_of("code a.rs 350", Some((350, 300))).is_empty());
    }

    #[test]
    fn a_limit_is_never_below_the_budget() {
        let (ratchet, _) = Ratchet::parse("code a.rs 400");
        assert_eq!(ratchet.limit(Kind::Code, "a.rs", 300), 400);
        assert_eq!(ratchet.limit(Kind::Total, "a.rs", 600), 600);
    }

    #[test]
    fn a_line_that_is_no_entry_is_a_finding() {
        for list in ["code a.rs", "size a.rs 400", "code a.rs many", "code a.rs 400 because"] {
            assert_eq!(Ratchet::parse(list).1.len(), 1, "{list}");
        }
    }
}
