//! Texts made to be expensive.

use theus_yaml::{Content, Limits, Node, Reason};

use super::{mistake, parse};

/// Each of `levels` lists names the one before it ten times.
fn alias_bomb(levels: usize) -> String {
    let mut text = String::from("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..levels {
        let above = format!("*l{}, ", level - 1).repeat(10);
        text += &format!("l{level}: &l{level} [{}]\n", above.trim_end_matches(", "));
    }
    text
}

#[test]
fn ten_levels_of_ten_aliases_are_refused_at_the_alias_that_is_too_much() {
    assert!(parse(&alias_bomb(4)).is_ok(), "12,345 nodes");
    let (line, _, reason) = mistake(&alias_bomb(10));
    assert_eq!((line, reason), (5, Reason::TooMany(100_000)));
}

/// Counted by walking, which is what a reader of the tree does.
fn walk(node: &Node) -> usize {
    1 + match &node.content {
        Content::List(items) => items.iter().map(walk).sum(),
        Content::Map(entries) => entries.iter().map(|entry| walk(&entry.value)).sum(),
        _ => 0,
    }
}

#[test]
fn aliases_are_counted_as_what_a_reader_walks() {
    let text = alias_bomb(3);
    let nodes = walk(&parse(&text).expect("small"));
    assert!(theus_yaml::parse(&text, &Limits { nodes, ..Limits::default() }).is_ok());
    assert!(theus_yaml::parse(&text, &Limits { nodes: nodes - 1, ..Limits::default() }).is_err());
}

#[test]
fn an_alias_may_not_lead_deeper_than_the_limit() {
    let limits = Limits { depth: 4, ..Limits::default() };
    assert!(theus_yaml::parse("- &a [[x]]\n- [*a]\n", &limits).is_ok());
    let error = theus_yaml::parse("- &a [[x]]\n- [[*a]]\n", &limits).map(|_| ()).expect_err("five deep");
    assert_eq!((error.line, error.column, error.reason), (2, 5, Reason::TooDeep(4)));
}

#[test]
fn an_alias_shares_what_it_stands_for() {
    let node = parse("- &a [x]\n- *a\n").expect("valid");
    let Content::List(items) = node.content else { panic!("a list") };
    let (Content::List(first), Content::List(second)) = (&items[0].content, &items[1].content) else {
        panic!("lists")
    };
    assert!(std::ptr::eq(first.as_ptr(), second.as_ptr()));
    assert_eq!(items[1].place.to_string(), "2:3");
}

#[test]
fn a_megabyte_of_each_kind_of_trouble_ends_soon() {
    const SIZE: usize = 1 << 20;
    let troubles = [
        "[",
        "{",
        "- ",
        "? ",
        "a: ",
        "&a ",
        "*a ",
        "!a ",
        "'",
        "\"",
        "\"\\",
        "|\n",
        ">\n ",
        "\n",
        "\r\n",
        " ",
        "\t",
        "#",
        "a\n",
        "- a\n",
        "a: 1\n",
        "[],",
        "%TAG !a! b\n",
        "---\n",
        "...\n",
        ",",
        ":",
        "? a\n",
        "<<: ",
        "x",
        "x ",
        "é",
        "- - - a\n",
        "[a, ",
        "{a: ",
        "&a [",
        "1",
        "0x",
        "1e",
        "\u{feff}",
    ];
    for trouble in troubles {
        let text = trouble.repeat(SIZE / trouble.len());
        // Either answer is fine. That there is one, soon, is what is asked.
        let _ = parse(&text);
        let _ = parse(&format!("[{text}"));
        let _ = parse(&format!("a:\n  {text}"));
    }
}

#[test]
fn a_scalar_as_long_as_the_limit_is_read_and_a_gigabyte_is_not_looked_at() {
    let text = "x".repeat(1 << 20);
    assert_eq!(parse(&text).expect("as long as allowed").content, Content::Str(text.as_str().into()));
    let sparse = "\0".repeat(1 << 30);
    assert_eq!(mistake(&sparse), (1, (1 << 20) + 1, Reason::TooLong(1 << 20)));
}
