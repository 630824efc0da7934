//! `plughouse mapping use`: which schema maps an entity of a connection.

use anyhow::{Context as _, Result, bail, ensure};
use engine::mapping::{Mapping, Mappings, Origin};
use engine::replay::Impact;
use model::ConnectionId;
use model::schema::{Binding, SchemaStore as _};
use model::store::StoreErrorKind;
use serde::Serialize;

use super::impact::{self, Shown};
use super::site::{self, Site};
use super::text::Name;
use crate::Global;
use crate::exit::Exit;

/// What to bind.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connection.
    pub(super) connection: ConnectionId,
    /// The entity.
    pub(super) entity: String,
    /// The saved schema, as NAME for its newest version or NAME@VERSION.
    #[arg(conflicts_with = "default")]
    pub(super) schema: Option<Name>,
    /// The schema of the package again.
    #[arg(long)]
    pub(super) default: bool,
    /// Does not ask.
    #[arg(long)]
    pub(super) yes: bool,
}

/// What was bound.
#[derive(Serialize)]
struct Bound {
    #[serde(flatten)]
    binding: Binding,
    impact: Impact,
}

/// Binds a schema, once somebody has seen what stored records would become.
pub(super) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let Args { connection, entity, schema, default, yes } = args;
    ensure!(
        default || schema.is_some(),
        "name a saved schema, or go back to the package's with --default"
    );
    let site = Site::open(global, &connection).await?;
    site.entity(&entity)?;
    let store = site.host.store.as_ref();
    let bindings = store.bindings(&global.tenant, &connection).await?;
    let revision = bindings.iter().find(|b| b.entity == entity).map_or(0, |b| b.revision);
    let mapping = match &schema {
        Some(name) => Some(site::saved(global, store, name).await?),
        None => site.default(&entity).await?,
    };
    let bound = saved(mapping.as_ref());
    let what = mapping.as_ref().map(|mapping| mapping.schema().to_string());
    if let Some(mapping) = &mapping {
        let theirs = mapping.entity();
        ensure!(theirs == entity, "{} maps entity {theirs}, not {entity}", mapping.schema());
    }
    // The schemas of other entities do not matter here, and may be what is being repaired.
    let mappings = Mappings::default().with(&entity, mapping);
    let plan = site.replay(std::slice::from_ref(&entity), mappings)?;
    let impact = impact::look(global, &site.host, &plan).await?;
    let output = global.output();
    output.note(Shown(&impact));
    let what = what.unwrap_or_else(|| "no schema".to_owned());
    if !yes && !output.ask(&format!("map {entity} of {connection} by {what}?"), "--yes binds it") {
        bail!("nothing was changed; --yes does it without asking");
    }
    let binding = Binding {
        tenant: global.tenant.clone(),
        connection: connection.clone(),
        entity: entity.clone(),
        schema: bound,
        revision,
        at: site.host.clock.now(),
    };
    let put = store.put_binding(binding, Some(revision)).await;
    if put.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Conflict) {
        bail!("somebody else has just bound a schema to {entity}: look at it and try again");
    }
    let binding = put.context("bind the schema")?;
    let done = !impact.is_nothing();
    output
        .result(&Bound { binding, impact }, format_args!("{what} maps {entity} of {connection}"))?;
    if done {
        let replay = format!("plughouse mapping replay {connection} --entity {entity}");
        output.note(format_args!("records that are stored already follow with: {replay}"));
    }
    Ok(Exit::Done)
}

/// What a binding keeps of a schema; nothing of one that the package brings.
fn saved(mapping: Option<&Mapping>) -> Option<(String, u32)> {
    let schema = mapping?.schema();
    match schema.origin {
        Origin::Saved(version) => Some((schema.name.clone(), version)),
        Origin::Package(_) | Origin::Draft => None,
    }
}
