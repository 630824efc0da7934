//! The conversion schema of a derived type.

use std::collections::{BTreeMap, BTreeSet};

use mapping::record_type::{Field as Ours, Policy};
use mapping::suggest::operations;
use mapping::{RecordType, Schema};
use model::adapter::Field;
use plughouse_scan::pointer::escape;
use serde_json::{Map, Value as Json, json};

use super::{Deriving, MappingError};
use crate::mapping::place::most;

/// What a schema is made of.
pub(super) struct Draft<'a> {
    pub(super) deriving: &'a Deriving<'a>,
    /// What the account offers.
    pub(super) offered: &'a [Field],
    /// The type before, if there was one.
    pub(super) old: Option<&'a RecordType>,
    /// The type from now on.
    pub(super) next: &'a RecordType,
    /// The schema before, if there was one.
    pub(super) known: Option<&'a Schema>,
    /// Some stored records.
    pub(super) payloads: &'a [Json],
}

impl Draft<'_> {
    /// The text. Maps that are there stay, a person's changes of them too, but for those of fields
    /// that have another type now, and all of them where it was said anew where the fields stand.
    pub(super) fn schema(&self) -> Result<String, MappingError> {
        let derived = self.next.fields.iter().filter(|field| field.origin.is_some());
        let derived: BTreeMap<_, _> = derived.map(|field| (field.name.as_str(), field)).collect();
        let (mut maps, mut mapped) = (Vec::new(), BTreeSet::new());
        let mut schema = self.before();
        for mut map in maps_of(&mut schema) {
            let target = map.get("to").and_then(Json::as_str).and_then(|to| derived.get(to));
            if target.is_some_and(|field| self.is_new(field)) {
                continue;
            }
            if let Some(field) = target {
                mapped.insert(field.name.as_str());
                map.insert("on_error".to_owned(), json!(self.on_error()));
            }
            maps.push(Json::Object(map));
        }
        let missing: Vec<_> = self
            .next
            .fields
            .iter()
            .filter(|field| !mapped.contains(field.name.as_str()))
            .filter_map(|field| Some((field, field.origin.as_deref()?)))
            .collect();
        if !missing.is_empty() {
            let at = self.place()?;
            maps.extend(missing.into_iter().map(|(field, origin)| self.map(field, origin, &at)));
        }
        schema.insert("fields".to_owned(), Json::Array(maps));
        let what = || format!("the schema of {}", self.deriving);
        let schema = Schema::parse(&Json::Object(schema).to_string())
            .map_err(|found| MappingError::refused(what(), found))?;
        Ok(schema.to_json())
    }

    /// The schema before, or one without fields.
    fn before(&self) -> Map<String, Json> {
        let known = self.known.and_then(|known| serde_json::from_str(&known.to_json()).ok());
        known.unwrap_or_else(|| {
            let members = [
                ("format", json!(Schema::FORMAT)),
                ("name", json!(self.next.name)),
                ("entity", json!(self.deriving.entity)),
                ("type", json!(self.next.name)),
            ];
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        })
    }

    /// Whether a field needs a map that is made anew.
    fn is_new(&self, field: &Ours) -> bool {
        let before = self.old.and_then(|old| old.field(&field.name));
        self.deriving.at.is_some() || before.is_none_or(|before| before.kind != field.kind)
    }

    fn map(&self, field: &Ours, origin: &str, at: &str) -> Json {
        let from = format!("{at}/{}", escape(origin));
        let samples: Vec<_> =
            self.payloads.iter().filter_map(|payload| payload.pointer(&from)).cloned().collect();
        let written = self.offered.iter().any(|found| found.name == origin && found.writable);
        json!({
            "from": from,
            "ops": operations(&field.kind, &samples),
            "to": field.name,
            "on_error": self.on_error(),
            "direction": if written { "both" } else { "in" },
        })
    }

    /// What becomes of a value of another type than the field has.
    fn on_error(&self) -> &'static str {
        if self.next.contract.kind == Policy::DiscardRow { "reject_record" } else { "skip_field" }
    }

    fn place(&self) -> Result<String, MappingError> {
        if let Some(at) = self.deriving.at {
            return Ok(at.to_owned());
        }
        let names = self.offered.iter().map(|field| field.name.as_str());
        most(names, self.payloads).or_else(|| self.place_before()).ok_or_else(|| {
            MappingError::Unsuitable(format!(
                "no stored record of {} has one of its fields: sync it first, or say where in a \
                 record they stand, as /properties",
                self.deriving
            ))
        })
    }

    /// Where the fields stood that the schema before maps.
    fn place_before(&self) -> Option<String> {
        let mut sources = self.known?.fields().iter().flat_map(|map| &map.from);
        let (at, _) = sources.next()?.rsplit_once('/')?;
        Some(at.to_owned())
    }
}

/// The field maps of a schema, taken out.
fn maps_of(schema: &mut Map<String, Json>) -> Vec<Map<String, Json>> {
    let maps = schema.remove("fields").unwrap_or_default();
    serde_json::from_value(maps).unwrap_or_default()
}
