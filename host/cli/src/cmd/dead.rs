//! `plughouse dead`: jobs that came to nothing, and what becomes of them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use clap::Subcommand;
use engine::dead::Chosen;
use model::queue::{
    BATCH_MAX, DeadFilter, DeadLetter, Death, Failure, JobId, JobQueue as _, Queue, Redrive,
    RedriveTo,
};
use model::{ConnectionId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use super::task::duration;
use crate::Global;
use crate::exit::Exit;
use crate::wire::Host;

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists dead letters.
    List {
        #[command(flatten)]
        filter: Filter,
        /// Behind this job.
        #[arg(long, value_name = "JOB")]
        after: Option<u64>,
        /// At most this many.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Shows one with its payload and everything that went wrong.
    Show {
        /// The job.
        job: u64,
    },
    /// Queues dead letters again.
    Retry {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        how: How,
    },
    /// Throws dead letters away.
    Discard {
        #[command(flatten)]
        filter: Filter,
        /// Why; it goes into the log of events.
        #[arg(long)]
        reason: String,
        /// Only counts them.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Which dead letters; all conditions must hold.
#[derive(Debug, clap::Args)]
pub(crate) struct Filter {
    /// These jobs.
    jobs: Vec<u64>,
    /// All of them, for commands that change something.
    #[arg(long, conflicts_with = "jobs")]
    all: bool,
    /// Of this queue.
    #[arg(long)]
    queue: Option<Queue>,
    /// Of this connection.
    #[arg(long)]
    connection: Option<ConnectionId>,
    /// Of this package.
    #[arg(long)]
    package: Option<String>,
    /// Whose last error has this code.
    #[arg(long)]
    code: Option<String>,
}

/// How dead letters come back.
#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// Before what waits in their sessions; otherwise behind it.
    #[arg(long)]
    first: bool,
    /// One after another with this time between, as 1s; otherwise all at once.
    #[arg(long, value_parser = duration, default_value = "0s")]
    spacing: Duration,
    /// With the payload in this file, in place of its own; for a single job.
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,
    /// Only counts them.
    #[arg(long)]
    dry_run: bool,
}

/// A dead letter as it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    job: JobId,
    queue: Queue,
    session: &'a str,
    connection: Option<&'a ConnectionId>,
    package: Option<&'a str>,
    attempts: u32,
    why: Death,
    enqueued: Timestamp,
    died: Timestamp,
    failures: &'a [Failure],
    payload: Option<&'a RawValue>,
}

impl<'a> From<&'a DeadLetter> for Shown<'a> {
    fn from(letter: &'a DeadLetter) -> Self {
        Self {
            job: letter.id,
            queue: letter.queue,
            session: &letter.session,
            connection: letter.connection.as_ref(),
            package: letter.package.as_deref(),
            attempts: letter.attempts,
            why: letter.why,
            enqueued: letter.enqueued,
            died: letter.died,
            failures: &letter.failures,
            payload: serde_json::from_slice(&letter.payload).ok(),
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, queue, session, attempts, why, enqueued, died, failures, .. } = self;
        writeln!(f, "job {job} of queue {queue}, session {session}")?;
        writeln!(
            f,
            "queued {enqueued:.0}, died {died:.0} after {attempts} attempts: {}",
            word(*why)
        )?;
        for Failure { at, attempt, error, digest, .. } in *failures {
            let digest = digest.as_deref().map(|d| format!(" [{d}]")).unwrap_or_default();
            writeln!(f, "  {at:.0} attempt {attempt}: {error}{digest}")?;
        }
        write!(f, "payload {}", self.payload.map_or("(no JSON)", RawValue::get))
    }
}

/// Runs the subcommand.
pub(crate) async fn run(global: &Global, command: Command) -> Result<Exit> {
    let host = Host::open(global).await?;
    match command {
        Command::List { filter, after, limit } => {
            let after = after.map(JobId);
            list(global, &host, DeadFilter { after, ..filter.read(global, BATCH_MAX) }, limit)
                .await?;
        }
        Command::Show { job } => {
            let one = Filter::of(job).read(global, 1);
            let letters = host.store.dead(&one).await?;
            let letter = letters.first().with_context(|| absent(job))?;
            let shown = Shown::from(letter);
            global.output().result(&shown, &shown)?;
        }
        Command::Retry { filter, how } => retry(global, &host, filter, how).await?,
        Command::Discard { filter, reason, dry_run } => {
            filter.must_choose()?;
            let chosen = chosen(global, &host, filter).await?;
            if dry_run {
                told(global, "discarded", chosen.count(), true)?;
                return Ok(Exit::Done);
            }
            let mut all = 0;
            for batch in chosen.batches() {
                all += host.store.discard(&batch, &reason).await?;
            }
            told(global, "discarded", all, false)?;
        }
    }
    Ok(Exit::Done)
}

