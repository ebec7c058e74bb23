//! What each level does, count by count.

use theus_audit::{AuditRecipe, AuditSystem, Level, Verdict};

#[test]
fn names_letters_and_numbers_are_pinned() {
    let pinned =
        [("Stop", "S", 0), ("Abort", "A", 1), ("Block", "B", 2), ("Count", "C", 3), ("Ignore", "I", 4)];
    assert_eq!(Level::ALL.map(|level| (level.as_str(), level.letter(), level.number())), pinned);
    for level in Level::ALL {
        for text in [level.as_str().to_owned(), level.as_str().to_lowercase(), level.letter().to_lowercase()]
        {
            assert_eq!(text.parse(), Ok(level));
        }
        assert_eq!(level.to_string(), level.as_str());
    }
}

#[test]
fn what_is_no_level_is_an_error_that_lists_them() {
    for text in ["", "X", "St", "stopp", " S", "S ", "0", "ſ"] {
        assert_eq!(text.parse::<Level>().expect_err(text).text, text);
    }
    let error = "X".parse::<Level>().expect_err("none");
    assert_eq!(error.to_string(), r#"level "X" is not known; choose one of S, A, B, C, I"#);
}

/// What comes of `fails` failures, a letter for each: `.` passes, `w` warns, `x` is refused.
fn course(level: Level, threshold_max: u64, threshold_min: u64, fails: usize) -> String {
    let audit =
        AuditSystem::new(AuditRecipe { level, threshold_max, threshold_min, ..AuditRecipe::default() }, 10);
    let letters = (0..fails).map(|_| match audit.log_fail("key", None, None) {
        Verdict::Pass => '.',
        Verdict::Warn(_) => 'w',
        Verdict::Refuse(_) => 'x',
    });
    letters.collect()
}

#[test]
fn each_level_takes_its_course() {
    let rows = [
        (Level::Stop, 3, 0, "xxx"),
        (Level::Abort, 3, 2, "xxx"),
        (Level::Block, 3, 0, "...xx"),
        (Level::Block, 3, 1, "wwwxx"),
        (Level::Block, 3, 2, ".wwxx"),
        (Level::Block, 3, 3, "..wxx"),
        (Level::Block, 3, 4, "...xx"),
        (Level::Block, 0, 0, "xx"),
        (Level::Block, 0, 1, "xx"),
        (Level::Block, u64::MAX, 0, "....."),
        (Level::Count, 3, 0, "....."),
        (Level::Count, 3, 2, ".ww.."),
        (Level::Count, 0, 1, "..."),
        (Level::Ignore, 0, 1, "..."),
    ];
    for (level, max, min, expected) in rows {
        assert_eq!(course(level, max, min, expected.len()), expected, "{level} {max} {min}");
    }
}

#[test]
fn a_level_and_a_threshold_beat_the_recipe() {
    let audit = AuditSystem::default();
    assert!(matches!(audit.log_fail("a", Some(Level::Stop), None), Verdict::Refuse(_)));
    assert!(matches!(audit.log_fail("b", None, Some(0)), Verdict::Refuse(_)));
    assert_eq!(audit.log_fail("c", Some(Level::Count), Some(0)), Verdict::Pass);
    assert_eq!(audit.log_fail("d", Some(Level::Ignore), Some(0)), Verdict::Pass);
    assert_eq!(["a", "b", "c", "d"].map(|key| audit.get_count(key)), [1, 1, 1, 0]);
}

#[test]
fn a_refusal_says_what_failed_how_often_and_against_what() {
    let audit =
        AuditSystem::new(AuditRecipe { threshold_max: 1, threshold_min: 1, ..AuditRecipe::default() }, 10);
    let warning = "Audit Warning: greet failed (count 1, threshold 1)";
    assert_eq!(audit.log_fail("greet", None, None), Verdict::Warn(warning.into()));
    let Verdict::Refuse(refusal) = audit.log_fail("greet", None, None) else { panic!("not refused") };
    assert_eq!(
        (refusal.level, refusal.key.as_str(), refusal.count, refusal.threshold),
        (Level::Block, "greet", 2, 1)
    );
    assert_eq!(refusal.to_string(), "Audit Blocked: greet exceeded threshold 1 with failure 2");
    let message = |level| match audit.log_fail("greet", Some(level), None) {
        Verdict::Refuse(refusal) => refusal.message,
        other => panic!("{other:?}"),
    };
    assert_eq!(message(Level::Stop), "Audit Stopped: greet failed");
    assert_eq!(message(Level::Abort), "Audit Aborted: greet failed");
}
