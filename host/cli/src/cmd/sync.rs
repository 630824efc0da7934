//! `plughouse sync`: one run of one connection, with its progress.

mod queued;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use engine::sync::{Cancel, Choice, Ports, Progress, SyncPlan};
use model::ConnectionId;
use model::egress::Priority;
use model::run::{EntityReport, Run, RunStatus};
use model::store::RecordStore as _;

use crate::Global;
use crate::exit::Exit;
use crate::output;
use crate::wire::{self, Host};

pub(super) use queued::queued;

/// Which connection, and how much of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connection.
    connection: ConnectionId,
    /// Only these entities.
    #[arg(long = "entity")]
    entities: Vec<String>,
    /// Only these fields of an entity.
    #[arg(long = "fields", value_name = "ENTITY=FIELD,FIELD")]
    fields: Vec<String>,
    /// Reads everything again, as if for the first time.
    #[arg(long)]
    full: bool,
}

/// Runs the sync and shows what it did.
pub(crate) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let host = Host::open(global).await?;
    let choice = Choice { entities: args.entities, fields: fields(&args.fields)? };
    let run = if global.host.is_some() {
        queued::sync(global, &host, &args.connection, choice, args.full).await?
    } else {
        if args.full {
            wire::connection(&host.store, &global.tenant, &args.connection).await?;
            host.store.reset_lanes(&global.tenant, &args.connection).await?;
        }
        sync(global, &host, &args.connection, &choice).await?
    };
    global.output().result(&run, Shown(&run))?;
    Ok(exit(run.status))
}

/// How a command ends whose run has ended so.
pub(super) fn exit(status: RunStatus) -> Exit {
    match status {
        RunStatus::Succeeded | RunStatus::Running => Exit::Done,
        RunStatus::Partial => Exit::Partial,
        RunStatus::Cancelled => Exit::Interrupted,
        RunStatus::Failed | RunStatus::Interrupted => Exit::Failed,
    }
}

/// Syncs a connection; Ctrl-C stops it at the next page border.
pub(crate) async fn sync(
    global: &Global,
    host: &Host,
    id: &ConnectionId,
    choice: &Choice,
) -> Result<Run> {
    let tenant = &global.tenant;
    let connection = wire::connection(&host.store, tenant, id).await?;
    let package = host.load(&connection.package).await?;
    let actor = wire::person();
    let mut session = host.session(&package, &connection, actor, Priority::Interactive).await?;
    let mut plan = SyncPlan::of(package.reference(), package.manifest(), &connection, choice)?;
    plan.mappings = host.resolver(&package, &connection).active().await?;

    let cancel = Cancel::default();
    let stoppable = global.interrupt.stops(cancel.clone());
    let progress = Mutex::new(global.output().progress(id.as_str()));
    let listener = |event: Progress<'_>| show(&progress, event);
    let ports = Ports {
        adapter: &mut session,
        store: host.store.as_ref(),
        clock: host.clock.clone(),
        cancel,
        listener: &listener,
        metrics: host.metrics.clone(),
    };
    let run = engine::sync::sync(&plan, ports).await;
    host.breakers.flush().await?;
    drop(stoppable);
    progress.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
    Ok(run?)
}

/// Shows how a run comes on.
pub(super) fn show(progress: &Mutex<output::Progress>, event: Progress<'_>) {
    if let Progress::Page { entity, report } = event {
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.set(report.read, format_args!("{entity} {}", Counts(report)));
    }
}

fn fields(texts: &[String]) -> Result<BTreeMap<String, Vec<String>>> {
    texts
        .iter()
        .map(|text| {
            let (entity, fields) =
                text.split_once('=').with_context(|| format!("write '{text}' as ENTITY=A,B"))?;
            Ok((entity.to_owned(), fields.split(',').map(|f| f.trim().to_owned()).collect()))
        })
        .collect()
}

/// The counters of an entity as a line.
struct Counts<'a>(&'a EntityReport);

impl fmt::Display for Counts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EntityReport { read, inserted, updated, unchanged, deleted, rejected, .. } = self.0;
        write!(
            f,
            "{read} read: {inserted} new, {updated} changed, {unchanged} same, {deleted} gone, \
             {rejected} rejected"
        )
    }
}

/// A run for people.
pub(crate) struct Shown<'a>(pub(crate) &'a Run);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = self.0;
        write!(f, "run {} of {}: {}", run.id, run.connection, run.status.as_str())?;
        if let Some(error) = &run.error {
            write!(f, "\n  {error}")?;
        }
        for (entity, report) in &run.entities {
            write!(f, "\n  {entity:12} {}", Counts(report))?;
            match &report.error {
                Some(error) => write!(f, "\n    {}: {error}", report.status.as_str())?,
                None if report.status == RunStatus::Partial => {
                    f.write_str("\n    partial: the provider does not show everything")?;
                }
                None => {}
            }
        }
        let receipt = &run.receipt;
        write!(
            f,
            "\n  {} requests, {} KiB in, {} KiB of sandbox memory at most",
            receipt.http_calls,
            receipt.bytes_in.div_ceil(1024),
            receipt.memory_bytes.div_ceil(1024)
        )
    }
}
