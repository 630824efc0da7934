//! `plughouse mapping ops` and `types`: the reference, from the code itself.

use std::fmt;

use ::mapping::ops::{Param, Spec, all, reference_json, reference_markdown};
use ::mapping::record_type::Field;
use ::mapping::{RecordType, json_schema};
use anyhow::{Context as _, Result};

use super::site;
use crate::Global;
use crate::exit::Exit;

/// The guide that stands before the reference.
const GUIDE: &str = include_str!("guide.md");

/// Which operation, or all, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// This operation alone.
    name: Option<String>,
    /// Writes the page `docs/mapping.md`.
    #[arg(long, conflicts_with_all = ["name", "json_schema"])]
    markdown: bool,
    /// Writes the JSON Schema of schemas, for editors.
    #[arg(long, conflicts_with = "name")]
    json_schema: bool,
}

/// Shows one operation, the table, or the page.
pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let output = global.output();
    if args.markdown {
        let page = format!("{GUIDE}\n{}", reference_markdown());
        output.result(&page, page.trim_end())?;
    } else if args.json_schema {
        let schema = json_schema();
        let value: serde_json::Value = serde_json::from_str(&schema)?;
        output.result(&value, schema.trim_end())?;
    } else if let Some(name) = &args.name {
        let spec = all().find(|spec| spec.name == name).with_context(|| {
            format!("there is no operation {name}: `plughouse mapping ops` lists them")
        })?;
        let table = reference_json();
        let entry = table.as_array().into_iter().flatten().find(|entry| entry["name"] == **name);
        output.result(&entry, Operation(spec))?;
    } else {
        let table = reference_json();
        let rows = table.as_array().map(Vec::as_slice).unwrap_or_default();
        let text =
            |entry: &serde_json::Value, key| entry[key].as_str().unwrap_or_default().to_owned();
        output.list(rows, &["OPERATION", "TYPES", "CLASS", "GIVES"], |entry| {
            ["name", "types", "class", "summary"].map(|key| text(entry, key)).to_vec()
        })?;
    }
    Ok(Exit::Done)
}

/// An operation for people.
struct Operation(&'static Spec);

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spec { name, summary, params, types, class, reverse, standard, example, .. } = self.0;
        writeln!(f, "{name}: {types}")?;
        writeln!(f, "  gives      {summary}")?;
        writeln!(f, "  goes back  as {reverse}")?;
        writeln!(f, "  class      {class}")?;
        if let Some(standard) = standard {
            writeln!(f, "  follows    {standard}")?;
        }
        for Param { name, required, summary, .. } in *params {
            let optional = if *required { "" } else { "optional; " };
            writeln!(f, "  {name:9}  {optional}{summary}")?;
        }
        write!(f, "  example    {}: {} → {}", example.op, example.input, example.output)
    }
}

/// Lists record types, or shows one.
pub(super) async fn types(global: &Global, name: Option<&str>) -> Result<Exit> {
    let types = site::types(global, site::store(global)?.as_deref()).await?;
    let output = global.output();
    let Some(name) = name else {
        let all: Vec<_> = types.iter().collect();
        output.list(&all, &["TYPE", "VERSION", "FIELDS", "SUMMARY"], |found| {
            let RecordType { name, version, fields, summary, .. } = found;
            vec![name.clone(), version.to_string(), fields.len().to_string(), summary.clone()]
        })?;
        return Ok(Exit::Done);
    };
    let found = types.get(name).with_context(|| {
        let known: Vec<_> = types.iter().map(|found| found.name.as_str()).collect();
        format!("there is no record type {name}: the types are {}", known.join(", "))
    })?;
    if output.is_json() {
        output.json(&found)?;
        return Ok(Exit::Done);
    }
    let identity: Vec<_> = found.identity.iter().map(|fields| fields.join(" + ")).collect();
    output.note(format_args!("{} version {}: {}", found.name, found.version, found.summary));
    if !identity.is_empty() {
        output.note(format_args!("known again by {}", identity.join(", or by ")));
    }
    output.list(&found.fields, &["FIELD", "TYPE", "", "SUMMARY"], |field| {
        let Field { name, kind, required, summary, .. } = field;
        let required = if *required { "required" } else { "" };
        vec![name.clone(), kind.to_string(), required.to_owned(), summary.clone()]
    })?;
    Ok(Exit::Done)
}
