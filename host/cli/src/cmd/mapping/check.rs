//! `plughouse mapping check`: what is wrong with a text, before it is saved.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ::mapping::{Diagnostic, RecordType, Schema, Severity, Source, Types, compile};
use anyhow::Result;
use model::ConnectionId;
use model::schema::SchemaKind;
use serde::Serialize;
use serde_json::Value as Json;

use super::site::{self, Site};
use super::text;
use crate::Global;
use crate::exit::Exit;

/// Stored records in which the sources of a schema are looked for.
const SAMPLES: usize = 200;

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file; `-` is standard input.
    file: PathBuf,
    /// Also looks for the schema's sources in the stored records of this connection.
    #[arg(long)]
    connection: Option<ConnectionId>,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Checked {
    ok: bool,
    kind: SchemaKind,
    name: Option<String>,
    diagnostics: Vec<Diagnostic>,
    /// Sources that none of the records looked at has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_seen: Vec<String>,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostics.iter().try_for_each(|found| writeln!(f, "{found}"))?;
        for pointer in &self.not_seen {
            writeln!(f, "warning: none of the stored records has {pointer:?}")?;
        }
        let (kind, name) = (self.kind.as_str(), self.name.as_deref().unwrap_or_default());
        let verdict = if self.ok { "can be saved" } else { "is refused" };
        write!(f, "{kind} {name} {verdict}")
    }
}

/// Checks a text as saving it would.
pub(super) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let text = text::read(global, &args.file)?;
    let site = match &args.connection {
        Some(connection) => Some(Site::open(global, connection).await?),
        None => None,
    };
    let store = match &site {
        Some(site) => Some(Arc::clone(&site.host.store)),
        None => site::store(global)?,
    };
    let (kind, name, diagnostics) = check(&text, &site::types(global, store.as_deref()).await?);
    let ok = !diagnostics.iter().any(|found| found.severity == Severity::Error);
    let mut checked = Checked { ok, kind, name, diagnostics, not_seen: Vec::new() };
    if let (Some(site), Ok(schema)) = (&site, Schema::parse(&text)) {
        site.entity(schema.entity())?;
        let records = site.records(schema.entity(), &[], SAMPLES).await?;
        let payloads = records.iter().map(|record| serde_json::from_slice(&record.payload));
        checked.not_seen = not_seen(&schema, &payloads.flatten().collect::<Vec<_>>());
    }
    global.output().result(&checked, &checked)?;
    Ok(if ok { Exit::Done } else { Exit::Failed })
}

/// What a text is, how it is called, and what is wrong with it.
pub(super) fn check(text: &str, types: &Types) -> (SchemaKind, Option<String>, Vec<Diagnostic>) {
    let kind = text::kind(text);
    match kind {
        SchemaKind::RecordType => match RecordType::parse(text) {
            Ok(found) => {
                let name = Some(found.name.clone());
                (kind, name, types.with_version(found).err().unwrap_or_default())
            }
            Err(diagnostics) => (kind, None, diagnostics),
        },
        SchemaKind::Conversion => match Schema::parse(text) {
            Ok(schema) => {
                let compiled = compile(&schema, types, &Source::default());
                let diagnostics = compiled.map_or_else(|found| found, |found| found.warnings);
                (kind, Some(schema.name().to_owned()), diagnostics)
            }
            Err(diagnostics) => (kind, None, diagnostics),
        },
    }
}

/// Sources that no record has. A list of them is no error: providers leave out what is empty.
fn not_seen(schema: &Schema, payloads: &[Json]) -> Vec<String> {
    let sources = schema.fields().iter().flat_map(|field| &field.from);
    let mut sources: Vec<_> = sources.filter(|pointer| !pointer.is_empty()).collect();
    sources.sort_unstable();
    sources.dedup();
    let seen = |pointer: &str| payloads.iter().any(|payload| payload.pointer(pointer).is_some());
    sources.into_iter().filter(|pointer| !seen(pointer)).cloned().collect()
}
