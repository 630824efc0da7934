//! `plughouse mapping preview`: what a schema makes of records, step by step.

use std::fmt;
use std::path::PathBuf;

use ::mapping::{FieldPreview, NoReferences, Preview, RoundTrip};
use anyhow::{Context as _, Result, bail, ensure};
use engine::mapping::{Mapper, Mapping, Mappings, Raw};
use model::ConnectionId;
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::site::{self, Site};
use super::text::{self, Which};
use crate::Global;
use crate::cmd::records::excerpt;
use crate::exit::Exit;

/// Which schema, and on which records.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file of a schema, or the name of a saved one, as NAME or NAME@VERSION; without it the
    /// active one of the entity.
    #[arg(required_unless_present = "connection")]
    schema: Option<Which>,
    /// On stored records of this connection.
    #[arg(long, requires = "entity", required_unless_present = "sample")]
    connection: Option<ConnectionId>,
    /// On records of this entity.
    #[arg(long, requires = "connection")]
    entity: Option<String>,
    /// On records of this part, as one of several databases.
    #[arg(long, requires = "entity", conflicts_with = "ids")]
    part: Option<String>,
    /// On the record with this id of the provider; may be repeated.
    #[arg(long = "id", requires = "entity")]
    ids: Vec<String>,
    /// On at most this many records.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// On the record, or the list of records, in this JSON file; `-` is standard input.
    #[arg(long, conflicts_with = "connection", requires = "schema")]
    sample: Option<PathBuf>,
}

/// What became of a record.
#[derive(Debug, Serialize)]
struct Shown {
    /// The provider's id, or the place in the file.
    id: String,
    #[serde(flatten)]
    preview: Preview,
}

/// Shows the records one after another.
pub(super) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let shown = match (&args.sample, &args.connection, &args.entity) {
        (Some(file), ..) => {
            let which = args.schema.as_ref().context("name a schema to use with --sample")?;
            let mapping = site::schema(global, site::store(global)?.as_deref(), which).await?;
            samples(&mapping, &text::read(global, file)?)
                .with_context(|| format!("read {}", file.display()))?
        }
        (None, Some(connection), Some(entity)) => {
            let site = Site::open(global, connection).await?;
            site.entity(entity)?;
            let mapping = match &args.schema {
                Some(which) => Some(site::schema(global, Some(&site.host.store), which).await?),
                None => None,
            };
            stored(&site, entity, mapping, &args).await?
        }
        _ => bail!("say on which records: --connection and --entity, or --sample"),
    };
    let rejected = shown.iter().filter(|shown| shown.preview.output.is_none()).count();
    for shown in &shown {
        global.output().result(shown, shown)?;
    }
    if rejected > 0 {
        global.output().note(format_args!("{rejected} of {} records are rejected", shown.len()));
    }
    Ok(Exit::Done)
}

/// The records of a file; they refer to nothing.
fn samples(mapping: &Mapping, text: &str) -> Result<Vec<Shown>> {
    let one = serde_json::from_str::<Json>(text)?;
    let records: Vec<&RawValue> = if one.is_array() {
        serde_json::from_str(text)?
    } else {
        vec![serde_json::from_str(text)?]
    };
    ensure!(!records.is_empty(), "the list is empty: put a record into it");
    let shown = records.into_iter().enumerate().map(|(place, record)| {
        let payload = record.get().as_bytes();
        let preview = ::mapping::preview(mapping.program(), payload, &NoReferences);
        Shown { id: (place + 1).to_string(), preview }
    });
    Ok(shown.collect())
}

async fn stored(
    site: &Site,
    entity: &str,
    mapping: Option<Mapping>,
    args: &Args,
) -> Result<Vec<Shown>> {
    let mappings = match mapping {
        Some(mapping) => Mappings::default().with(entity, Some(mapping)),
        None => site.active(entity).await?,
    };
    let store = site.host.store.as_ref();
    let mut mapper = Mapper::new(&site.connection.tenant, &site.connection.id, mappings);
    let mut shown = Vec::new();
    let limit = usize::from(args.limit);
    let records = match &args.part {
        Some(part) => site.sample(entity, Some(part), limit).await?,
        None => site.records(entity, &args.ids, limit).await?,
    };
    for record in records {
        let preview = mapper.preview(store, Raw::stored(&record)).await?;
        let preview = preview.with_context(|| {
            format!("no schema maps entity {entity}: name one, or begin with `mapping suggest`")
        })?;
        shown.push(Shown { id: record.id, preview });
    }
    Ok(shown)
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, preview: Preview { output, url, fields, issues } } = self;
        writeln!(f, "record {id}")?;
        fields.iter().try_for_each(|preview| field(f, preview))?;
        for issue in issues {
            writeln!(f, "  issue: {issue}")?;
        }
        if let Some(url) = url {
            writeln!(f, "  url: {url}")?;
        }
        match output {
            Some(output) => write!(f, "  {output}"),
            None => f.write_str("  rejected"),
        }
    }
}

fn field(f: &mut fmt::Formatter<'_>, preview: &FieldPreview) -> fmt::Result {
    let FieldPreview { from, to, source, steps, round_trip, .. } = preview;
    let value = |value: &Option<Box<RawValue>>| {
        value.as_ref().map_or_else(|| "nothing".to_owned(), |value| excerpt(value.get()))
    };
    write!(f, "  {} → {}: {}", from.join(", "), to.join(", "), value(source))?;
    for step in steps {
        match &step.error {
            Some(error) => write!(f, " → {} fails: {error}", step.op)?,
            None => write!(f, " → {} {}", step.op, value(&step.value))?,
        }
    }
    let back = match round_trip {
        RoundTrip::Equal | RoundTrip::None => "",
        RoundTrip::Tidied => "; goes back tidied",
        RoundTrip::Differs => "; goes back with the help of the provider's value",
    };
    writeln!(f, "{back}")
}
