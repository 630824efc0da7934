//! Records within records, as far as a schema says itself what members they get.

use plughouse_scan::pointer::{escape, unescape};
use serde_json::Value as Json;

use super::field::op_name;
use crate::diagnostic::{Diagnostic, Report};
use crate::record_type::FieldKind;
use crate::{Kind, OnError, RecordType, Schema, Types, Value};

/// Checks the members that operations and defaults write down against the types that stand within
/// this one. What the provider's objects have in them nobody knows before they are read.
pub(super) fn check(schema: &Schema, record_type: &RecordType, types: &Types, report: &mut Report) {
    let mut within = Within { types, report };
    for (position, map) in schema.fields.iter().enumerate() {
        let [name] = map.to.as_slice() else { continue };
        let field = record_type.field(name).filter(|field| field.kind.embedded().is_some());
        let Some(field) = field else { continue };
        let at = format!("/fields/{position}");
        within.ops(&format!("{at}/ops"), &field.kind, &map.ops);
        if let OnError::Default(json) = &map.on_error {
            within.outer(&format!("{at}/on_error/default"), &field.kind, json);
        }
    }
}

struct Within<'c> {
    types: &'c Types,
    report: &'c mut Report,
}

impl<'c> Within<'c> {
    /// The last operation decides, and before a default the one before it as well.
    fn ops(&mut self, at: &str, kind: &FieldKind, ops: &[Json]) {
        let Some((op, before)) = ops.split_last() else { return };
        let at_op = format!("{at}/{}", before.len());
        match (op_name(op), kind) {
            (Some(name @ ("const" | "default")), _) => {
                if let Some(json) = op.get("value") {
                    self.outer(&format!("{at_op}/value"), kind, json);
                }
                if name == "default" {
                    self.ops(at, kind, before);
                }
            }
            (Some("list_map"), FieldKind::List(item)) => {
                let inner = op.get("ops").and_then(Json::as_array);
                self.ops(&format!("{at_op}/ops"), item, inner.map_or(&[], Vec::as_slice));
            }
            (Some("nest"), _) => {
                let path = op.get("path").and_then(Json::as_str).unwrap_or_default();
                let steps = path.split('/').skip(1).filter_map(unescape);
                self.path(&at_op, kind, &steps.collect::<Vec<_>>());
            }
            (Some("pick"), FieldKind::Embed(name)) => {
                let keys = op.get("keys").and_then(Json::as_array).into_iter().flatten();
                self.record(&at_op, name, &keys.filter_map(Json::as_str).collect::<Vec<_>>());
            }
            _ => {}
        }
    }

    /// A value for the field itself; whether it is an object at all is checked with the field.
    fn outer(&mut self, at: &str, kind: &FieldKind, json: &Json) {
        if Value::from_json(json).and_then(|value| value.typed(&kind.kind())).is_ok() {
            self.value(at, kind, json);
        }
    }

    fn value(&mut self, at: &str, kind: &FieldKind, json: &Json) {
        if let Err(fault) = Value::from_json(json).and_then(|value| value.typed(&kind.kind())) {
            self.report.error("mapping.type", at, format!("the value does not fit: {fault}"));
        }
        match (kind, json) {
            (FieldKind::List(item), Json::Array(items)) => {
                for (position, json) in items.iter().enumerate() {
                    self.value(&format!("{at}/{position}"), item, json);
                }
            }
            (FieldKind::Embed(name), Json::Object(members)) => {
                let given = members.iter().filter(|(_, json)| !json.is_null());
                let keys: Vec<_> = given.map(|(key, _)| key.as_str()).collect();
                let Some(found) = self.record(at, name, &keys) else { return };
                for (key, json) in members {
                    if let Some(field) = found.field(key) {
                        self.value(&format!("{at}/{}", escape(key)), &field.kind, json);
                    }
                }
            }
            _ => {}
        }
    }

    /// Objects of one member each, within each other.
    fn path(&mut self, at: &str, kind: &FieldKind, steps: &[String]) {
        let Some((step, rest)) = steps.split_first() else { return };
        match kind {
            FieldKind::Plain(Kind::Any | Kind::Object) => {}
            FieldKind::Embed(name) => {
                let field = self.record(at, name, &[step]).and_then(|found| found.field(step));
                if let Some(field) = field {
                    self.path(at, &field.kind, rest);
                }
            }
            kind => {
                let message = format!("a value of type {kind} has no member {step:?}");
                self.report.push(Diagnostic::error("mapping.type", at, message).op("nest"));
            }
        }
    }

