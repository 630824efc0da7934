//! `plughouse runs`: the sync history.

use anyhow::{Result, ensure};
use model::run::Run;
use model::store::{RecordStore as _, RunRef, StoredReject};
use model::{ConnectionId, RunId};
use store::Store;

use crate::cmd::records::excerpt;
use crate::exit::Exit;
use crate::{Global, wire};

/// Which runs, or which rejects of one.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of this connection; otherwise of all.
    connection: Option<ConnectionId>,
    /// The records that this run could not read, and why, instead of the runs.
    #[arg(long, value_name = "RUN", requires = "connection")]
    rejects: Option<u64>,
    /// At most this many.
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

/// The head of the table of runs.
const HEAD: [&str; 12] = [
    "CONNECTION",
    "RUN",
    "STARTED",
    "STATUS",
    "ENTITY",
    "READ",
    "NEW",
    "CHANGED",
    "SAME",
    "GONE",
    "REJECTED",
    "ERROR",
];

/// The head of the table of rejects.
const REJECTS_HEAD: [&str; 4] = ["ENTITY", "ID", "REASON", "PAYLOAD"];

/// Lists runs, a line an entity.
pub(crate) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let store = wire::open_store(global)?;
    if let Some(id) = &args.connection {
        wire::connection(&store, &global.tenant, id).await?;
    }
    if let (Some(connection), Some(run)) = (&args.connection, args.rejects) {
        return rejects(global, &store, (connection, RunId(run)), args.limit).await;
    }
    let runs = store.runs(&global.tenant, args.connection.as_ref(), args.limit).await?;
    if global.json {
        global.output().list(&runs, &[], |_| Vec::new())?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = runs.iter().flat_map(rows).collect();
    global.output().list(&rows, &HEAD, Clone::clone)?;
    Ok(Exit::Done)
}

/// Lists what a run could not read.
async fn rejects(
    global: &Global,
    store: &Store,
    (connection, id): (&ConnectionId, RunId),
    limit: usize,
) -> Result<Exit> {
    let newest = store.runs(&global.tenant, Some(connection), 1).await?;
    ensure!(
        (1..=newest.first().map_or(0, |run| run.id.0)).contains(&id.0),
        "connection {connection} has no run {id}: see `plughouse runs {connection}`"
    );
    let run = RunRef { tenant: global.tenant.clone(), connection: connection.clone(), id };
    let rejects = store.rejects(&run, limit).await?;
    global.output().list(&rejects, &REJECTS_HEAD, |reject: &StoredReject| {
        vec![
            reject.entity.clone(),
            reject.id.clone().unwrap_or_default(),
            reject.error.to_string(),
            reject.payload.as_deref().map(excerpt).unwrap_or_default(),
        ]
    })?;
    if rejects.len() == limit {
        global.output().note("more may follow: raise --limit");
    }
    Ok(Exit::Done)
}

fn rows(run: &Run) -> Vec<Vec<String>> {
    let lead = |status: &str| {
        vec![
            run.connection.to_string(),
            run.id.to_string(),
            format!("{:.0}", run.started),
            status.to_owned(),
        ]
    };
    if run.entities.is_empty() {
        let mut row = lead(run.status.as_str());
        row.extend(std::iter::repeat_n(String::new(), 7));
        row.push(run.error.as_ref().map(ToString::to_string).unwrap_or_default());
        return vec![row];
    }
    let entity = |(name, report): (&String, &model::run::EntityReport)| {
        let mut row = lead(report.status.as_str());
        row.push(name.clone());
        let counts = [
            report.read,
            report.inserted,
            report.updated,
            report.unchanged,
            report.deleted,
            report.rejected,
        ];
        row.extend(counts.map(|count| count.to_string()));
        row.push(report.error.as_ref().map(ToString::to_string).unwrap_or_default());
        row
    };
    run.entities.iter().map(entity).collect()
}
