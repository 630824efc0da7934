//! Records through programs.

mod budget;
mod laws;
mod malformed;

use serde_json::{Value as Json, json};

use crate::{
    Issue, NoReferences, Patch, Program, Reading, RecordType, Schema, Scratch, Source, Types,
    compile,
};

/// A record type with a field of every kind.
const TYPE: &str = r#"{"name": "x_thing", "fields": [
    {"name": "text", "kind": "text"},
    {"name": "more", "kind": "text"},
    {"name": "flag", "kind": "bool"},
    {"name": "count", "kind": "integer"},
    {"name": "amount", "kind": "decimal"},
    {"name": "day", "kind": "date"},
    {"name": "at", "kind": "datetime"},
    {"name": "price", "kind": "money"},
    {"name": "tags", "kind": "list:text"},
    {"name": "nested", "kind": "object"},
    {"name": "anything", "kind": "any"},
    {"name": "company", "kind": "ref:c_company"}
]}"#;

pub(super) fn types() -> Types {
    Types::built_in().with([RecordType::parse(TYPE).unwrap()]).unwrap()
}

/// The program of these field maps to `x_thing`.
#[track_caller]
pub(crate) fn program(fields: &Json) -> Program {
    program_from(fields, &Source::default())
}

#[track_caller]
pub(super) fn program_from(fields: &Json, source: &Source) -> Program {
    let schema = json!({"format": 1, "name": "test", "entity": "thing", "type": "x_thing", "fields": fields});
    let schema = Schema::parse(&schema.to_string()).unwrap_or_else(|e| panic!("{e:?}"));
    let compiled = compile(&schema, &types(), source);
    compiled.unwrap_or_else(|e| panic!("{e:?}")).program
}

/// The record that comes out, or the code and the field of everything that is wrong.
pub(super) fn read(program: &Program, payload: &str) -> Result<String, String> {
    let mut scratch = Scratch::default();
    match program.read(payload.as_bytes(), &mut scratch, &NoReferences) {
        Reading::Mapped { doc, .. } => Ok(String::from_utf8(doc.to_vec()).unwrap()),
        Reading::Rejected { issues } => Err(codes(&issues)),
    }
}

fn codes(issues: &[Issue]) -> String {
    let codes: Vec<_> = issues.iter().map(|i| format!("{}: {}", i.field, i.code)).collect();
    codes.join(", ")
}

pub(super) fn write(program: &Program, doc: &str, base: &str) -> Result<String, String> {
    patch(program, doc, base).map(|patch| patch.json)
}

pub(super) fn patch(program: &Program, doc: &str, base: &str) -> Result<Patch, String> {
    let patch = program.write(doc.as_bytes(), base.as_bytes(), &NoReferences);
    patch.map_err(|issues| codes(&issues))
}

/// The provider's record after a patch: what stands at its paths is replaced.
pub(super) fn apply(patch: &Patch, base: &Json) -> Json {
    let json: Json = serde_json::from_str(&patch.json).unwrap();
    let mut after = base.clone();
    for path in &patch.paths {
        let (mut to, mut from) = (&mut after, &json);
        for name in path.split('/').skip(1) {
            if from.is_array() {
                break;
            }
            if !to.is_object() {
                *to = json!({});
            }
            (to, from) = (&mut to[name], &from[name]);
        }
        *to = from.clone();
    }
    after
}

#[track_caller]
fn check_read(fields: &Json, payload: &str, expected: Result<&str, &str>) {
    let found = read(&program(fields), payload);
    assert_eq!(found.as_deref().map_err(String::as_str), expected);
}

#[track_caller]
fn check_write(fields: &Json, doc: &str, base: &str, expected: Result<&str, &str>) {
    let found = write(&program(fields), doc, base);
    assert_eq!(found.as_deref().map_err(String::as_str), expected);
}

#[test]
fn fields_come_in_the_order_of_the_type_and_tokens_as_they_stand() {
    let fields = json!([
        {"from": "/n", "to": "nested"},
        {"from": "/c", "to": "count"},
        {"from": "/t", "to": "text"},
        {"from": "/d", "to": "amount"},
    ]);
    let payload = r#"{"t": "a\u00e9b", "n": { "x": [1, 2] }, "d": 1.500, "c": 12345678901234567890123456789012}"#;
    let expected = r#"{"text":"a\u00e9b","count":12345678901234567890123456789012,"amount":1.500,"nested":{"x":[1,2]}}"#;
    check_read(&fields, payload, Ok(expected));
}

