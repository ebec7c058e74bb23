//! The names and codes of outcomes, which records and digests depend on.

use theus_audit::Outcome;

#[test]
fn names_and_codes_are_pinned() {
    let pinned = [
        (0, "committed"),
        (1, "conflict"),
        (2, "contract"),
        (3, "schema"),
        (4, "audit"),
        (5, "failed"),
        (6, "crashed"),
        (7, "timeout"),
        (8, "cancelled"),
        (9, "refused"),
        (10, "reset"),
    ];
    assert_eq!(Outcome::ALL.map(|outcome| (outcome.code(), outcome.as_str())), pinned);
}

#[test]
fn a_name_leads_back_to_its_outcome() {
    for outcome in Outcome::ALL {
        assert_eq!(outcome.to_string().parse(), Ok(outcome));
    }
}

#[test]
fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
    let error = "Committed".parse::<Outcome>().unwrap_err();
    assert_eq!(error.text, "Committed");
    let message = error.to_string();
    assert!(message.contains("\"Committed\"") && message.contains("committed, conflict"), "{message}");
}
