//! `plughouse mapping use`: which schema maps an entity of a connection, or a part of it.

use anyhow::{Context as _, Result, bail, ensure};
use engine::mapping::Mappings;
use engine::replay::{Impact, ReplayPlan, Scope};
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
    /// One instance of a dynamic entity, as one of several databases; its schema goes before that
    /// of the entity.
    #[arg(long)]
    pub(super) part: Option<String>,
    /// The schema of the package again, or with --part that of the entity.
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
    let Args { connection, entity, schema, part, default, yes } = args;
    ensure!(
        default || schema.is_some(),
        "name a saved schema, or go back to the package's with --default"
    );
    let site = Site::open(global, &connection).await?;
    site.entity(&entity)?;
    let store = site.host.store.as_ref();
    let bindings = store.bindings(&global.tenant, &connection).await?;
    let of_it = |binding: &&Binding| binding.entity == entity && binding.part == part;
    let revision = bindings.iter().find(of_it).map_or(0, |binding| binding.revision);
    let mapping = match &schema {
        Some(name) => Some(site::saved(global, store, name).await?),
        None => site.default(&entity, part.as_deref()).await?,
    };
    let bound = mapping.as_ref().filter(|_| schema.is_some());
    let bound = bound.and_then(|mapping| mapping.schema().saved());
    let what = mapping.as_ref().map(|mapping| mapping.schema().to_string());
    if let Some(mapping) = &mapping {
        let theirs = mapping.entity();
        ensure!(theirs == entity, "{} maps entity {theirs}, not {entity}", mapping.schema());
    }
    // The schemas of other entities and parts do not matter here, and may be what is being
    // repaired.
    let mappings = Mappings::default().with_part(&entity, part.as_deref(), mapping);
    let plan = site.replay(std::slice::from_ref(&entity), mappings)?;
    let scope = Scope::of_binding(&entity, part.clone(), &bindings);
    let plan = ReplayPlan { scope, ..plan };
    let impact = impact::look(global, &site.host, &plan).await?;
    let output = global.output();
    output.note(Shown(&impact));
    let what = what.unwrap_or_else(|| "no schema".to_owned());
    let place = place(&entity, part.as_deref());
    if !yes && !output.ask(&format!("map {place} of {connection} by {what}?"), "--yes binds it") {
        bail!("nothing was changed; --yes does it without asking");
    }
    let binding = Binding {
        tenant: global.tenant.clone(),
        connection: connection.clone(),
        entity: entity.clone(),
        part,
        schema: bound,
        revision,
        at: site.host.clock.now(),
    };
    let put = store.put_binding(binding, Some(revision)).await;
    if put.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Conflict) {
        bail!("somebody else has just bound a schema to {place}: look at it and try again");
    }
    let binding = put.context("bind the schema")?;
    let done = !impact.is_nothing();
    output
        .result(&Bound { binding, impact }, format_args!("{what} maps {place} of {connection}"))?;
    if done {
        let replay = format!("plughouse mapping replay {connection} --entity {entity}");
        output.note(format_args!("records that are stored already follow with: {replay}"));
    }
    Ok(Exit::Done)
}

/// An entity, or a part of it, in words.
pub(super) fn place(entity: &str, part: Option<&str>) -> String {
    part.map_or_else(|| entity.to_owned(), |part| format!("{entity}, part {part:?},"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::Args;
    use crate::cmd::mapping::Command;

    fn parsed(text: &str) -> Option<Args> {
        let args = format!("plughouse mapping use {text}");
        let crate::Command::Mapping(Command::Use(args)) =
            crate::Cli::try_parse_from(args.split(' ')).ok()?.command
        else {
            return None;
        };
        Some(args)
    }

    #[track_caller]
    fn check(text: &str, part: Option<&str>, schema: Option<&str>) {
        let Args { part: found, schema: name, .. } = parsed(text).unwrap();
        assert_eq!(found.as_deref(), part);
        assert_eq!(name.map(|name| name.to_string()).as_deref(), schema);
    }

    #[test]
    fn schema_is_bound_to_an_entity_or_to_one_part_of_it() {
        check("crm row a@2", None, Some("a@2"));
        check("crm row a@2 --part 0a-1b", Some("0a-1b"), Some("a@2"));
        check("crm row --part 0a-1b --default", Some("0a-1b"), None);
        assert!(parsed("crm row a --part").is_none());
        assert!(parsed("crm row a --default").is_none());
    }
}
