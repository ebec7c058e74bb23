//! What rules cost that pass.

use theus_audit::{AuditSystem, Book, Leniency, Level, Number, Rule, Subject};

fn ten_rules() -> Vec<Rule> {
    let text = "
process_recipes:
  p:
    inputs:
      - {field: a, min: 1}
      - {field: a, max: 9.5}
      - {field: a, min: 0, max: 10, neq: 7}
      - {field: a, eq: 5}
      - {field: a, in: [1, 2, 3, 4, 5]}
      - {field: name, min_len: 1, max_len: 10}
      - {field: name, regex: '[a-z]+'}
      - {field: name, in: [ada, bob]}
      - {field: items, min_len: 1}
      - {field: absent, min: 1}
";
    let (book, _) = Book::parse(text, "r.yaml", Leniency::Strict).unwrap_or_else(|error| panic!("{error}"));
    book.processes["p"].inputs.clone()
}

fn look(rule: &Rule) -> Subject<'static> {
    match rule.field() {
        "a" => Subject::Number(Number::Int(5)),
        "name" => Subject::Text("ada"),
        "items" => Subject::Sized(3),
        _ => Subject::Absent,
    }
}

#[test]
fn rules_that_pass_allocate_nothing() {
    let (audit, rules) = (AuditSystem::default(), ten_rules());
    // An expression makes its scratch memory when it is first used.
    audit.judge(&rules, look);
    let cost = allocation_counter::measure(|| {
        let judgement = audit.judge(&rules, look);
        assert!(judgement.refused.is_none());
    });
    assert_eq!(cost.count_total, 0);
    // Nor do they while another key is counted.
    audit.log_fail("elsewhere", Some(Level::Count), None);
    let cost = allocation_counter::measure(|| drop(audit.judge(&rules, look)));
    assert_eq!(cost.count_total, 0);
}

/// The measure above can fail.
#[test]
fn planted_a_rule_that_fails_allocates_its_message() {
    let (audit, rules) = (AuditSystem::default(), ten_rules());
    audit.judge(&rules, look);
    let cost =
        allocation_counter::measure(|| drop(audit.judge(&rules, |_| Subject::Number(Number::Int(11)))));
    assert!(cost.count_total > 0);
}
