//! What is accepted and what is refused, and where.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use plughouse_scan::{DEPTH_MAX, ErrorKind, Paths, Scratch, validate};

#[track_caller]
fn accept(json: &str) {
    assert_eq!(validate(json.as_bytes()), Ok(()), "{json}");
    let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_str(json);
    assert!(parsed.is_ok(), "serde_json refuses {json}");
}

#[track_caller]
fn refuse(json: impl AsRef<[u8]>, kind: ErrorKind, offset: usize) {
    let error = validate(json.as_ref()).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (kind, offset));
    // The same text below a pick, where the other half of the scanner reads it.
    let wrapped = [b"{\"a\":[0,", json.as_ref(), b"]}"].concat();
    let paths = Paths::new(["/a/1", "/a/2", "/a/1/0", "/a/1/a"]).unwrap();
    assert!(paths.scan(&wrapped, &mut Scratch::default()).is_err());
}

#[test]
fn all_of_rfc_8259_is_accepted() {
    for json in ["null", "true", "false", "0", "-0", "12", "1.5", "1e9", "1E+9", "-1.25e-07"] {
        accept(json);
        accept(&format!(" [\t{json} ,\r\n{json}]\n"));
    }
    accept("{}");
    accept("[ ]");
    accept(r#"{"a":{"b":[{}]},"":"","a":1}"#);
    accept(r#""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00""#);
    accept("\"é€😀\u{7f}\u{2028}\"");
    accept(r#""\ud800""#);
    accept("123456789012345678901234567890");
}

#[test]
fn broken_values_are_refused_where_they_break() {
    refuse("", ErrorKind::End, 0);
    refuse(" ", ErrorKind::End, 1);
    refuse("nul", ErrorKind::End, 3);
    refuse("nulL", ErrorKind::Value, 3);
    refuse("True", ErrorKind::Value, 0);
    refuse("'a'", ErrorKind::Value, 0);
    refuse("\u{feff}1", ErrorKind::Value, 0);
    refuse("[1] []", ErrorKind::Trailing, 4);
    refuse("1\0", ErrorKind::Trailing, 1);
    refuse("NaN", ErrorKind::Value, 0);
}

#[test]
fn broken_numbers_are_refused() {
    refuse("01", ErrorKind::Trailing, 1);
    refuse("-", ErrorKind::End, 1);
    refuse("-x", ErrorKind::Number, 1);
    refuse("1.", ErrorKind::End, 2);
    refuse("1.e1", ErrorKind::Number, 2);
    refuse("1e", ErrorKind::End, 2);
    refuse("1e+", ErrorKind::End, 3);
    refuse("[+1]", ErrorKind::Value, 1);
    refuse("[.5]", ErrorKind::Value, 1);
}

#[test]
fn broken_strings_are_refused() {
    refuse("\"abc", ErrorKind::End, 4);
    refuse("\"abcdefghijkl", ErrorKind::End, 13);
    refuse("\"abc\\", ErrorKind::End, 5);
    refuse(r#""\x""#, ErrorKind::Escape, 2);
    refuse(r#""\u12g4""#, ErrorKind::Escape, 5);
    refuse("\"a\tb\"", ErrorKind::Control, 2);
    refuse("\"0123456789\nabc\"", ErrorKind::Control, 11);
    refuse(b"\"ab\xff\"", ErrorKind::Utf8, 3);
    refuse(b"\"01234567\xc3\"", ErrorKind::Utf8, 9);
    refuse(b"\"\xed\xa0\x80\"", ErrorKind::Utf8, 1);
    refuse(b"\"\xc0\x80\"", ErrorKind::Utf8, 1);
    refuse(b"[1,\xff]", ErrorKind::Value, 3);
}

#[test]
fn broken_containers_are_refused() {
    refuse("[1 2]", ErrorKind::Comma, 3);
    refuse("[1,]", ErrorKind::Value, 3);
    refuse("[,1]", ErrorKind::Value, 1);
    refuse("[1", ErrorKind::End, 2);
    refuse("[1}", ErrorKind::Comma, 2);
    refuse("{\"a\":1]", ErrorKind::Comma, 6);
    refuse("{\"a\" 1}", ErrorKind::Colon, 5);
    refuse("{\"a\":1,}", ErrorKind::Key, 7);
    refuse("{a:1}", ErrorKind::Key, 1);
    refuse("{1:1}", ErrorKind::Key, 1);
    refuse("{\"a\"}", ErrorKind::Colon, 4);
    refuse("{\"a\":}", ErrorKind::Value, 5);
    refuse(r#"{"\ud800":1}"#, ErrorKind::Surrogate, 2);
}

#[test]
fn nesting_ends_at_the_limit_whether_or_not_somebody_looks() {
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    let pointers = ["/0".repeat(DEPTH_MAX), "/0/0".to_owned(), "/1".to_owned()];
    let paths = Paths::new(pointers).unwrap();
    let scan = |json: &str| paths.scan(json.as_bytes(), &mut Scratch::default()).map(drop);
    let parses = |json: &str| serde_json::from_str::<serde_json::Value>(json).is_ok();
    for (depth, accepted) in [(DEPTH_MAX, true), (DEPTH_MAX + 1, false), (1_000_000, false)] {
        let json = nested(depth);
        assert_eq!(validate(json.as_bytes()).is_ok(), accepted);
        assert_eq!(scan(&json).is_ok(), accepted);
        assert_eq!(parses(&json), accepted);
    }
}