    /// Checks that a record has these members and no others.
    fn record(&mut self, at: &str, name: &str, keys: &[&str]) -> Option<&'c RecordType> {
        let found = self.types.get(name)?;
        for key in keys.iter().filter(|key| found.field(key).is_none()) {
            let message = format!("`{name}` has no field {key:?}");
            self.report.error("schema.target", at, message);
        }
        let required = found.fields.iter().filter(|field| field.required);
        for field in required.filter(|field| !keys.contains(&field.name.as_str())) {
            let message = format!("`{}` is required in `{name}` and is not there", field.name);
            self.report.error("schema.required", at, message);
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Source, compile};

    fn types() -> Types {
        let made = |json: Json| RecordType::parse(&json.to_string()).unwrap();
        let field = |name: &str, kind: &str| json!({"name": name, "kind": kind});
        let place = json!({"name": "x_place", "fields": [field("lat", "decimal")]});
        let address = json!({"name": "x_address", "fields": [
            {"name": "city", "kind": "text", "required": true},
            field("zip", "text"), field("place", "embed:x_place")]});
        let person = json!({"name": "x_person", "fields": [
            field("home", "embed:x_address"), field("places", "list:embed:x_place")]});
        Types::built_in().with([place, address, person].map(made)).unwrap()
    }

    #[track_caller]
    fn check(map: &Json, expected: &[&str]) {
        let mut map = map.clone();
        map["from"] = json!("/x");
        map["direction"] = json!("in");
        let schema = json!({
            "format": 1, "name": "t", "entity": "e", "type": "x_person", "fields": [map],
        });
        let schema = Schema::parse(&schema.to_string()).unwrap();
        let found = compile(&schema, &types(), &Source::default()).err().unwrap_or_default();
        let found: Vec<_> = found.iter().map(|d| format!("{} {}", d.code, d.pointer)).collect();
        assert_eq!(found, expected, "{map}");
    }

    #[test]
    fn members_that_a_schema_writes_down_are_those_of_the_type() {
        let home = |op: Json| json!({"to": "home", "ops": [op]});
        let value = |value: Json| json!({"op": "const", "value": value});
        check(&home(value(json!({"city": "Bath", "place": {"lat": 5}}))), &[]);
        check(
            &home(value(json!({"zip": 7, "town": "Bath"}))),
            &[
                "schema.target /fields/0/ops/0/value",
                "schema.required /fields/0/ops/0/value",
                "mapping.type /fields/0/ops/0/value/zip",
            ],
        );
        check(
            &home(value(json!({"city": "Bath", "place": {"lon": 5}}))),
            &["schema.target /fields/0/ops/0/value/place"],
        );
        check(&home(json!({"op": "nest", "path": "/city"})), &[]);
        check(
            &home(json!({"op": "nest", "path": "/city/name"})),
            &["mapping.type /fields/0/ops/0"],
        );
        check(&home(json!({"op": "pick", "keys": ["city", "zip"]})), &[]);
        check(
            &home(json!({"op": "pick", "keys": ["zip", "lat"]})),
            &["schema.target /fields/0/ops/0", "schema.required /fields/0/ops/0"],
        );
    }

    #[test]
    fn lists_and_defaults_of_records_are_looked_into() {
        let nest = |path: &str| json!({"op": "nest", "path": path});
        let each = |path: &str| json!({"op": "list_map", "ops": [nest(path)]});
        check(&json!({"to": "places", "ops": [each("/lat")]}), &[]);
        check(
            &json!({"to": "places", "ops": [each("/lon")]}),
            &["schema.target /fields/0/ops/0/ops/0"],
        );
        check(
            &json!({"to": "places", "on_error": {"default": [{"lat": 1}, {"lat": "x"}]}}),
            &["mapping.type /fields/0/on_error/default/1/lat"],
        );
        let filled = json!({"op": "default", "value": {"city": "Bath"}});
        check(
            &json!({"to": "home", "ops": [nest("/town"), filled]}),
            &["schema.target /fields/0/ops/0", "schema.required /fields/0/ops/0"],
        );
        check(
            &json!({"to": "home", "on_error": {"default": 7}}),
            &["mapping.default /fields/0/on_error/default"],
        );
        check(&json!({"to": "home"}), &[]);
    }
}