async fn retry(global: &Global, host: &Host, filter: Filter, how: How) -> Result<()> {
    filter.must_choose()?;
    let payload = how.payload.map(|file| {
        ensure!(filter.jobs.len() == 1, "--payload is for a single job: name it");
        let text = std::fs::read(global.terminal.path(&file))
            .with_context(|| format!("read {}", file.display()))?;
        serde_json::from_slice::<serde::de::IgnoredAny>(&text)
            .with_context(|| format!("read {} as JSON", file.display()))?;
        Ok(Bytes::from(text))
    });
    let payload = payload.transpose()?;
    let chosen = chosen(global, host, filter).await?;
    if how.dry_run {
        return told(global, "retried", chosen.count(), true);
    }
    let to = if how.first { RedriveTo::Head } else { RedriveTo::Tail };
    let (spacing, mut all) = (how.spacing, 0);
    for batch in chosen.batches() {
        let delay = spacing.saturating_mul(u32::try_from(all).unwrap_or(u32::MAX));
        let redrive = Redrive { to, payload: payload.clone(), delay, spacing };
        all += host.store.redrive(&batch, redrive).await?;
    }
    host.wake.wake();
    told(global, "retried", all, false)
}

/// The letters of a filter, however many there are.
async fn chosen(global: &Global, host: &Host, filter: Filter) -> Result<Chosen> {
    Ok(Chosen::of(&*host.store, filter.read(global, BATCH_MAX), usize::MAX).await?)
}

fn told(global: &Global, what: &str, count: u64, dry_run: bool) -> Result<()> {
    let (would, s) = (if dry_run { "would be " } else { "" }, if count == 1 { "" } else { "s" });
    let value = serde_json::json!({ what: count, "dry_run": dry_run });
    global.output().result(&value, format_args!("{count} dead letter{s} {would}{what}"))
}

impl Filter {
    fn of(job: u64) -> Self {
        Self {
            jobs: vec![job],
            all: false,
            queue: None,
            connection: None,
            package: None,
            code: None,
        }
    }

    /// Nobody should change all of them by leaving the choice out.
    fn must_choose(&self) -> Result<()> {
        let Self { jobs, all, queue, connection, package, code } = self;
        let some = queue.is_some() || connection.is_some() || package.is_some() || code.is_some();
        if !(*all || some || !jobs.is_empty()) {
            bail!("say which: jobs by number, --queue, --connection, --package, --code, or --all");
        }
        Ok(())
    }

    fn read(self, global: &Global, limit: usize) -> DeadFilter {
        let ids: BTreeSet<_> = self.jobs.into_iter().map(JobId).collect();
        DeadFilter {
            queue: self.queue,
            connection: self.connection,
            package: self.package,
            code: self.code,
            ids: (!ids.is_empty()).then_some(ids),
            limit: limit.clamp(1, BATCH_MAX),
            ..DeadFilter::all(global.tenant.clone())
        }
    }
}

/// Lists letters in parts, for the store gives fewer at once where they are large.
async fn list(
    global: &Global,
    host: &Host,
    mut filter: DeadFilter,
    mut limit: usize,
) -> Result<()> {
    let head = ["JOB", "QUEUE", "SESSION", "DIED", "ATTEMPTS", "WHY", "LAST ERROR"];
    let output = global.output();
    let mut listing = output.listing(&head);
    loop {
        filter.limit = limit.min(BATCH_MAX);
        let letters = host.store.dead(&filter).await?;
        let shown: Vec<_> = letters.iter().map(Shown::from).collect();
        listing.show(&shown, row)?;
        let Some(last) = letters.last() else { return Ok(()) };
        limit -= letters.len();
        if limit == 0 {
            output.note(format_args!("more may follow: --after {}", last.id));
            return Ok(());
        }
        filter.after = Some(last.id);
    }
}

fn row(letter: &Shown<'_>) -> Vec<String> {
    let error = letter.failures.last().map(|failure| failure.error.to_string());
    vec![
        letter.job.to_string(),
        letter.queue.to_string(),
        letter.session.to_owned(),
        format!("{:.0}", letter.died),
        letter.attempts.to_string(),
        word(letter.why).to_owned(),
        error.unwrap_or_default(),
    ]
}

fn word(why: Death) -> &'static str {
    match why {
        Death::Permanent => "permanent",
        Death::Exhausted => "exhausted",
        Death::Quarantined => "quarantined",
    }
}

fn absent(job: u64) -> String {
    format!("there is no dead letter {job}: see `plughouse dead list`")
}
