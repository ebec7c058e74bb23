//! [`List`]: the committed counts, and what a new measurement says about them.
//!
//! Invariant: a list that is printed reads back as itself.

use std::fmt;

/// A count may differ by this many hundredths. Two runs of one build differed by at most a fifth of one.
const TOLERANCE: u64 = 3;

const HEAD: &str = "\
# Instructions of one call, by `cargo xtask counts`. A count that rises or falls by more than 3 % is a finding, so this
# file tells what became slower and what became faster. `cargo xtask counts --update` writes it.
";

/// Counts, and the tools that they were made with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    /// The compiler, the C library and valgrind: all three have their part in a count.
    pub(super) tools: String,
    pub(super) counts: Vec<(String, u64)>,
}

impl List {
    /// Reads a list; the error is the line that is no entry.
    pub(super) fn parse(text: &str) -> Result<List, String> {
        let mut list = List::default();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            match line.split_once(' ') {
                Some(("with", tools)) => list.tools = tools.to_owned(),
                Some((name, count)) => {
                    let count = count.trim().parse().map_err(|_| line.to_owned())?;
                    list.counts.push((name.to_owned(), count));
                }
                None => return Err(line.to_owned()),
            }
        }
        Ok(list)
    }

    fn get(&self, operation: &str) -> Option<u64> {
        self.counts.iter().find(|(name, _)| name == operation).map(|(_, count)| *count)
    }

    /// Both columns, for people.
    pub(super) fn table(&self, now: &List) -> String {
        let mut table = format!("{:24} {:>10} {:>10}\n", "instructions of", "listed", "now");
        for (name, count) in &now.counts {
            let listed = self.get(name).map_or("-".to_owned(), |count| count.to_string());
            table.push_str(&format!("{name:24} {listed:>10} {count:>10}\n"));
        }
        table
    }

    /// What does not fit the list.
    pub(super) fn findings(&self, now: &List) -> Vec<String> {
        let judged = now.counts.iter().filter_map(|(name, count)| match self.get(name) {
            None => Some(format!("{name}: {count} instructions, and not in the list")),
            Some(listed) if count * 100 > listed * (100 + TOLERANCE) => {
                Some(format!("{name}: {count} instructions, listed are {listed}: it became longer"))
            }
            Some(listed) if count * 100 < listed * (100 - TOLERANCE) => {
                Some(format!("{name}: {count} instructions, listed are {listed}: it became shorter"))
            }
            Some(_) => None,
        });
        let gone = self.counts.iter().filter(|(name, _)| now.get(name).is_none());
        judged.chain(gone.map(|(name, _)| format!("{name}: listed, and not measured any more"))).collect()
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\nwith {}\n", self.tools)?;
        self.counts.iter().try_for_each(|(name, count)| writeln!(f, "{name:24} {count:>8}"))
    }
}

#[cfg(test)]
mod tests {
    use super::List;

    fn list(counts: &[(&str, u64)]) -> List {
        let counts = counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        List { tools: "rustc 1, glibc 2".to_owned(), counts }
    }

    #[test]
    fn a_list_reads_back_as_itself() {
        let written = list(&[("snapshot", 74), ("read", 753)]);
        assert_eq!(List::parse(&written.to_string()).unwrap(), written);
        for text in ["snapshot", "snapshot many", "snapshot 1 2"] {
            assert_eq!(List::parse(text), Err(text.to_owned()));
        }
    }

    #[test]
    fn a_count_that_moves_is_found_in_both_directions() {
        let listed = list(&[("read", 1000)]);
        for count in [970, 1000, 1030] {
            assert!(listed.findings(&list(&[("read", count)])).is_empty(), "{count}");
        }
        assert!(listed.findings(&list(&[("read", 1031)]))[0].contains("became longer"));
        assert!(listed.findings(&list(&[("read", 969)]))[0].contains("became shorter"));
    }

    #[test]
    fn an_operation_on_one_side_only_is_found() {
        let (one, none) = (list(&[("read", 1000)]), list(&[]));
        assert_eq!((one.findings(&none).len(), none.findings(&one).len()), (1, 1));
    }
}
