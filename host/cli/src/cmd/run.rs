//! `plughouse run`: the sync history.

use std::fmt;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use model::absence::{AbsenceStore as _, Decision};
use model::run::{EntityReport, Run};
use model::store::{REJECTS_LISTED_MAX, RUNS_LISTED_MAX, RecordStore as _, StoredReject};
use model::{ConnectionId, RunId};
use store::Store;

use crate::cmd::records::excerpt;
use crate::exit::Exit;
use crate::{Global, wire};

/// What can be done with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists runs, the newest first, a line an entity.
    List {
        /// Of this connection; otherwise of all.
        connection: Option<ConnectionId>,
        /// At most this many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Shows all that is known of a run.
    Show(Which),
    /// Lists what a run could not read or map, and why.
    Rejects {
        #[command(flatten)]
        which: Which,
        /// At most this many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Lists deletions that wait for somebody to confirm them.
    Held {
        /// Of this connection; otherwise of all.
        connection: Option<ConnectionId>,
    },
    /// Confirms the deletions that a run has held; the next run deletes as many, and no more.
    Approve(Which),
    /// Keeps the records that a run found absent, until the provider shows them again.
    Keep(Which),
}

/// Which run.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The connection.
    connection: ConnectionId,
    /// The number of the run.
    run: u64,
}

/// The head of the table of runs.
const HEAD: [&str; 13] = [
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
    "COMPLETE UNTIL",
    "ERROR",
];

/// The head of the table of rejects.
const REJECTS_HEAD: [&str; 4] = ["ENTITY", "ID", "REASON", "PAYLOAD"];

/// The head of the table of held deletions.
const HELD_HEAD: [&str; 7] = ["CONNECTION", "RUN", "ENTITY", "ABSENT", "OF", "SINCE", "DECISION"];

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    let store = wire::open_store(global)?;
    match command {
        Command::List { connection, limit } => list(global, &store, connection, limit).await?,
        Command::Show(which) => {
            let run = which.find(global, &store).await?;
            global.output().result(&run, Whole(&run))?;
        }
        Command::Rejects { which, limit } => rejects(global, &store, which, limit).await?,
        Command::Held { connection } => held(global, &store, connection.as_ref()).await?,
        Command::Approve(which) => decide(global, &store, which, Decision::Approved).await?,
        Command::Keep(which) => decide(global, &store, which, Decision::Discarded).await?,
    }
    Ok(Exit::Done)
}

impl Which {
    async fn find(&self, global: &Global, store: &Store) -> Result<Run> {
        let Self { connection, run } = self;
        wire::connection(store, &global.tenant, connection).await?;
        let run = store.run(&global.tenant, connection, RunId(*run)).await?;
        run.with_context(|| {
            let Self { connection, run } = self;
            format!(
                "connection {connection} has no run {run}: see `plughouse run list {connection}`"
            )
        })
    }
}

async fn list(
    global: &Global,
    store: &Store,
    connection: Option<ConnectionId>,
    limit: usize,
) -> Result<()> {
    if let Some(id) = &connection {
        wire::connection(store, &global.tenant, id).await?;
    }
    let runs = store.runs(&global.tenant, connection.as_ref(), limit).await?;
    if global.json {
        global.output().list(&runs, &[], |_| Vec::new())?;
    } else {
        let rows: Vec<_> = runs.iter().flat_map(rows).collect();
        global.output().list(&rows, &HEAD, Clone::clone)?;
    }
    capped(global, runs.len(), limit, RUNS_LISTED_MAX);
    Ok(())
}

/// Says that a list was cut, and what shows more of it.
fn capped(global: &Global, shown: usize, limit: usize, most: usize) {
    if shown < limit.min(most) {
        return;
    }
    global.output().note(if limit < most {
        "more may follow: raise --limit".to_owned()
    } else {
        format!("more may follow, and one list has {most} at most")
    });
}

