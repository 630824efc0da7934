//! `plughouse mapping put`, `list` and `show`: texts as the store keeps them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use engine::mapping::{Kept, Shelf, Signed, Use};
use model::ConnectionId;
use model::schema::{SchemaHead, SchemaKind, SchemaQuery, SchemaStore as _, StoredSchema};
use model::store::StoreErrorKind;
use serde::Serialize;
use serde_json::value::RawValue;
use store::Store;

use super::site::{self, Site};
use super::text::{self, Name};
use crate::exit::Exit;
use crate::{Global, wire};

/// Names listed at a time.
const LISTED: usize = 100;

/// What to save.
#[derive(Debug, clap::Args)]
pub(crate) struct Put {
    /// The file of a conversion schema or a record type; `-` is standard input.
    file: PathBuf,
    /// Only if this is the newest version by now, 0 if there must be none.
    #[arg(long, value_name = "VERSION")]
    expect: Option<u32>,
}

/// What to print.
#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// A saved schema or record type, as NAME or NAME@VERSION.
    #[arg(required_unless_present = "connection", conflicts_with = "connection")]
    name: Option<Name>,
    /// The active schema of an entity of this connection instead.
    #[arg(long, requires = "entity")]
    connection: Option<ConnectionId>,
    /// The entity.
    #[arg(long, requires = "connection")]
    entity: Option<String>,
    /// The one that maps this part of it.
    #[arg(long, requires = "entity")]
    part: Option<String>,
}

/// Saves a text that is right as the next version; the same text again is no new version.
pub(super) async fn put(global: &Global, args: Put) -> Result<Exit> {
    let store = wire::open_store(global)?;
    let shelf = shelf(global, &store);
    let text = text::read(global, &args.file)?;
    let kind = text::kind(&text);
    let ready = shelf.check(kind, text).await;
    let ready = ready.with_context(|| format!("read {}", args.file.display()))?;
    let output = global.output();
    for found in &ready.warnings {
        output.note(found);
    }
    let name = ready.name().to_owned();
    let author = global.terminal.variable("USER");
    let signed = Signed { author, expected: args.expect, at: model::Clock::system().now() };
    let kept = shelf.put(ready, signed).await;
    if kept.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Conflict) {
        let newest = store.schema(&global.tenant, kind, &name, None).await?;
        let version = newest.map_or(0, |newest| newest.head.version);
        bail!(
            "{name} is at version {version} by now: look at it with `plughouse mapping show \
             {name}`, then put yours with --expect {version}"
        );
    }
    let Kept { head, is_new } = kept?;
    let version = head.version;
    if !is_new {
        output.result(&head, format_args!("{name}@{version} is that text already"))?;
        return Ok(Exit::Done);
    }
    output.result(&head, format_args!("saved {} {name}@{version}", kind.as_str()))?;
    output.note(match kind {
        SchemaKind::Conversion => {
            format!("it maps nothing yet: plughouse mapping use CONNECTION ENTITY {name}@{version}")
        }
        SchemaKind::RecordType => {
            "what is stored already follows with `plughouse mapping replay CONNECTION`".to_owned()
        }
    });
    Ok(Exit::Done)
}

/// The texts of the tenant.
fn shelf<'a>(global: &'a Global, store: &'a Store) -> Shelf<'a> {
    Shelf { tenant: &global.tenant, schemas: store, catalogue: store }
}

/// A text in the list.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    head: SchemaHead,
    /// `connection entity`, the part where it is bound to one alone, and the version where it is
    /// not the newest.
    used_by: Vec<String>,
}

/// Lists the newest versions.
pub(super) async fn list(global: &Global) -> Result<Exit> {
    let store = wire::open_store(global)?;
    let uses = shelf(global, &store).uses().await?;
    let mut listed = Vec::new();
    for kind in [SchemaKind::Conversion, SchemaKind::RecordType] {
        let tenant = global.tenant.clone();
        let mut query = SchemaQuery { tenant, kind, name: None, after: None, limit: LISTED };
        loop {
            let heads = store.schemas(query.clone()).await?;
            let Some(last) = heads.last() else { break };
            query.after = Some(last.name.clone());
            listed.extend(heads.into_iter().map(|head| Listed::of(head, &uses)));
        }
    }
    let head = ["KIND", "NAME", "VERSION", "BY", "AT", "USED BY"];
    global.output().list(&listed, &head, |Listed { head, used_by }| {
        vec![
            head.kind.as_str().to_owned(),
            head.name.clone(),
            head.version.to_string(),
            head.author.clone().unwrap_or_default(),
            format!("{:.0}", head.at),
            used_by.join(", "),
        ]
    })?;
    if listed.is_empty() {
        let note = "nothing is saved, so packages map with their own schemas: see one with \
                    `plughouse mapping show --connection CONNECTION --entity ENTITY`";
        global.output().note(note);
    }
    Ok(Exit::Done)
}

impl Listed {
    fn of(head: SchemaHead, uses: &BTreeMap<(String, u32), Vec<Use>>) -> Self {
        let of_it = |((name, version), places): (&(String, u32), &Vec<Use>)| {
            if head.kind != SchemaKind::Conversion || *name != head.name {
                return Vec::new();
            }
            let newest = *version == head.version;
            let shown = |place: &Use| {
                if newest { place.to_string() } else { format!("{place} @{version}") }
            };
            places.iter().map(shown).collect()
        };
        let used_by = uses.iter().flat_map(of_it).collect();
        Self { head, used_by }
    }
}

/// A text as `--json` shows it.
#[derive(Serialize)]
struct Text<'a> {
    #[serde(flatten)]
    head: Option<&'a SchemaHead>,
    text: &'a RawValue,
}

/// Prints a text.
pub(super) async fn show(global: &Global, args: Show) -> Result<Exit> {
    let (head, text) = match (args.name, args.connection, args.entity) {
        (Some(name), ..) => {
            let StoredSchema { head, text } = find(global, &name).await?;
            (Some(head), text)
        }
        (None, Some(connection), Some(entity)) => {
            let site = Site::open(global, &connection).await?;
            site.entity(&entity)?;
            let active = site.active(&entity).await?;
            let mapping = active.get(&entity, args.part.as_deref()).with_context(|| {
                format!("no schema maps {entity}: begin with `plughouse mapping suggest`")
            })?;
            global.output().note(format_args!("{}", mapping.schema()));
            (None, mapping.text().to_owned())
        }
        _ => bail!("name a schema, or a connection and an entity"),
    };
    let raw = serde_json::from_str(&text).context("read the stored text")?;
    global.output().result(&Text { head: head.as_ref(), text: raw }, text.trim_end())?;
    Ok(Exit::Done)
}

async fn find(global: &Global, name: &Name) -> Result<StoredSchema> {
    let store = wire::open_store(global)?;
    for kind in [SchemaKind::Conversion, SchemaKind::RecordType] {
        if let Some(found) = store.schema(&global.tenant, kind, &name.name, name.version).await? {
            return Ok(found);
        }
    }
    let types = site::types(global, Some(&store)).await?;
    if types.get(&name.name).is_some() {
        bail!("{name} comes with Plughouse: see `plughouse mapping types {name}`");
    }
    bail!("nothing is saved as {name}: see `plughouse mapping list`")
}
