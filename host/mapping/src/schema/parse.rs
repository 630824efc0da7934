//! From text to schema.

use plughouse_scan::Paths;
use serde_json::Value as Json;

use super::{Direction, FieldMap, Link, OnError, Schema, strict};
use crate::diagnostic::Report;
use crate::members::{Members, wrong};
use crate::ops;
use crate::{Diagnostic, Fault};

pub(super) fn schema(text: &str) -> Result<Schema, Vec<Diagnostic>> {
    let mut report = Report::default();
    let json = strict(text, Schema::TEXT_BYTES_MAX, Schema::DEPTH_MAX, &mut report);
    let schema = json.and_then(|json| read(json, &mut report));
    match schema {
        Some(schema) if !report.refuses() => Ok(schema),
        _ => Err(report.into_list()),
    }
}

fn read(json: Json, report: &mut Report) -> Option<Schema> {
    let (expressions, max) = (ops::expressions(&json), ops::EXPRESSIONS_MAX);
    if expressions > max {
        let message = format!("the schema has {expressions} regular expressions; at most {max}");
        report.push(Diagnostic::error("schema.size", "/fields", message).types(&max, &expressions));
        return None;
    }
    let mut members = Members::of(json, "", report)?;
    let format = members.need("format", "\"format\": 1");
    if let Some(found) = format.filter(|format| format.as_u64() != Some(Schema::FORMAT)) {
        let message = format!("the format {found} is not known; this version reads 1");
        members.report.error("schema.format", "/format", message);
    }
    let title = name(&mut members, "name", "a name for the schema, as \"hubspot.contact\"");
    let entity = name(&mut members, "entity", "the provider's entity, as \"contact\"");
    let record_type = name(&mut members, "type", "the record type, as \"c_contact\"");
    let listed = members.need("fields", "a list of field maps");
    let url = members.take("url");
    let fields = match listed {
        Some(Json::Array(items)) => fields(items, members.report),
        Some(other) => {
            members.report.push(wrong("/fields", "list", &other));
            Vec::new()
        }
        None => Vec::new(),
    };
    let url = url.and_then(|json| link(json, members.report));
    members.finish();
    Some(Schema { name: title?, entity: entity?, record_type: record_type?, fields, url })
}

fn name(members: &mut Members<'_>, key: &'static str, write: &str) -> Option<String> {
    let text = members.text(key, write)?;
    let max = Schema::NAME_BYTES_MAX;
    if text.is_empty() || text.len() > max || text.chars().any(char::is_control) {
        let message =
            format!("`{key}` must be text of 1 to {max} bytes without control characters");
        let place = members.place(key);
        members.report.error("schema.name", &place, message);
    }
    Some(text)
}

fn fields(items: Vec<Json>, report: &mut Report) -> Vec<FieldMap> {
    if items.len() > Schema::FIELDS_MAX {
        let (found, max) = (items.len(), Schema::FIELDS_MAX);
        let message = format!("the schema has {found} field maps; at most {max} are allowed");
        report.push(Diagnostic::error("schema.size", "/fields", message).types(&max, &found));
        return Vec::new();
    }
    let read = |(position, item)| field(item, &format!("/fields/{position}"), report);
    items.into_iter().enumerate().filter_map(read).collect()
}

fn field(json: Json, at: &str, report: &mut Report) -> Option<FieldMap> {
    let mut members = Members::of(json, at, report)?;
    let from = sources(&mut members);
    let ops = ops(&mut members);
    let to = targets(&mut members);
    let on_error = on_error(&mut members);
    let direction = direction(&mut members);
    members.finish();
    Some(FieldMap { from, ops, to, on_error, direction })
}

fn link(json: Json, report: &mut Report) -> Option<Link> {
    let mut members = Members::of(json, "/url", report)?;
    let link = Link { from: sources(&mut members), ops: ops(&mut members) };
    members.finish();
    Some(link)
}

fn sources(members: &mut Members<'_>) -> Vec<String> {
    let from = members.texts("from").unwrap_or_default();
    bound(members, "from", from.len(), Schema::ENDS_MAX);
    let place = members.place("from");
    for pointer in &from {
        if let Err(error) = Paths::new([pointer]) {
            let message = format!("{error}; write a JSON Pointer, as \"/properties/email\"");
            members.report.error("schema.pointer", &place, message);
        }
    }
    from
}

fn targets(members: &mut Members<'_>) -> Vec<String> {
    let Some(to) = members.texts("to") else { return Vec::new() };
    bound(members, "to", to.len(), Schema::ENDS_MAX);
    if to.is_empty() {
        let place = members.place("to");
        let message = "`to` is missing; write a field of the record type";
        members.report.error("schema.missing-key", &place, message);
    }
    to
}

fn ops(members: &mut Members<'_>) -> Vec<Json> {
    let ops = members.list("ops");
    bound(members, "ops", ops.len(), Schema::OPS_MAX);
    ops
}

fn bound(members: &mut Members<'_>, key: &str, found: usize, max: usize) {
    if found > max {
        let place = members.place(key);
        let message = format!("`{key}` has {found} entries; at most {max} are allowed");
        members.report.push(Diagnostic::error("schema.size", &place, message).types(&max, &found));
    }
}

fn on_error(members: &mut Members<'_>) -> OnError {
    const WORDS: &str = "\"null\", \"skip_field\", \"reject_record\" or {\"default\": …}";
    let found = match members.take("on_error") {
        None => return OnError::default(),
        Some(Json::String(word)) => match word.as_str() {
            "null" => return OnError::Null,
            "skip_field" => return OnError::SkipField,
            "reject_record" => return OnError::RejectRecord,
            _ => Fault::quote(&word),
        },
        Some(Json::Object(mut members)) if members.len() == 1 => match members.remove("default") {
            Some(value) => return OnError::Default(value),
            None => "object".to_owned(),
        },
        Some(other) => crate::members::json_kind(&other).to_owned(),
    };
    let message = format!("`on_error` is {WORDS}");
    let place = members.place("on_error");
    members.report.push(Diagnostic::error("schema.word", &place, message).types(&WORDS, &found));
    OnError::default()
}

fn direction(members: &mut Members<'_>) -> Direction {
    match members.text_if("direction").as_deref() {
        None | Some("both") => Direction::Both,
        Some("in") => Direction::In,
        Some(other) => {
            let place = members.place("direction");
            let other = Fault::quote(other);
            let message = format!("there is no direction {other}; write \"both\" or \"in\"");
            members.report.error("schema.word", &place, message);
            Direction::Both
        }
    }
}