#[test]
fn a_missing_value_is_left_out_and_null_stays_null() {
    let fields = json!([
        {"from": "/a", "to": "text"},
        {"from": "/b", "to": "more", "ops": ["trim"]},
    ]);
    check_read(&fields, "{}", Ok("{}"));
    check_read(&fields, r#"{"a": null, "b": null}"#, Ok(r#"{"text":null,"more":null}"#));
    check_read(&fields, r#"{"a": "", "b": " x "}"#, Ok(r#"{"text":"","more":"x"}"#));
}

#[test]
fn a_value_that_does_not_fit_is_handled_as_the_field_says() {
    let with = |on_error: Json| json!([{"from": "/a", "to": "text", "on_error": on_error}]);
    let payload = r#"{"a": 7}"#;
    check_read(&with(json!("skip_field")), payload, Ok("{}"));
    check_read(&with(json!("null")), payload, Ok(r#"{"text":null}"#));
    check_read(&with(json!({"default": "x"})), payload, Ok(r#"{"text":"x"}"#));
    check_read(&with(json!("reject_record")), payload, Err("text: mapping.type"));
}

#[test]
fn days_instants_and_amounts_are_read_from_their_json_without_an_operation() {
    let fields = json!([
        {"from": "/d", "to": "day"},
        {"from": "/t", "to": "at"},
        {"from": "/m", "to": "price"},
    ]);
    let payload = r#"{"d": "2026-02-28", "t": "2026-01-01T12:00:00.000Z",
        "m": {"currency": "EUR", "amount": 12.30}}"#;
    let expected = r#"{"day":"2026-02-28","at":"2026-01-01T12:00:00Z","price":{"amount":"12.30","currency":"EUR"}}"#;
    check_read(&fields, payload, Ok(expected));
    check_write(&fields, expected, payload, Ok("{}"));
    check_read(&fields, r#"{"d": "2026-02-30", "t": 7}"#, Ok("{}"));
}

#[test]
fn what_was_not_changed_is_not_written() {
    let fields = json!([
        {"from": "/p/email", "to": "text", "ops": ["trim", "lower"]},
        {"from": "/p/n", "to": "amount"},
    ]);
    let base = r#"{"p": {"email": " A@B.example ", "n": 1.0, "other": true}}"#;
    check_write(&fields, r#"{"text":"a@b.example","amount":1.00}"#, base, Ok("{}"));
    check_write(&fields, "{}", base, Ok("{}"));
    check_write(
        &fields,
        r#"{"text":"c@b.example","amount":2}"#,
        base,
        Ok(r#"{"p":{"email":"c@b.example","n":2}}"#),
    );
    check_write(&fields, r#"{"text":null}"#, base, Ok(r#"{"p":{"email":null}}"#));
}

#[test]
fn a_default_is_not_written_back_where_it_stood_for_an_unfit_value() {
    let fields = json!([{"from": "/a", "to": "text", "on_error": {"default": "x"}}]);
    check_write(&fields, r#"{"text":"x"}"#, r#"{"a": 7}"#, Ok("{}"));
    check_write(&fields, r#"{"text":"y"}"#, r#"{"a": 7}"#, Ok(r#"{"a":"y"}"#));
    let fields =
        json!([{"from": "/a", "to": "text", "ops": ["trim"], "on_error": {"default": "x"}}]);
    check_write(&fields, r#"{"text":"x"}"#, r#"{"a": 7}"#, Ok("{}"));
    check_write(&fields, r#"{"text":"y"}"#, r#"{"a": 7}"#, Ok(r#"{"a":"y"}"#));
}

#[test]
fn a_change_in_a_list_carries_the_whole_list() {
    let fields = json!([
        {"from": "/emails/1/value", "to": "text"},
        {"from": "/emails/0/value", "to": "more"},
    ]);
    let base = r#"{"emails": [{"value": "a", "type": "work"}, {"value": "b", "n": 1.10}], "x": 1}"#;
    check_read(&fields, base, Ok(r#"{"text":"b","more":"a"}"#));
    let changed = r#"{"emails":[{"value":"c","type":"work"},{"value":"d","n":1.10}]}"#;
    check_write(&fields, r#"{"text":"d","more":"c"}"#, base, Ok(changed));
    check_write(&fields, r#"{"text":"d"}"#, r#"{"emails":[]}"#, Err("text: mapping.path"));
    check_write(&fields, r#"{"text":"d"}"#, "{}", Err("text: mapping.path"));
    check_write(&fields, r#"{"text":"d"}"#, r#"{"emails":"none"}"#, Err("text: mapping.path"));
}

#[test]
fn pointers_with_escapes_and_empty_names_are_written_where_they_were_read() {
    let fields = json!([
        {"from": "/a~1b/m~0n", "to": "text"},
        {"from": "/", "to": "more"},
    ]);
    let base = r#"{"a/b": {"m~n": "1"}, "": "2"}"#;
    check_read(&fields, base, Ok(r#"{"text":"1","more":"2"}"#));
    let doc = r#"{"text":"3","more":"4"}"#;
    check_write(&fields, doc, base, Ok(r#"{"a/b":{"m~n":"3"},"":"4"}"#));
}

#[test]
fn an_edit_is_written_where_it_is_read_again() {
    let maps = |from: &str| json!([{"from": from, "to": "anything"}]);
    let twice = r#"{"l":[{"a":1,"a":2}]}"#;
    check_write(&maps("/l/0/a"), r#"{"anything":9}"#, twice, Ok(r#"{"l":[{"a":1,"a":9}]}"#));
    for no_index in ["/l/01", "/l/+1", "/l/-"] {
        let found = Err("anything: mapping.path");
        check_write(&maps(no_index), r#"{"anything":9}"#, r#"{"l":[1,2]}"#, found);
    }
}

#[test]
fn one_source_serves_several_fields_and_a_path_within_it_another() {
    let fields = json!([
        {"from": "/a", "to": "nested", "direction": "in"},
        {"from": "/a", "to": "anything", "direction": "in"},
        {"from": "/a/b", "to": "text"},
        {"from": "", "to": "company", "ops": [{"op": "const", "value": "c"}], "direction": "in"},
    ]);
    let expected = r#"{"text":"x","nested":{"b":"x"},"anything":{"b":"x"},"company":"c"}"#;
    check_read(&fields, r#"{"a": {"b": "x"}}"#, Ok(expected));
}

#[test]
fn a_required_field_without_a_value_rejects_the_record() {
    let schema = r#"{"format": 1, "name": "t", "entity": "e", "type": "c_company",
        "fields": [{"from": "/n", "to": "name"}, {"from": "/d", "to": "domain"}]}"#;
    let schema = Schema::parse(schema).unwrap();
    let compiled = compile(&schema, &Types::built_in(), &Source::default()).unwrap();
    assert_eq!(compiled.warnings.len(), 1, "{:?}", compiled.warnings);
    let check = |payload, expected: Result<&str, &str>| {
        let found = read(&compiled.program, payload);
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    };
    check(r#"{"n": "Acme", "d": 7}"#, Ok(r#"{"name":"Acme"}"#));
    check(r#"{"d": "x"}"#, Err("name: mapping.required"));
    check(r#"{"n": null}"#, Err("name: mapping.required"));
    check(r#"{"n": 7}"#, Err("name: mapping.type"));
}

#[test]
fn the_address_of_a_record_is_made_by_its_own_operations() {
    let schema = r#"{"format": 1, "name": "t", "entity": "e", "type": "x_thing",
        "fields": [{"from": "/id", "to": "text"}],
        "url": {"from": "/id", "ops": [{"op": "prefix_add", "text": "https://x.example/"}]}}"#;
    let schema = Schema::parse(schema).unwrap();
    let program = compile(&schema, &types(), &Source::default()).unwrap().program;
    let mut scratch = Scratch::default();
    let Reading::Mapped { url, issues, .. } =
        program.read(br#"{"id": "7"}"#, &mut scratch, &NoReferences)
    else {
        panic!("rejected")
    };
    assert_eq!((url.as_deref(), issues.as_slice()), (Some("https://x.example/7"), &[][..]));
}

#[test]
fn an_address_that_a_browser_would_run_is_left_out() {
    let schema = r#"{"format": 1, "name": "t", "entity": "e", "type": "x_thing",
        "fields": [{"from": "/u", "to": "text"}], "url": {"from": "/u"}}"#;
    let program = compile(&Schema::parse(schema).unwrap(), &types(), &Source::default());
    let (program, mut scratch) = (program.unwrap().program, Scratch::default());
    let mut link = |url: &str| {
        let payload = json!({"u": url}).to_string();
        match program.read(payload.as_bytes(), &mut scratch, &NoReferences) {
            Reading::Mapped { url, issues, .. } => (url.is_some(), codes(&issues)),
            Reading::Rejected { issues } => (false, codes(&issues)),
        }
    };
    assert_eq!(link("HTTPS://x.example/"), (true, String::new()));
    for url in ["javascript:alert(1)", "file:///etc/passwd", " https://x.example", "", "httpé"] {
        assert_eq!(link(url), (false, "url: mapping.url".to_owned()), "{url}");
    }
}
