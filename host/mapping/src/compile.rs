//! From a schema to a checked program.

mod embed;
mod field;
mod lint;
#[cfg(test)]
mod tests;
mod together;

use std::collections::BTreeMap;

use plughouse_scan::Paths;
use xxhash_rust::xxh3::xxh3_64;

use crate::diagnostic::Report;
use crate::program::plan::{Get, Key, Map, Output, Plan, Verbatim};
use crate::record_type::Types;
use crate::{Diagnostic, Kind, Program, RecordType, Schema};

/// What is known of the values at the provider's paths.
#[derive(Clone, Debug, Default)]
pub struct Source(BTreeMap<String, Kind>);

/// A checked program, and what may not be as it was meant.
#[derive(Debug)]
pub struct Compiled {
    /// The program.
    pub program: Program,
    /// Warnings only.
    pub warnings: Vec<Diagnostic>,
}

impl Source {
    /// Types by JSON Pointer: what stands in the JSON, so that a date is text. Paths that are not
    /// named may hold anything.
    pub fn new(kinds: impl IntoIterator<Item = (String, Kind)>) -> Self {
        let in_json = |kind| match kind {
            Kind::Date | Kind::DateTime => Kind::Text,
            Kind::Money => Kind::Any,
            other => other,
        };
        Self(kinds.into_iter().map(|(pointer, kind)| (pointer, in_json(kind))).collect())
    }

    fn kind(&self, pointer: &str) -> Kind {
        self.0.get(pointer).cloned().unwrap_or(Kind::Any)
    }
}

/// Checks a schema against the types; the errors name everything that is wrong with it.
pub fn compile(
    schema: &Schema,
    types: &Types,
    source: &Source,
) -> Result<Compiled, Vec<Diagnostic>> {
    let mut report = Report::default();
    let Some(record_type) = types.get(schema.record_type()) else {
        let known: Vec<_> = types.iter().map(|known| known.name.as_str()).collect();
        let message = format!(
            "there is no record type `{}`; the types are {}",
            schema.record_type(),
            known.join(", ")
        );
        report.error("schema.record-type", "/type", message);
        return Err(report.into_list());
    };
    together::check(schema, record_type, &mut report);
    let slots = slots(schema);
    if slots.len() > Schema::SOURCES_MAX {
        let (found, max) = (slots.len(), Schema::SOURCES_MAX);
        let message = format!("the schema has {found} different sources; at most {max}");
        report.push(Diagnostic::error("schema.size", "/fields", message).types(&max, &found));
        return Err(report.into_list());
    }
    let mut compiler = Compiler { record_type, source, slots: &slots, docs: Vec::new(), report };
    let maps: Vec<_> =
        schema.fields.iter().enumerate().map(|(i, map)| compiler.map(i, map)).collect();
    let link = schema.url.as_ref().map(|link| compiler.link(link));
    embed::check(schema, record_type, types, &mut compiler.report);
    lint::check(schema, record_type, &mut compiler.report);
    let Compiler { docs, mut report, .. } = compiler;
    let maps: Option<Vec<Map>> = maps.into_iter().collect();
    let plan = maps.and_then(|maps| {
        let plan = Plan {
            digest: digest(schema, record_type),
            sources: paths(slots.keys(), &mut report)?,
            outputs: outputs(&maps, record_type),
            maps,
            targets: paths(docs.iter().map(|name| format!("/{name}")), &mut report)?,
            link: link.flatten(),
        };
        Some(plan)
    });
    match plan {
        Some(plan) if !report.refuses() => {
            Ok(Compiled { program: Program { plan }, warnings: report.into_list() })
        }
        _ => Err(report.into_list()),
    }
}

/// A position for each source. They are in alphabetical order, as in the records of most
/// providers, because the scanner looks first where it has found the last one.
fn slots(schema: &Schema) -> BTreeMap<&str, usize> {
    let maps = schema.fields.iter().flat_map(|map| &map.from);
    let link = schema.url.iter().flat_map(|link| &link.from);
    let mut slots: BTreeMap<&str, usize> =
        maps.chain(link).map(|from| (from.as_str(), 0)).collect();
    slots.values_mut().enumerate().for_each(|(position, slot)| *slot = position);
    slots
}

fn paths(
    pointers: impl IntoIterator<Item = impl AsRef<str>>,
    report: &mut Report,
) -> Option<Paths> {
    let refuse = |e: plughouse_scan::PointerError| {
        report.error("schema.pointer", "/fields", e.to_string());
    };
    Paths::new(pointers).map_err(refuse).ok()
}

fn digest(schema: &Schema, record_type: &RecordType) -> u64 {
    xxh3_64(format!("{}\n{}", schema.to_json(), record_type.to_json()).as_bytes())
}

/// What fills the fields, in the order of the record type.
fn outputs(maps: &[Map], record_type: &RecordType) -> Vec<Output> {
    let mut by_name = BTreeMap::new();
    for (position, map) in maps.iter().enumerate() {
        for (part, target) in map.targets.iter().enumerate() {
            by_name.insert(target.name.as_str(), (position, part));
        }
    }
    let output = |field: &crate::record_type::Field| {
        let &(map, part) = by_name.get(field.name.as_str())?;
        let key = Key::new(&field.name);
        let copy = maps.get(map).and_then(copied);
        Some(Output { key, map, part, required: field.required, copy })
    };
    record_type.fields.iter().filter_map(output).collect()
}

/// The path that is copied as it stands.
fn copied(map: &Map) -> Option<(usize, Verbatim)> {
    let Map { get: Get { paths, chain, .. }, targets, .. } = map;
    match (paths.as_slice(), targets.as_slice()) {
        ([path], [target]) if chain.is_empty() => Some((path.slot, Verbatim::of(&target.kind)?)),
        _ => None,
    }
}

struct Compiler<'c> {
    record_type: &'c RecordType,
    source: &'c Source,
    slots: &'c BTreeMap<&'c str, usize>,
    /// The fields that are written back.
    docs: Vec<String>,
    report: Report,
}
