//! `plughouse mapping suggest`: a schema guessed from names and stored values.

use std::collections::{BTreeMap, BTreeSet};

use ::mapping::suggest::{Candidate, Suggestion, suggest};
use ::mapping::{Schema, Severity, Source, Types, compile};
use anyhow::{Context as _, Result, ensure};
use model::ConnectionId;
use plughouse_scan::pointer::{escape, unescape};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::site::{self, Site};
use crate::Global;
use crate::exit::Exit;

/// Stored records that values are taken from; more do not change the picture.
const RECORDS: usize = 50;

/// Levels of objects that are looked into; what stands deeper is seldom a field.
const DEPTH_MAX: usize = 4;

/// Paths that are looked at; custom fields come in hundreds.
const PATHS_MAX: usize = 2_000;

/// For which entity.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connection whose stored records are looked at.
    #[arg(long)]
    connection: ConnectionId,
    /// The entity.
    #[arg(long)]
    entity: String,
    /// The record type; otherwise the one that the package names for the entity.
    #[arg(long = "type")]
    record_type: Option<String>,
}

/// A schema and why it is as it is.
#[derive(Debug, Serialize)]
struct Suggested {
    schema: Json,
    suggestions: Vec<Suggestion>,
}

/// Writes the schema to standard output, the reasons beside it.
pub(super) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let Args { connection, entity, record_type } = args;
    let site = Site::open(global, &connection).await?;
    let types = site::types(global, Some(&site.host.store)).await?;
    let named = site.entity(&entity)?.record_type.clone();
    let name = record_type.or(named).with_context(|| {
        format!("the package names no record type for {entity}: choose one with --type")
    })?;
    let record_type = types.get(&name).with_context(|| {
        format!("there is no record type {name}: see `plughouse mapping types`")
    })?;
    let records = site.records(&entity, &[], RECORDS).await?;
    let payloads = records.iter().map(|record| serde_json::from_slice(&record.payload));
    let payloads: Vec<Json> = payloads.flatten().collect();
    let suggestions = suggest(&candidates(&payloads), record_type);
    ensure!(
        !suggestions.is_empty(),
        "nothing in {entity} looks like a field of {name}: write the schema by hand, see \
         `plughouse mapping types {name}`"
    );
    let draft = Draft { name: format!("{connection}.{entity}"), entity, record_type: name };
    let every = draft.schema(&suggestions, &BTreeSet::new());
    let schema = draft.schema(&suggestions, &refused(&every, &types));
    let output = global.output();
    let text = serde_json::to_string_pretty(&schema)?;
    for Suggestion { from, to, confidence, why, .. } in &suggestions {
        output.note(format_args!("{confidence:3} % {to} from {from}: {why}"));
    }
    output
        .note("look at it with `plughouse mapping preview`, save it with `plughouse mapping put`");
    output.result(&Suggested { schema, suggestions }, text)?;
    Ok(Exit::Done)
}

/// The paths of values in some records, with the values.
fn candidates(payloads: &[Json]) -> Vec<Candidate> {
    let mut found: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for payload in payloads {
        gather(payload, &mut String::new(), 0, &mut found);
    }
    let candidates = found.into_iter().map(|(pointer, samples)| {
        let name = pointer.rsplit('/').next().and_then(unescape).unwrap_or_default();
        Candidate { pointer, label: String::new(), name, samples }
    });
    candidates.collect()
}

fn gather(value: &Json, at: &mut String, depth: usize, found: &mut BTreeMap<String, Vec<Json>>) {
    match value {
        Json::Object(members) if depth < DEPTH_MAX => {
            for (name, member) in members {
                let length = at.len();
                at.push('/');
                at.push_str(&escape(name));
                gather(member, at, depth + 1, found);
                at.truncate(length);
            }
        }
        value => {
            if found.len() < PATHS_MAX || found.contains_key(at) {
                found.entry(at.clone()).or_default().push(value.clone());
            }
        }
    }
}

/// What a suggested schema is for.
struct Draft {
    name: String,
    entity: String,
    record_type: String,
}

impl Draft {
    /// The schema; fields at these positions are read only.
    fn schema(&self, suggestions: &[Suggestion], one_way: &BTreeSet<usize>) -> Json {
        let field = |(position, found): (usize, &Suggestion)| {
            let Suggestion { from, ops, to, .. } = found;
            let direction = if one_way.contains(&position) { "in" } else { "both" };
            json!({"from": from, "ops": ops, "to": to, "direction": direction})
        };
        let fields: Vec<_> = suggestions.iter().enumerate().map(field).collect();
        let Self { name, entity, record_type } = self;
        json!({
            "format": Schema::FORMAT,
            "name": name,
            "entity": entity,
            "type": record_type,
            "fields": fields,
        })
    }
}

/// The fields that cannot be written back as they stand.
fn refused(schema: &Json, types: &Types) -> BTreeSet<usize> {
    let found = Schema::parse(&schema.to_string())
        .and_then(|parsed| compile(&parsed, types, &Source::default()).map(drop));
    let found = found.err().unwrap_or_default();
    let errors = found.into_iter().filter(|found| found.severity == Severity::Error);
    errors.filter_map(|found| found.field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_gathered_by_their_path() {
        let payloads = [json!({"a": {"b/c": 1}, "d": [1]}), json!({"a": {"b/c": null}})];
        let found = candidates(&payloads);
        let found: Vec<_> =
            found.iter().map(|c| (c.pointer.as_str(), c.name.as_str(), c.samples.len())).collect();
        assert_eq!(found, [("/a/b~1c", "b/c", 2), ("/d", "d", 1)]);
    }
}
