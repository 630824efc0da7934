use proptest::prelude::*;
use serde_json::json;

use super::eval::STEPS_MAX;
use super::parse::SOURCE_MAX;
use crate::ops::laws::get;
use crate::work::Work;
use crate::{Chain, Kind, NoReferences};

const RECORD: &str = r#"{
    "name": "Ada", "age": 36, "price": 0.1, "tags": ["a", "b", "ab"], "none": null, "empty": [],
    "address": {"city": "Bath", "zip code": "BA1"}, "deals": [{"amount": 10, "won": true}, {"amount": 20.5}]
}"#;

#[track_caller]
fn check(expr: &str, expected: &str) {
    let op = json!({"op": "cel", "expr": expr}).to_string();
    assert_eq!(get(&op, RECORD), expected, "{expr}");
}

#[track_caller]
fn refuses(expr: &str) -> String {
    let op = json!({"op": "cel", "expr": expr});
    Chain::build(&[op], &Kind::Any).expect_err(expr).message
}

#[test]
fn literals_are_those_of_the_language() {
    check("null", "null");
    check(
        "[true, false, 1, -1, 0x1F, 1.50, .5, 1e3, 2E-2]",
        "[true,false,1,-1,31,1.50,0.5,1000,0.02]",
    );
    check(r#""a\n\"\x41\u00e9\U0001F600'""#, r#""a\n\"Aé😀'""#);
    check(r#"'"\'' + r'\n' + R"\""#, r#""\"'\\n\\""#);
    check("{'a': 1, 'b': [2]}", r#"{"a":1,"b":[2]}"#);
    check("1 // one\n + 2", "3");
}

#[test]
fn operators_bind_as_in_the_language() {
    check("1 + 2 * 3 - 4 / 2", "5");
    check("(1 + 2) * 3", "9");
    check("-2 + 1", "-1");
    check("--2", "2");
    check("[-0, -0.0, string(-0)]", r#"[0,0.0,"0"]"#);
    check("!true || true && false", "false");
    check("1 + 1 == 2 && 2 < 3", "true");
    check("true ? 1 : false ? 2 : 3", "1");
    check("false ? 1 : false ? 2 : 3", "3");
    check("!(1 in [1, 2])", "false");
    check("2 - 1 - 1", "0");
    check("7 % 4", "3");
    check("-7 % 4", "-3");
}

#[test]
fn numbers_are_exact() {
    check("price + 0.2", "0.3");
    check("price * 3 == 0.3", "true");
    check("7 / 2", "3.5");
    check("1 / 3 * 3 == 1", "false");
    check("1.0 == 1", "true");
    check("1 / 0", "mapping.cel");
    check("1 % 0", "mapping.cel");
    check("9999999999999999999999999999 * 10 + 1", "mapping.cel");
    check("9999999999999999999999999999.0 + 0.1", "mapping.cel");
}

#[test]
fn names_members_and_items_are_found() {
    check("name + ' ' + address.city + ' ' + this.address['zip code']", r#""Ada Bath BA1""#);
    check("tags[1]", r#""b""#);
    check("deals[1].amount", "20.5");
    check("this.none", "null");
    check("[1, 2][0] + {'a': 5}.a + {'a': {'b': 1}}.a.b", "7");
    for absent in ["nobody", "this.nobody", "address.nobody", "tags[3]", "tags[-1]", "tags[0.5]"] {
        check(absent, "mapping.cel");
    }
    for wrong in ["name.first", "none.x", "age['x']", "tags.a", "address[0]"] {
        check(wrong, "mapping.cel");
    }
    check("has(this.name) && !has(this.nobody) && has(address.city) && has(this.none)", "true");
    check("'city' in address && !('x' in address) && 'a' in tags", "true");
}

#[test]
fn values_are_equal_or_not_and_some_have_an_order() {
    check("[1, {'a': 1, 'b': 2}] == [1.0, {'b': 2, 'a': 1}]", "true");
    check("1 == '1'", "false");
    check("null == none && null != 0", "true");
    check("'b' > 'a' && 2 >= 2 && 1 <= 2 && false < true", "true");
    check("1 < 'a'", "mapping.cel");
    check("null < 1", "mapping.cel");
    check("[1] < [2]", "mapping.cel");
}

#[test]
fn answers_that_settle_hide_what_is_wrong() {
    check("nobody || true", "true");
    check("true || nobody", "true");
    check("false && nobody", "false");
    check("nobody && false", "false");
    check("nobody && true", "mapping.cel");
    check("1 || false", "mapping.cel");
    check("true ? 1 : nobody", "1");
    check("1 ? 2 : 3", "mapping.cel");
    check("[0, 1].exists(x, 1 / x == 1)", "true");
    check("[0, 1].all(x, 1 / x > 1)", "false");
    check("[0, 1].all(x, 1 / x == 1)", "mapping.cel");
}

#[test]
fn functions_take_their_types() {
    check("size(name) + name.size() + size(tags) + size(address) + size('é😀')", "13");
    check("name.contains('d') && name.startsWith('A') && name.endsWith('da')", "true");
    check("name.matches('^A[a-z]+$') && !matches(name, 'x')", "true");
    check("string(price) + string(true) + string('x')", r#""0.1truex""#);
    check("[int('12'), int(-1.9), double('1.50')]", "[12,-1,1.50]");
    check("name + 1", "mapping.cel");
    check("size(1)", "mapping.cel");
    check("int('NaN')", "mapping.cel");
    check("[1] + [2]", "[1,2]");
}

#[test]
fn macros_go_through_lists_and_names() {
    check("tags.all(t, size(t) > 0) && tags.exists(t, t == 'ab')", "true");
    check("tags.exists_one(t, t.contains('b'))", "false");
    check("deals.map(d, d.amount * 2)", "[20,41]");
    check("deals.map(d, has(d.won), d.amount)", "[10]");
    check("deals.filter(d, d.amount > 15)", r#"[{"amount":20.5}]"#);
    check("address.map(k, address[k])", r#"["Bath","BA1"]"#);
    check("tags.map(name, name + this.name)[0]", r#""aAda""#);
    check("tags.map(t, tags.filter(u, u.contains(t)))", r#"[["a","ab"],["b","ab"],["ab"]]"#);
    check("empty.all(x, false) && !empty.exists(x, true)", "true");
    check("name.map(c, c)", "mapping.cel");
}

#[test]
fn what_is_no_expression_is_refused_with_its_place() {
    for (expr, at) in [
        ("", 0),
        ("1 +", 3),
        ("(1", 2),
        ("1 2", 2),
        ("'a", 0),
        ("'\\q'", 1),
        ("a.", 2),
        ("a.in", 2),
        ("if", 0),
        ("1u", 0),
        ("0xg", 0),
        ("a = 1", 2),
        ("a[", 2),
        ("[1 2]", 3),
        ("{1 2}", 3),
        ("§", 0),
        ("f(1)", 0),
        ("size()", 0),
        ("has(a)", 0),
        ("a.matches(b)", 10),
        ("a.matches('(')", 10),
        ("a.map(1, 2)", 6),
        ("a.all(x)", 7),
        ("b'a'", 1),
        ("1.5.5", 3),
        ("a ? b", 5),
        ("'\\u12'", 1),
        ("'\\ud800'", 1),
        ("'a\nb'", 0),
    ] {
        let message = refuses(expr);
        assert!(message.contains(&format!("at byte {at}:")), "{expr}: {message}");
    }
}

#[test]
fn size_and_depth_are_bounded() {
    refuses(&"1".repeat(SOURCE_MAX + 1));
    refuses(&"(".repeat(4000));
    refuses(&"[".repeat(4000));
    refuses(&"!".repeat(4000));
    refuses(&format!("{}1", "-".repeat(4000)));
    refuses(&"a.".repeat(2000));
    refuses(&format!("a{}", "[0]".repeat(1000)));
    refuses(&format!("1{}", "+1".repeat(2000)));
    refuses(&"a?".repeat(2000));
    refuses(&"1?1:".repeat(1000));
    refuses("a.map(x, a.map(y, a.map(z, z)))");
    check(&format!("1{}", " + 1".repeat(90)), "91");
    check(&format!("{}1{}", "(".repeat(20), ")".repeat(20)), "1");
    check("tags.map(t, t).map(t, t).map(t, t).size()", "3");
}

#[test]
fn exploding_expressions_are_stopped_fast() {
    let list = format!("[{}]", vec!["0"; 1000].join(","));
    let double = |expr: &str| format!("[{expr}, {expr}]");
    let mut nested = "this".to_owned();
    while nested.len() < 2000 {
        nested = double(&nested);
    }
    for expr in [
        "this.map(x, this.map(y, x + y))",
        "this.map(x, this)",
        "this.map(x, this in [this])",
        "this.map(x, this.filter(y, this == this))",
        "this.all(x, this.all(y, x == y || true))",
        "this.map(x, this + this + this + this)",
        "this.exists(x, this.exists(y, !(y in this))) || true",
        nested.as_str(),
    ] {
        let op = json!({"op": "cel", "expr": expr}).to_string();
        let begun = std::time::Instant::now();
        let found = get(&op, &list);
        assert!(found == "mapping.cel-steps" || expr == nested, "{expr}: {found:.80}");
        assert!(begun.elapsed().as_secs() < 5, "{expr}: {:?} for {STEPS_MAX}", begun.elapsed());
    }
    let text = json!("a".repeat(1 << 20)).to_string();
    for (expr, code) in [
        ("this + this", "mapping.text-length"),
        ("[1,2,3,4,5,6,7,8].map(x, this + '')", "mapping.cel-steps"),
        ("this.matches('(a|b|ab)*c')", "mapping.cel-steps"),
    ] {
        let op = json!({"op": "cel", "expr": expr}).to_string();
        let found = get(&op, &text);
        assert_eq!(found.get(..code.len()), Some(code), "{expr}");
    }
}

/// Words of the language in a row, most of which mean nothing.
fn rows() -> impl Strategy<Value = String> {
    let words = [
        "a",
        "this",
        "name",
        "tags",
        "1",
        "0.5",
        "'a'",
        "true",
        "null",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ".",
        ",",
        ":",
        "?",
        "+",
        "-",
        "*",
        "/",
        "%",
        "!",
        "&&",
        "||",
        "==",
        "<",
        "in",
        "size(",
        ".map(x,",
        ".all(x,",
        "has(this.",
        "string(",
        "\\",
        "'",
        "\"",
        "é",
        "//",
        "0x",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..20).prop_map(|row| row.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_row_of_words_panics(row in rows()) {
        if let Ok(expr) = super::parse::parse(&row) {
            let record = crate::Value::parse(RECORD.as_bytes()).unwrap();
            drop(super::eval::evaluate(&expr, &record, &Work::new(&NoReferences)));
        }
    }
}
