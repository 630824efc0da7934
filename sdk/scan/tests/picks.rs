//! What the pointers find.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use plughouse_scan::{ELEMENTS_MAX, ErrorKind, Paths, Scratch, Token};

fn raw(token: Option<Token<'_>>) -> Option<String> {
    token.map(|token| String::from_utf8_lossy(token.raw()).into_owned())
}

#[track_caller]
fn check(json: &str, pointer: &str, expected: Option<&str>) {
    let paths = Paths::new([pointer]).unwrap();
    let mut scratch = Scratch::default();
    let found = raw(paths.scan(json.as_bytes(), &mut scratch).unwrap().get(0));
    assert_eq!(found.as_deref(), expected);
    // A pick of an element behaves like one of the text.
    let (paths, json) = (Paths::new([""; 0]).unwrap(), format!("[{json}]"));
    let paths = paths.with_list("", [pointer]).unwrap();
    let picks = paths.scan(json.as_bytes(), &mut scratch).unwrap();
    let element = picks.list().unwrap().next().unwrap();
    assert_eq!(raw(element.get(0)).as_deref(), expected);
}

#[test]
fn a_pointer_finds_what_rfc_6901_says() {
    let json = r#"{"a":{"b":[1,[2],"x"]},"":3,"a/b":4,"m~n":5,"0":6,"01":7}"#;
    check(json, "", Some(json));
    check(json, "/a/b", Some(r#"[1,[2],"x"]"#));
    check(json, "/a/b/0", Some("1"));
    check(json, "/a/b/1/0", Some("2"));
    check(json, "/a/b/2", Some("\"x\""));
    check(json, "/a/b/3", None);
    check(json, "/a/b/-", None);
    check(json, "/a/b/00", None);
    check(json, "/a/b/+1", None);
    check(json, "/", Some("3"));
    check(json, "/a~1b", Some("4"));
    check(json, "/m~0n", Some("5"));
    check(json, "/0", Some("6"));
    check(json, "/01", Some("7"));
    check(json, "/a/b/0/c", None);
    check(json, "/A", None);
}

#[test]
fn keys_are_compared_unescaped() {
    check(r#"{"\u0069d":1}"#, "/id", Some("1"));
    check(r#"{"a\/b":1}"#, "/a~1b", Some("1"));
    check(r#"{"é":1}"#, "/é", Some("1"));
    check(r#"{"\u00e9":1}"#, "/é", Some("1"));
}

#[test]
fn the_last_of_equal_keys_wins_and_nothing_of_the_others_stays() {
    check(r#"{"id":1,"id":2}"#, "/id", Some("2"));
    check(r#"{"a":{"id":1},"a":{}}"#, "/a/id", None);
    check(r#"{"a":{"id":1},"a":7}"#, "/a/id", None);
    check(r#"{"a":{"b":{"id":1}},"a":{"b":[]},"a":{"b":{"id":2}}}"#, "/a/b/id", Some("2"));
    check(r#"{"id":1,"\u0069d":2}"#, "/id", Some("2"));
}

#[test]
fn spans_leave_out_the_spaces_around() {
    let json = b" { \"a\" :  [ 1 , 2 ]  } ";
    let paths = Paths::new(["/a", "", "/a/1"]).unwrap();
    let mut scratch = Scratch::default();
    let picks = paths.scan(json, &mut scratch).unwrap();
    let text = |pointer| raw(picks.get(pointer)).unwrap();
    assert_eq!((text(0), text(2)), ("[ 1 , 2 ]".to_owned(), "2".to_owned()));
    assert_eq!(picks.get(1).unwrap().span().range(), 1..22);
    assert!(picks.get(3).is_none());
}

#[test]
fn equal_and_nested_pointers_all_answer() {
    let paths = Paths::new(["/a/b", "/a", "/a/b", "/a/b/c"]).unwrap();
    let mut scratch = Scratch::default();
    let picks = paths.scan(br#"{"a":{"b":{"c":1}}}"#, &mut scratch).unwrap();
    let all: Vec<_> = (0..4).map(|pointer| raw(picks.get(pointer)).unwrap()).collect();
    assert_eq!(all, [r#"{"c":1}"#, r#"{"b":{"c":1}}"#, r#"{"c":1}"#, "1"]);
}

fn ids(json: &str) -> Option<Vec<Option<String>>> {
    let paths = Paths::new(["/next"]).unwrap().with_list("/page/results", ["/id"]).unwrap();
    let mut scratch = Scratch::default();
    let picks = paths.scan(json.as_bytes(), &mut scratch).unwrap();
    assert_eq!(picks.list().map(|list| list.len()), picks.list().map(Iterator::count));
    picks.list().map(|list| list.map(|element| raw(element.get(0))).collect())
}

#[test]
fn a_list_gives_each_element_its_own_picks() {
    let id = |id: &str| Some(id.to_owned());
    assert_eq!(
        ids(r#"{"page":{"results":[{"id":1},{},5,{"x":0,"id":2}]}}"#),
        Some(vec![id("1"), None, None, id("2")])
    );
    assert_eq!(ids(r#"{"page":{"results":[]}}"#), Some(vec![]));
    assert_eq!(ids(r#"{"page":{"results":[{"id":1}],"results":[{"id":2}]}}"#), Some(vec![id("2")]));
    assert_eq!(ids(r#"{"page":{"results":[{"id":1}]},"page":{}}"#), None);
    assert_eq!(ids(r#"{"page":{"results":{"0":{"id":1}}}}"#), None);
    assert_eq!(ids(r#"{"page":{"results":null}}"#), None);
    assert_eq!(ids("{}"), None);
}

#[test]
fn a_list_may_be_the_text_and_its_elements_may_be_asked_for_whole() {
    let paths = Paths::new([""]).unwrap().with_list("", ["", "/a/0"]).unwrap();
    let mut scratch = Scratch::default();
    let picks = paths.scan(br#"[{"a":[7]}, 8]"#, &mut scratch).unwrap();
    let rows: Vec<_> = picks.list().unwrap().map(|e| (raw(e.get(0)), raw(e.get(1)))).collect();
    assert_eq!(rows, [(Some(r#"{"a":[7]}"#.into()), Some("7".into())), (Some("8".into()), None)]);
    assert_eq!(raw(picks.get(0)).unwrap(), r#"[{"a":[7]}, 8]"#);
    assert_eq!(picks.list().unwrap().nth(1).unwrap().token().span().range(), 12..13);
}

#[test]
fn scratch_forgets_the_text_before() {
    let paths = Paths::new(["/a"]).unwrap().with_list("/l", ["/id"]).unwrap();
    let mut scratch = Scratch::default();
    paths.scan(br#"{"a":1,"l":[{"id":1}]}"#, &mut scratch).unwrap();
    let picks = paths.scan(b"{}", &mut scratch).unwrap();
    assert!(picks.get(0).is_none() && picks.list().is_none());
}

#[test]
fn a_list_has_a_limit() {
    let paths = Paths::new([""; 0]).unwrap().with_list("", ["/id"]).unwrap();
    let list = |elements: usize| format!("[{}0]", "0,".repeat(elements - 1));
    let mut scratch = Scratch::default();
    assert!(paths.scan(list(ELEMENTS_MAX).as_bytes(), &mut scratch).is_ok());
    let error = paths.scan(list(ELEMENTS_MAX + 1).as_bytes(), &mut scratch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooMany);
}
