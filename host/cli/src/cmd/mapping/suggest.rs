//! `plughouse mapping suggest`: a schema guessed from names and stored values.

use ::mapping::suggest::Suggestion;
use anyhow::{Context as _, Result};
use engine::mapping::{GUESSED_FROM, Suggesting, payloads, suggest};
use model::ConnectionId;

use super::site::{self, Site};
use crate::Global;
use crate::exit::Exit;

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
    let records = site.records(&entity, &[], GUESSED_FROM).await?;
    let suggested = suggest(&Suggesting {
        name: &format!("{connection}.{entity}"),
        entity: &entity,
        record_type,
        types: &types,
        payloads: &payloads(&records),
        offered: &[],
    });
    let suggested = suggested.with_context(|| {
        format!(
            "nothing in {entity} looks like a field of {name}: write the schema by hand, see \
             `plughouse mapping types {name}`"
        )
    })?;
    let output = global.output();
    let text = serde_json::to_string_pretty(&suggested.schema)?;
    for Suggestion { from, to, confidence, why, .. } in &suggested.suggestions {
        output.note(format_args!("{confidence:3} % {to} from {from}: {why}"));
    }
    output
        .note("look at it with `plughouse mapping preview`, save it with `plughouse mapping put`");
    output.result(&suggested, text)?;
    Ok(Exit::Done)
}
