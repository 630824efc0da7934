//! From schema to its canonical text.

use serde_json::{Map, Value as Json, json};

use super::{Direction, FieldMap, OnError, Schema};

/// Keys in alphabetical order, what is the default left out, no spaces.
pub(super) fn schema(schema: &Schema) -> String {
    let mut members = Map::new();
    members.insert("format".to_owned(), json!(Schema::FORMAT));
    members.insert("name".to_owned(), json!(schema.name));
    members.insert("entity".to_owned(), json!(schema.entity));
    members.insert("type".to_owned(), json!(schema.record_type));
    members.insert("fields".to_owned(), schema.fields.iter().map(field).collect());
    if let Some(url) = &schema.url {
        let mut link = Map::new();
        ends(&mut link, "from", &url.from);
        ops(&mut link, &url.ops);
        members.insert("url".to_owned(), Json::Object(link));
    }
    Json::Object(members).to_string()
}

fn field(field: &FieldMap) -> Json {
    let mut members = Map::new();
    ends(&mut members, "from", &field.from);
    ops(&mut members, &field.ops);
    ends(&mut members, "to", &field.to);
    let on_error = match &field.on_error {
        OnError::SkipField => None,
        OnError::Null => Some(json!("null")),
        OnError::RejectRecord => Some(json!("reject_record")),
        OnError::Default(value) => Some(json!({ "default": value })),
    };
    members.extend(on_error.map(|word| ("on_error".to_owned(), word)));
    if field.direction == Direction::In {
        members.insert("direction".to_owned(), json!("in"));
    }
    Json::Object(members)
}

fn ends(members: &mut Map<String, Json>, key: &str, ends: &[String]) {
    match ends {
        [] => {}
        [one] => drop(members.insert(key.to_owned(), json!(one))),
        several => drop(members.insert(key.to_owned(), json!(several))),
    }
}

/// `{"op": "trim"}` is `"trim"`.
fn ops(members: &mut Map<String, Json>, ops: &[Json]) {
    let short = |op: &Json| match op.get("op") {
        Some(name) if op.as_object().is_some_and(|members| members.len() == 1) => name.clone(),
        _ => op.clone(),
    };
    if !ops.is_empty() {
        members.insert("ops".to_owned(), ops.iter().map(short).collect());
    }
}
