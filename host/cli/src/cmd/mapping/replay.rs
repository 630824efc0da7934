//! `plughouse mapping replay`: stored records through the active schemas again.

use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};
use engine::replay::{Ports, ReplayPlan};
use engine::sync::Cancel;
use engine::work::job::{Order, ReplayOrder};
use model::ConnectionId;
use model::run::{Run, RunStatus};

use super::impact::{self, Shown};
use super::site::Site;
use crate::Global;
use crate::cmd::sync;
use crate::exit::Exit;

/// What to map again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The connection.
    connection: ConnectionId,
    /// Only these entities.
    #[arg(long = "entity")]
    entities: Vec<String>,
    /// Records too that the active schema has mapped before.
    #[arg(long)]
    again: bool,
    /// Says what would change, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Does not ask.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
}

/// Replays a connection, once somebody has seen what that changes.
pub(super) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let Args { connection, entities, again, dry_run, yes } = args;
    let site = Site::open(global, &connection).await?;
    let plan = site.replay(&entities, site.all_active().await?)?;
    let plan = ReplayPlan { again, ..plan };
    let output = global.output();
    if dry_run || !yes {
        let impact = impact::look(global, &site.host, &plan).await?;
        if dry_run {
            output.result(&impact, Shown(&impact))?;
            return Ok(Exit::Done);
        }
        output.note(Shown(&impact));
        if impact.is_nothing() {
            output.result(&impact, "there is nothing to replay")?;
            return Ok(Exit::Done);
        }
        if !output.ask("replay them?", "--yes replays, --dry-run only looks") {
            bail!("nothing was changed; --yes does it without asking");
        }
    }
    let run = if global.host.is_some() {
        let order =
            Order::Replay(ReplayOrder { connection, entities, again, mark: None, cause: None });
        sync::queued(global, &site.host, &site.connection, &order).await?
    } else {
        here(global, &site, &plan).await?
    };
    output.result(&run, sync::Shown(&run))?;
    if run.status == RunStatus::Cancelled {
        output.note("stopped; the same command goes on with the rest");
    }
    Ok(sync::exit(run.status))
}

/// Replays within this process; Ctrl-C stops it at the next batch.
async fn here(global: &Global, site: &Site, plan: &ReplayPlan) -> Result<Run> {
    let cancel = Cancel::default();
    let stoppable = global.interrupt.stops(cancel.clone());
    let progress = Mutex::new(global.output().progress(plan.connection.as_str()));
    let listener = |event: engine::sync::Progress<'_>| sync::show(&progress, event);
    let (store, clock) = (site.host.store.as_ref(), site.host.clock.clone());
    let run = engine::replay::replay(plan, Ports { store, clock, cancel, listener: &listener });
    let run = run.await;
    drop(stoppable);
    progress.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
    Ok(run?)
}