/// Lists what a run could not read or map.
async fn rejects(global: &Global, store: &Store, which: Which, limit: usize) -> Result<()> {
    let run = which.find(global, store).await?.reference();
    let rejects = store.rejects(&run, limit).await?;
    global.output().list(&rejects, &REJECTS_HEAD, |reject: &StoredReject| {
        vec![
            reject.entity.clone(),
            reject.id.clone().unwrap_or_default(),
            reject.error.to_string(),
            reject.payload.as_deref().map(excerpt).unwrap_or_default(),
        ]
    })?;
    capped(global, rejects.len(), limit, REJECTS_LISTED_MAX);
    Ok(())
}

async fn held(global: &Global, store: &Store, connection: Option<&ConnectionId>) -> Result<()> {
    let held = store.held(&global.tenant, connection).await?;
    global.output().list(&held, &HELD_HEAD, |held| {
        let decision = match held.decision {
            None => "waits: plughouse run approve, or keep",
            Some(Decision::Approved) => "approved",
            Some(Decision::Discarded) => "kept",
        };
        vec![
            held.connection.to_string(),
            held.run.to_string(),
            held.entity.clone(),
            held.absent.to_string(),
            held.live.to_string(),
            format!("{:.0}", held.since),
            decision.to_owned(),
        ]
    })
}

async fn decide(global: &Global, store: &Store, which: Which, decision: Decision) -> Result<()> {
    let Which { connection, run } = which;
    wire::connection(store, &global.tenant, &connection).await?;
    let decided = store.decide_held(&global.tenant, &connection, RunId(run), decision).await?;
    if decided.is_empty() {
        bail!("run {run} of {connection} holds no deletions: see `plughouse run held`");
    }
    let records: u64 = decided.iter().map(|held| held.absent).sum();
    let text = match decision {
        Decision::Approved => format!("the next run of {connection} deletes {records} records"),
        Decision::Discarded => format!("{records} records of {connection} stay"),
    };
    global.output().result(&decided, text)
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
        row.extend(std::iter::repeat_n(String::new(), HEAD.len() - row.len() - 1));
        row.push(run.error.as_ref().map(ToString::to_string).unwrap_or_default());
        return vec![row];
    }
    let entity = |(name, report): (&String, &EntityReport)| {
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
        row.push(report.complete_until.map(|at| format!("{at:.0}")).unwrap_or_default());
        row.push(report.error.as_ref().map(ToString::to_string).unwrap_or_default());
        row
    };
    run.entities.iter().map(entity).collect()
}

/// All that is known of a run, for people.
struct Whole<'a>(&'a Run);

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = self.0;
        writeln!(f, "{}", super::sync::Shown(run))?;
        let task = run.task.as_ref().map(|task| format!(" by task {task}")).unwrap_or_default();
        writeln!(f, "  began {:.0}{task}, {} {}", run.started, run.package, run.version)?;
        if let Some(ended) = run.ended {
            writeln!(f, "  ended {ended:.0}")?;
        }
        write!(f, "  {}", run.digest)?;
        run.entities.iter().try_for_each(|(name, report)| entity(f, name, report))
    }
}

fn entity(f: &mut fmt::Formatter<'_>, name: &str, report: &EntityReport) -> fmt::Result {
    let EntityReport { pages, calls, bytes, throttled, absent, held, skipped, .. } = report;
    write!(f, "\n{name}: {pages} pages, {calls} requests, {} KiB", bytes.div_ceil(1024))?;
    if !throttled.is_zero() {
        write!(f, ", {throttled:.1?} waiting for rate limits")?;
    }
    for (count, what) in [(absent, "absent"), (held, "held"), (skipped, "skipped")] {
        if *count > 0 {
            write!(f, ", {count} {what}")?;
        }
    }
    let until = report.complete_until.map(|at| format!("{at:.0}"));
    let facts = [
        ("complete until", &until),
        ("mapped by", &report.schema),
        ("checkpoint before", &report.checkpoint_before),
        ("checkpoint after", &report.checkpoint_after),
    ];
    facts
        .into_iter()
        .filter_map(|(name, fact)| Some((name, fact.as_ref()?)))
        .try_for_each(|(name, fact)| write!(f, "\n  {name:18} {}", excerpt(fact)))
}
