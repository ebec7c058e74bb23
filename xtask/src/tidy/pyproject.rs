//! Rule: the two pyproject.toml files agree about the project, since either may build the wheel.

use super::Finding;
use crate::tree::Tree;

const ROOT: &str = "pyproject.toml";
const CRATE: &str = "crates/theus-py/pyproject.toml";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let (root, inner) = match (tree.file(ROOT), tree.file(CRATE)) {
        (Some(root), Some(inner)) => (project(&root.text), project(&inner.text)),
        (None, None) => return Vec::new(),
        (None, Some(_)) => return vec![Finding::new(ROOT, 0, format!("is missing, and {CRATE} is there"))],
        (Some(_), None) => return vec![Finding::new(CRATE, 0, format!("is missing, and {ROOT} is there"))],
    };
    if root.is_empty() {
        return vec![Finding::new(ROOT, 0, "has no [project]")];
    }
    let only = |these: &[&str], those: &[&str], path: &str, other: &str| {
        let missing = these.iter().filter(|line| !those.contains(line));
        let message =
            |line| format!("[project] has the line {line:?}, which {other} has not: keep them the same");
        missing.map(|line| Finding::new(path, 0, message(line))).collect::<Vec<_>>()
    };
    let mut findings = only(&root, &inner, ROOT, CRATE);
    findings.extend(only(&inner, &root, CRATE, ROOT));
    if findings.is_empty() && root != inner {
        findings.push(Finding::new(
            CRATE,
            0,
            format!("[project] has its lines in another order than {ROOT}"),
        ));
    }
    findings
}

/// The lines of the tables [project] and [project.…], without comments and blank lines.
fn project(text: &str) -> Vec<&str> {
    let mut inside = false;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let kept = lines.filter(|line| {
        if let Some(header) = line.strip_prefix('[').filter(|_| line.ends_with(']')) {
            inside = header.starts_with("project]") || header.starts_with("project.");
        }
        inside
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::{CRATE, ROOT, check};
    use crate::tree::Tree;

    const PROJECT: &str =
        "[build-system]\nrequires = []\n[project]\nname = \"theus\"\n[project.urls]\na = \"b\"\n";

    #[test]
    fn a_difference_is_found() {
        let other = PROJECT.replace("\"theus\"", "\"other\"");
        let found = check(&Tree::of(&[(ROOT, PROJECT), (CRATE, &other)]));
        assert_eq!(found.len(), 2);
        assert!(found[0].to_string().contains("name = \\\"theus\\\""), "{}", found[0]);
        let other = PROJECT.replace("a = \"b\"", "");
        assert_eq!(check(&Tree::of(&[(ROOT, PROJECT), (CRATE, &other)])).len(), 1);
    }

    #[test]
    fn a_missing_twin_or_table_is_found() {
        assert_eq!(check(&Tree::of(&[(ROOT, PROJECT)])).len(), 1);
        assert_eq!(check(&Tree::of(&[(CRATE, PROJECT)])).len(), 1);
        assert_eq!(check(&Tree::of(&[(ROOT, "[tool]\n"), (CRATE, "[tool]\n")])).len(), 1);
    }

    #[test]
    fn other_tables_and_comments_may_differ() {
        let other =
            format!("# why\n{}\n[tool.maturin]\nmodule-name = \"x\"\n", PROJECT.replace("[]", "[\"m\"]"));
        assert!(check(&Tree::of(&[(ROOT, PROJECT), (CRATE, &other)])).is_empty());
        assert!(check(&Tree::of(&[])).is_empty());
    }
}
