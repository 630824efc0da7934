//! `plughouse runs`: the sync history.

use anyhow::Result;
use model::ConnectionId;
use model::run::Run;
use model::store::RecordStore as _;

use crate::exit::Exit;
use crate::{Global, wire};

/// Which runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of this connection; otherwise of all.
    connection: Option<ConnectionId>,
    /// At most this many.
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

/// Lists runs, a line an entity.
pub(crate) async fn run(global: &Global, args: Args) -> Result<Exit> {
    let store = wire::open_store(global)?;
    let runs = store.runs(&global.tenant, args.connection.as_ref(), args.limit).await?;
    if global.json {
        global.output().list(&runs, &[], |_| Vec::new())?;
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = runs.iter().flat_map(rows).collect();
    let head = [
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
    global.output().list(&rows, &head, Clone::clone)?;
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
