//! From text to record type.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{Contract, Field, FieldKind, Policy, RecordType};
use crate::Diagnostic;
use crate::diagnostic::Report;
use crate::members::{Members, wrong};
use crate::schema::strict;

/// Levels of a type's text: nothing in it stands deeper.
const DEPTH_MAX: usize = 4;

pub(super) fn record_type(text: &str) -> Result<RecordType, Vec<Diagnostic>> {
    let mut report = Report::default();
    let json = strict(text, RecordType::TEXT_BYTES_MAX, DEPTH_MAX, &mut report);
    let found = json.and_then(|json| read(json, "", &mut report));
    match found {
        Some(found) if !report.refuses() => Ok(found),
        _ => Err(report.into_list()),
    }
}

/// Reads the type at a pointer.
pub(super) fn read(json: Json, at: &str, report: &mut Report) -> Option<RecordType> {
    let mut members = Members::of(json, at, report)?;
    let name = name(&mut members, "name");
    let version = version(&mut members);
    let summary = members.text_if("summary").unwrap_or_default();
    let fields = members.list("fields");
    let fields = self::fields(fields, &members.place("fields"), members.report);
    let identity = identity(&mut members, &fields);
    let contract = contract(&mut members);
    members.finish();
    Some(RecordType { name: name?, version, summary, fields, identity, contract })
}

/// A name that can be a column of a database.
fn name(members: &mut Members<'_>, key: &'static str) -> Option<String> {
    let name = members.text(key, "a name of lower-case letters, digits and underscores")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain);
    if !fits || name.len() > RecordType::NAME_BYTES_MAX {
        let place = members.place(key);
        let max = RecordType::NAME_BYTES_MAX;
        let message = format!(
            "{name:?} is no name; write at most {max} lower-case letters, digits and underscores, \
             a letter first"
        );
        members.report.error("type.name", &place, message);
    }
    Some(name)
}

fn version(members: &mut Members<'_>) -> u32 {
    let Some(found) = members.take("version") else { return 1 };
    let version = found.as_u64().and_then(|version| u32::try_from(version).ok());
    version.filter(|&version| version > 0).unwrap_or_else(|| {
        let place = members.place("version");
        let message = format!("`version` is a whole number from 1, found {found}");
        members.report.error("type.version", &place, message);
        1
    })
}

fn fields(items: Vec<Json>, at: &str, report: &mut Report) -> Vec<Field> {
    if items.is_empty() || items.len() > RecordType::FIELDS_MAX {
        let (found, max) = (items.len(), RecordType::FIELDS_MAX);
        report.error("type.size", at, format!("a type has 1 to {max} fields, found {found}"));
        return Vec::new();
    }
    let mut names = BTreeSet::new();
    let mut fields = Vec::new();
    for (position, item) in items.into_iter().enumerate() {
        let at = format!("{at}/{position}");
        let Some(field) = field(item, &at, report) else { continue };
        if !names.insert(field.name.clone()) {
            let message = format!("the field `{}` stands here twice; leave one out", field.name);
            report.error("type.duplicate-field", &at, message);
        }
        fields.push(field);
    }
    fields
}

fn field(json: Json, at: &str, report: &mut Report) -> Option<Field> {
    let mut members = Members::of(json, at, report)?;
    let name = name(&mut members, "name");
    let kind = members.text("kind", "a type, as \"text\"").and_then(|text| {
        let refuse = |message| {
            let place = members.place("kind");
            members.report.error("type.kind", &place, message);
        };
        FieldKind::parse(&text).map_err(refuse).ok()
    });
    let (required, pii) = (members.flag("required"), members.flag("pii"));
    let summary = members.text_if("summary").unwrap_or_default();
    let also = members.texts("also").unwrap_or_default();
    let origin = members.text_if("origin");
    let gone = members.flag("gone");
    members.finish();
    Some(Field { name: name?, kind: kind?, required, pii, summary, also, origin, gone })
}

fn identity(members: &mut Members<'_>, fields: &[Field]) -> Vec<Vec<String>> {
    let place = members.place("identity");
    let mut sets = Vec::new();
    for (position, set) in members.list("identity").into_iter().enumerate() {
        let at = format!("{place}/{position}");
        let Json::Array(names) = set else {
            members.report.push(wrong(&at, "list of names of fields", &set));
            continue;
        };
        let names = names.iter().map(|name| name.as_str().unwrap_or_default().to_owned());
        let names: Vec<String> = names.collect();
        let unknown = names.iter().find(|name| !fields.iter().any(|field| field.name == **name));
        if let Some(name) = unknown {
            let message = format!("there is no field {name:?} in this type");
            members.report.error("type.identity", &at, message);
        } else if names.is_empty() {
            let message = "no field tells records apart; name one or leave the set out";
            members.report.error("type.identity", &at, message);
        }
        sets.push(names);
    }
    sets
}

fn contract(members: &mut Members<'_>) -> Contract {
    let Some(json) = members.take("contract") else { return Contract::default() };
    let place = members.place("contract");
    let Some(mut members) = Members::of(json, &place, members.report) else {
        return Contract::default();
    };
    let contract = Contract {
        object: policy(&mut members, "object"),
        field: policy(&mut members, "field"),
        kind: policy(&mut members, "type"),
    };
    members.finish();
    contract
}

fn policy(members: &mut Members<'_>, key: &'static str) -> Policy {
    let Some(word) = members.text_if(key) else { return Policy::Evolve };
    Policy::of(&word).unwrap_or_else(|| {
        let place = members.place(key);
        let message = format!(
            "there is no policy {word:?}; write evolve, freeze, discard_value or discard_row"
        );
        members.report.error("type.policy", &place, message);
        Policy::Evolve
    })
}
