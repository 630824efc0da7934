//! A sync or a replay within a server: it goes through the queue, so that nothing reads a connection
//! twice at once, and is watched from here.

use std::time::Duration;

use anyhow::{Result, anyhow, bail, ensure};
use engine::health::holds;
use engine::sync::{Cancel, Choice, SyncPlan};
use engine::work::job::{Order, SyncOrder};
use engine::work::{Stage, course};
use model::errors::Again;
use model::queue::{DeadLetter, Enqueued, JobId, JobQueue as _, Pause, PauseScope};
use model::run::{EntityReport, Run, RunStatus};
use model::{Connection, ConnectionId};

use super::Counts;
use crate::Global;
use crate::cmd::queue;
use crate::exit::Left;
use crate::wire::{self, Host};

/// How often the run is looked at: often enough for a person who watches.
const LOOK: Duration = Duration::from_millis(200);

/// After so many looks without a run it is found out what it waits for: a second.
const LOOKS_SILENT: u32 = 5;

/// Queues a sync and waits until its run has ended.
pub(super) async fn sync(
    global: &Global,
    host: &Host,
    id: &ConnectionId,
    choice: Choice,
    full: bool,
) -> Result<Run> {
    ensure!(
        choice.fields.is_empty(),
        "--fields is not for a sync within a server: stop the server first, or leave it out"
    );
    let connection = wire::connection(&host.store, &global.tenant, id).await?;
    let package = host.load(&connection.package).await?;
    // What cannot be read is told here, and not by a dead letter.
    SyncPlan::of(package.reference(), package.manifest(), &connection, &choice)?;
    let order = SyncOrder {
        connection: id.clone(),
        entities: choice.entities,
        full,
        task: None,
        by_person: true,
        cause: None,
    };
    queued(global, host, &connection, &Order::Sync(order)).await
}

/// Queues an order and waits until its run has ended.
pub(crate) async fn queued(
    global: &Global,
    host: &Host,
    connection: &Connection,
    order: &Order,
) -> Result<Run> {
    let job = order.job(&global.tenant, Some(connection.package.clone()));
    let queued = host.store.enqueue(vec![job]).await?;
    let Some(Enqueued::New(job) | Enqueued::Duplicate(job)) = queued.first() else {
        bail!("the job was not queued");
    };
    host.wake.wake();
    let cancel = Cancel::default();
    let stoppable = global.interrupt.stops(cancel.clone());
    let watched = Watched { global, host, connection, job: *job };
    let run = tokio::select! {
        run = watched.run() => run?,
        () = cancel.cancelled() => bail!(Left(format!("the server goes on with job {job}"))),
    };
    drop(stoppable);
    if is_tried_again(&run) {
        let note =
            "the server goes on with it by itself: see `plughouse run list` and `queue list`";
        global.output().note(note);
    }
    Ok(run)
}

/// Whether the job of a run goes on although the run has ended.
fn is_tried_again(run: &Run) -> bool {
    run.errors().any(|error| error.rule().again != Again::No) || run.status == RunStatus::Cancelled
}

/// An order that somebody waits for.
struct Watched<'a> {
    global: &'a Global,
    host: &'a Host,
    connection: &'a Connection,
    job: JobId,
}

