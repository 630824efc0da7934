//! `plughouse mapping check`: what is wrong with a text, before it is saved.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ::mapping::Diagnostic;
use anyhow::Result;
use engine::mapping::{LOOKED_THROUGH, check, not_seen, payloads};
use model::ConnectionId;
use model::schema::SchemaKind;
use serde::Serialize;

use super::site::{self, Site};
use super::text;
use crate::Global;
use crate::exit::Exit;

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
    let kind = text::kind(&text);
    let found = check(kind, &text, &site::types(global, store.as_deref()).await?);
    let ok = !found.is_refused();
    let (name, diagnostics) = (found.name, found.diagnostics);
    let mut checked = Checked { ok, kind, name, diagnostics, not_seen: Vec::new() };
    if let (Some(site), Some(schema)) = (&site, found.schema) {
        site.entity(schema.entity())?;
        let records = site.records(schema.entity(), &[], LOOKED_THROUGH).await?;
        checked.not_seen = not_seen(&schema, &payloads(&records));
    }
    global.output().result(&checked, &checked)?;
    Ok(if ok { Exit::Done } else { Exit::Failed })
}
