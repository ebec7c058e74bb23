//! What a contract lets a process read and write.

use crate::stage::{contract, int, map, mapping, path};
use theus::{Access, Contract, Declared, Engine, Path, Reading, read};

fn access(contract: &Contract, text: &str) -> Access {
    contract.access(&path(text))
}

#[test]
fn a_parent_grants_its_children_and_a_child_lets_you_walk_its_parents() {
    let contract = contract(&["domain.user"], &["domain.log.lines", "score"]);
    for (text, expected) in [
        ("domain.user", Access::Full),
        ("domain.user.name.first", Access::Full),
        ("domain['user']['name']", Access::Full),
        ("domain_ctx.user", Access::Full),
        ("data.domain.user", Access::Full),
        ("domain.log.lines", Access::Full),
        ("score", Access::Full),
        ("data.score", Access::Full),
        ("data", Access::Walk),
        ("domain", Access::Walk),
        ("domain.log", Access::Walk),
        ("domain.users", Access::Refused),
        ("domain.log.line", Access::Refused),
        ("domain.other", Access::Refused),
        ("heavy", Access::Refused),
        ("global", Access::Refused),
    ] {
        assert_eq!(access(&contract, text), expected, "{text}");
    }
    assert!(contract.may_write(&path("domain.log.lines.0")));
    assert!(contract.may_write(&path("score")));
    assert!(!contract.may_write(&path("domain.log")), "a parent is not granted by its child");
    assert!(!contract.may_write(&path("domain.user")), "an input is not an output");
    assert!(!contract.may_write(&Path::root()));
}

#[test]
fn globs_span_dots_and_can_be_walked_to() {
    let contract = contract(&["domain.user_[0-9]*", "global_ctx.*.limit"], &["data.cache_?"]);
    for (text, expected) in [
        ("domain.user_1", Access::Full),
        ("domain.user_1.name", Access::Full),
        ("domain.user_x", Access::Refused),
        ("global.a.limit", Access::Full),
        ("global.a.b.limit", Access::Full),
        ("global.a", Access::Walk),
        ("global", Access::Walk),
        ("cache_1", Access::Full),
        ("cache_12", Access::Refused),
    ] {
        assert_eq!(access(&contract, text), expected, "{text}");
    }
    assert!(contract.may_write(&path("cache_1")));
    // The whole state's prefix and the root's other name may come together.
    let both = Declared::parse("data.domain_ctx.user_*").unwrap();
    assert!(both.covers(&path("domain.user_1")));
}

#[test]
fn omitted_is_not_empty() {
    let read_all = |parallel, inputs| Contract { parallel, inputs, ..Contract::default() };
    let omitted = read_all(true, None);
    for text in ["domain", "domain.x", "heavy", "heavy.m"] {
        assert_eq!(access(&omitted, text), Access::Full, "{text}");
    }
    assert_eq!(access(&omitted, "global.x"), Access::Refused);
    assert!(omitted.may_write(&path("anything")));
    for closed in [read_all(true, Some(Vec::new())), read_all(false, None)] {
        assert_eq!(access(&closed, "domain.x"), Access::Refused);
        assert_eq!(access(&closed, "heavy.m"), Access::Refused);
        // The domain is a place: a call's arguments are read through it.
        assert_eq!(access(&closed, "domain"), Access::Walk);
    }
    assert!(!read_all(false, None).may_write(&path("score")));
    let none = Contract { parallel: true, outputs: Some(Vec::new()), ..Contract::default() };
    assert!(!none.may_write(&path("score")));
}

#[test]
fn an_undecorated_function_reads_all_and_writes_nothing() {
    let undecorated = Contract { undecorated: true, parallel: true, ..Contract::default() };
    for text in ["data", "domain.x", "heavy.m", "anything"] {
        assert_eq!(access(&undecorated, text), Access::Full, "{text}");
        assert!(!undecorated.may_write(&path(text)));
    }
}

#[test]
fn data_grants_everything() {
    for contract in [contract(&["data"], &["data"]), contract(&["data['domain']", "*"], &["*"])] {
        assert_eq!(access(&contract, "domain.x"), Access::Full);
        assert_eq!(access(&contract, "anything.else"), Access::Full);
        assert!(contract.may_write(&path("anything.else")));
    }
    assert!(contract(&[], &["data"]).may_write(&Path::root()));
}

#[test]
fn what_is_no_path_is_refused() {
    for text in ["", ".", "a..b", "a.", "a[", "a['x", "data."] {
        assert!(theus::parse_path(text).is_err(), "{text:?}");
        assert!(Declared::parse(text).is_err(), "{text:?}");
    }
    assert!(Declared::parse("a[*").is_err());
    assert_eq!(path("data"), Path::root());
    assert_eq!(path("global_.a"), path("global.a"));
    assert_eq!(path("a.domain_ctx").to_string(), "a.domain_ctx", "only a root has other names");
}

#[test]
fn reading_shows_what_is_granted_and_nothing_else() {
    let user = mapping([("name", int(1)), ("secret", int(2))]);
    let domain = mapping([("user", user.clone()), ("other", int(3)), ("flag", int(4))]);
    let engine = Engine::builder().initial(map([("domain", domain), ("score", int(5))])).build();
    let snapshot = engine.snapshot();
    let contract = contract(&["domain.user.name", "score", "domain.absent.x", "domain.flag.below"], &[]);
    let reading = |text: &str| read(&contract, &snapshot, &path(text));
    assert_eq!(reading("domain.user.name"), Reading::Whole(int(1)));
    assert_eq!(reading("domain.user"), Reading::Keys(vec!["name".into()]));
    assert_eq!(reading("domain"), Reading::Keys(vec!["user".into(), "flag".into()]));
    assert_eq!(reading("data"), Reading::Keys(vec!["domain".into(), "score".into()]));
    assert_eq!(reading("domain.user.secret"), Reading::Refused);
    assert_eq!(reading("domain.other"), Reading::Refused);
    assert_eq!(reading("domain.absent"), Reading::Absent);
    assert_eq!(reading("score.below"), Reading::Absent);
    assert_eq!(reading("domain.flag"), Reading::Refused, "only what is below was declared, and nothing is");
    let all = Contract { undecorated: true, ..Contract::default() };
    assert_eq!(read(&all, &snapshot, &path("domain.user")), Reading::Whole(user));
}
