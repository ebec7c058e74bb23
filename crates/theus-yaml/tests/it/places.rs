//! Where nodes stand.

use theus_yaml::{Content, Node, Place};

use super::parse;

fn entries(node: &Node) -> &[theus_yaml::Entry] {
    match &node.content {
        Content::Map(entries) => entries,
        other => panic!("{} is not a map", other.kind()),
    }
}

#[test]
fn nodes_and_keys_stand_where_they_are_written() {
    let node = parse("# first\ngreet:\n  - { field: é, min: 18 }\n").expect("valid");
    let greet = &entries(&node)[0];
    assert_eq!((greet.key_place.to_string(), greet.value.place.to_string()), ("2:1".into(), "3:3".into()));
    let Content::List(rules) = &greet.value.content else { panic!("a list") };
    let rule = entries(&rules[0]);
    assert_eq!(rule[0].value.place, Place::Text { line: 3, column: 14 });
    // Columns count characters, not bytes.
    assert_eq!(rule[1].key_place, Place::Text { line: 3, column: 17 });
}

#[test]
fn a_missing_value_stands_behind_its_key() {
    let node = parse("a:\nb: 1\n").expect("valid");
    let missing = &entries(&node)[0].value;
    assert_eq!(missing.content, Content::Null);
    assert!(matches!(missing.place, Place::Text { line: 1, .. }), "{}", missing.place);
}

#[test]
fn paths_in_values_read_as_programs_write_them() {
    let inputs = Place::ROOT.key(&"process_recipes".into()).key(&"greet".into()).key(&"inputs".into());
    assert_eq!(inputs.item(0).key(&"min".into()).to_string(), "process_recipes.greet.inputs[0].min");
    assert_eq!(Place::ROOT.to_string(), "");
    assert_eq!(Place::ROOT.item(2).to_string(), "[2]");
    let text = Place::Text { line: 1, column: 2 };
    assert_eq!((text.key(&"a".into()), text.item(1)), (text.clone(), text));
}

#[test]
fn maps_keep_the_order_of_the_text() {
    let node = parse("z: 1\na: 2\nm: 3\n").expect("valid");
    assert_eq!(entries(&node).iter().map(|entry| &*entry.key).collect::<Vec<_>>(), ["z", "a", "m"]);
    assert_eq!(node.get("a").map(|found| &found.content), Some(&Content::Int(2)));
    assert_eq!(node.get("q"), None);
    assert_eq!(parse("a").expect("valid").get("a"), None);
}
