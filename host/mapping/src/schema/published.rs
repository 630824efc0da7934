//! The JSON Schema of schemas, for editors and other tools.

use serde_json::{Map, Value as Json, json};

use super::Schema;
use crate::members::TEXT_BYTES_MAX;
use crate::ops::{self, Param, ParamKind, Spec};

/// The JSON Schema (2020-12) of the text of a schema. It says what can be written; which types
/// go together is said by [`compile`](crate::compile()).
pub fn json_schema() -> String {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Conversion schema",
        "description": "Maps a provider's record to a record type, and back.",
        "type": "object",
        "required": ["format", "name", "entity", "type", "fields"],
        "additionalProperties": false,
        "properties": {
            "format": {"const": Schema::FORMAT},
            "name": name("What it is called."),
            "entity": name("The provider's entity."),
            "type": name("The record type."),
            "fields": {
                "type": "array",
                "maxItems": Schema::FIELDS_MAX,
                "items": {"$ref": "#/$defs/field"},
            },
            "url": object(&[], &json!({"from": reference("from"), "ops": reference("ops")})),
        },
        "$defs": definitions(),
    });
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

fn definitions() -> Json {
    let field = json!({
        "from": reference("from"),
        "ops": reference("ops"),
        "to": one_or_more(1, &json!({
            "type": "string",
            "description": "A field of the record type.",
            "maxLength": TEXT_BYTES_MAX,
        })),
        "on_error": {
            "description": "What happens when a value does not fit; \"skip_field\" when left out.",
            "oneOf": [
                {"enum": ["null", "skip_field", "reject_record"]},
                object(&["default"], &json!({"default": true})),
            ],
        },
        "direction": {
            "description": "Whether the field is written back; \"both\" when left out.",
            "enum": ["both", "in"],
        },
    });
    let pointer = json!({
        "type": "string",
        "description": "A JSON Pointer into the provider's record.",
        "pattern": "^(/([^~/]|~[01])*)*$",
        "maxLength": TEXT_BYTES_MAX,
    });
    json!({
        "field": object(&["to"], &field),
        "from": one_or_more(0, &pointer),
        "ops": {"type": "array", "maxItems": Schema::OPS_MAX, "items": reference("op")},
        "op": {"oneOf": ops::all().flat_map(op).collect::<Vec<_>>()},
    })
}

/// An operation as an object and, when it needs no parameter, by its name alone.
fn op(spec: &Spec) -> Vec<Json> {
    let mut properties = Map::new();
    properties.insert("op".to_owned(), json!({"const": spec.name}));
    for param in spec.params {
        properties.insert(param.name.to_owned(), self::param(param));
    }
    let needed = spec.params.iter().filter(|param| param.required).map(|param| param.name);
    let required: Vec<_> = std::iter::once("op").chain(needed).collect();
    let mut written = object(&required, &Json::Object(properties));
    if let Json::Object(members) = &mut written {
        members.insert("description".to_owned(), json!(spec.summary));
    }
    let short = json!({"const": spec.name, "description": spec.summary});
    if required.len() == 1 { vec![short, written] } else { vec![written] }
}

fn param(param: &Param) -> Json {
    let mut schema = match param.kind {
        ParamKind::Text => json!({"type": "string"}),
        ParamKind::Count => json!({"type": "integer", "minimum": 0}),
        ParamKind::Decimal => json!({"type": ["number", "string"]}),
        ParamKind::Bool => json!({"type": "boolean"}),
        ParamKind::Json => json!({}),
        ParamKind::Texts => json!({"type": "array", "items": {"type": "string"}}),
        ParamKind::Table => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        ParamKind::Ops => reference("ops"),
        ParamKind::Choice(words) => json!({"enum": words}),
    };
    if let Json::Object(members) = &mut schema {
        members.insert("description".to_owned(), json!(param.summary));
    }
    schema
}

fn name(description: &str) -> Json {
    json!({
        "type": "string",
        "description": description,
        "minLength": 1,
        "maxLength": Schema::NAME_BYTES_MAX,
        "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
    })
}

fn object(required: &[&str], properties: &Json) -> Json {
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn one_or_more(min: usize, item: &Json) -> Json {
    let max = Schema::ENDS_MAX;
    let several = json!({"type": "array", "minItems": min, "maxItems": max, "items": item});
    json!({"oneOf": [item, several]})
}

fn reference(name: &str) -> Json {
    json!({"$ref": format!("#/$defs/{name}")})
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_published_file_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/conversion-schema.json");
        let current = json_schema();
        if fs::read_to_string(path).ok().as_deref() != Some(&current) {
            fs::write(path, current).unwrap();
            panic!("{path} was not current and has been written anew; commit it");
        }
    }
}