impl Watched<'_> {
    /// Shows how the first run of the order comes on, until it has ended; an error where there will
    /// be none.
    async fn run(&self) -> Result<Run> {
        let Self { global, host, connection, job } = *self;
        let store = host.store.as_ref();
        let output = global.output();
        let mut progress = output.progress(connection.id.as_str());
        let (mut looks, mut told) = (0_u32, None);
        loop {
            looks += 1;
            let Some(mut course) =
                course((store, store), &global.tenant, &connection.id, job).await?
            else {
                wire::connection(&host.store, &global.tenant, &connection.id).await?;
                bail!("job {job} was ended before it began");
            };
            match (course.runs.pop(), course.stage) {
                (Some(run), _) if run.ended.is_some() => {
                    progress.finish();
                    return Ok(run);
                }
                (Some(run), _) => {
                    let total = total(&run);
                    progress.set(total.read, Counts(&total));
                }
                (None, Stage::Dead(letter)) => return Err(died(*letter)),
                (None, _) if looks.is_multiple_of(LOOKS_SILENT) => {
                    let pauses = queue::pauses(host, &global.tenant).await?;
                    let reason = waits_for(&pauses, connection);
                    if told.as_ref() != Some(&reason) {
                        output.note(&reason);
                        told = Some(reason);
                    }
                }
                (None, _) => {}
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Why there will be no run.
fn died(letter: DeadLetter) -> anyhow::Error {
    let DeadLetter { id, failures, .. } = letter;
    let what = format!("job {id} came to nothing before it began: see `plughouse dead show {id}`");
    match failures.into_iter().next_back() {
        Some(failure) => anyhow::Error::from(failure.error).context(what),
        None => anyhow!(what),
    }
}

/// Why the work of a connection does not begin.
fn waits_for(pauses: &[Pause], connection: &Connection) -> String {
    let id = &connection.id;
    let holding = pauses.iter().find(|pause| holds(&pause.scope, connection));
    let Some(Pause { scope, reason, .. }) = holding else {
        return "waiting for its turn: see `plughouse queue list` and `plughouse breaker list`"
            .to_owned();
    };
    match scope {
        PauseScope::Unauthorised(_) => format!(
            "waiting until connection {id} is authorised again ({reason}): use `plughouse connect` \
             again"
        ),
        scope => format!("waiting, for {} is paused: {reason}", queue::what(scope)),
    }
}

/// What a run has done to all its entities.
fn total(run: &Run) -> EntityReport {
    run.entities.values().fold(EntityReport::default(), |mut total, report| {
        total.read += report.read;
        total.inserted += report.inserted;
        total.updated += report.updated;
        total.unchanged += report.unchanged;
        total.deleted += report.deleted;
        total.rejected += report.rejected;
        total
    })
}

#[cfg(test)]
mod tests {
    use model::queue::Queue;
    use model::{Error, ErrorKind, Timestamp};

    use super::*;

    #[track_caller]
    fn check(scope: PauseScope, expected: &str) {
        let connection =
            Connection::new("main".parse().unwrap(), "crm".parse().unwrap(), "acme/crm", "none");
        let since = Timestamp::UNIX_EPOCH;
        let pause = Pause { scope, reason: "tea".to_owned(), since, until: None };
        let told = waits_for(&[pause], &connection);
        assert!(told.starts_with("waiting") && told.contains(expected), "{told}");
    }

    #[test]
    fn what_an_order_waits_for_is_named() {
        let (crm, other): (ConnectionId, ConnectionId) =
            ("crm".parse().unwrap(), "other".parse().unwrap());
        check(PauseScope::Connection(crm.clone()), "for connection crm is paused: tea");
        check(
            PauseScope::Unauthorised(crm),
            "crm is authorised again (tea): use `plughouse connect`",
        );
        check(PauseScope::Queue(Queue::InboundScheduled), "for queue inbound-scheduled is paused");
        let line = |name: &str| PauseScope::Session(Queue::InboundScheduled, name.to_owned());
        check(line("sync/crm"), "for session sync/crm of queue inbound-scheduled is paused");
        check(PauseScope::Package("acme/crm".to_owned()), "for package acme/crm is paused");
        for scope in [
            PauseScope::Connection(other.clone()),
            PauseScope::Unauthorised(other),
            PauseScope::Queue(Queue::Outbound),
            line("sync/other"),
            PauseScope::Package("acme/other".to_owned()),
        ] {
            check(scope, "waiting for its turn");
        }
    }

    #[test]
    fn job_that_died_before_its_run_is_told_with_its_error() {
        let error = Error::new(ErrorKind::Denied, "engine.package", "it is revoked");
        let at = Timestamp::UNIX_EPOCH;
        let failure =
            model::queue::Failure { at, attempt: 1, error, digest: None, progressed: false };
        let letter = DeadLetter {
            id: JobId(7),
            tenant: "main".parse().unwrap(),
            queue: Queue::InboundScheduled,
            session: "sync/crm".to_owned(),
            connection: None,
            package: None,
            payload: bytes::Bytes::new(),
            attempts: 1,
            failures: vec![failure],
            why: model::queue::Death::Permanent,
            enqueued: at,
            died: at,
        };
        let told = format!("{:#}", died(letter));
        assert!(told.contains("plughouse dead show 7") && told.contains("it is revoked"), "{told}");
    }
}
