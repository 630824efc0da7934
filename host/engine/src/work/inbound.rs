//! Jobs that read a connection, or map again what was read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::errors::Again;
use model::queue::{Effect, Job, JobId, Leased, NewJob, Outcome};
use model::run::{RunKind, RunStatus};
use model::store::{RecordStore, RunEnd, RunRef};
use model::{Clock, Error, Timestamp};

use super::error;
use super::handler::{Context, Handled, Handler, Terms};
use super::job::{self as orders, Cause, Order, ReplayOrder, SyncOrder};
use super::opener::{Opened, Opener, Opening};
use super::settle::{self, Failed};
use super::stop::{Listener, Stops, Unbegun};
use crate::metrics::Metrics;
use crate::replay::{self, Replayed, Rest};
use crate::sync::{self, Ran};

/// How long a run reads before others get their turn; it goes on where it stopped. Long enough
/// for most runs, short enough that a first read of a day stands in nobody's way.
const TURN: Duration = Duration::from_mins(15);

/// What is added to the longest adapter call for the commits before and after it.
const COMMIT_TIME: Duration = Duration::from_secs(30);

/// Handles what reads connections.
pub struct Inbound {
    opener: Arc<dyn Opener>,
    store: Arc<dyn RecordStore>,
    clock: Clock,
    metrics: Metrics,
    stops: Stops,
    terms: Terms,
}

impl Inbound {
    /// A handler whose adapter calls end within `call_max`.
    pub fn new(
        opener: Arc<dyn Opener>,
        store: Arc<dyn RecordStore>,
        (clock, metrics): (Clock, Metrics),
        call_max: Duration,
    ) -> Self {
        let terms = Terms { deadline: call_max + COMMIT_TIME, turn: TURN, jobs_max: 1 };
        Self { opener, store, clock, metrics, stops: Stops::default(), terms }
    }

    /// The same, which listens to these wishes.
    #[must_use]
    pub fn stopped_by(self, stops: Stops) -> Self {
        Self { stops, ..self }
    }

    /// Keeps that a job has ended before anything of it was done, for no run will tell.
    fn note_stop(&self, leased: &Leased, job: &Job, wish: &Listener) {
        let Some(connection) = leased.connection.clone() else { return };
        let (kind, ended) = (Order::kind(&job.payload), self.clock.now());
        wish.heeded(Unbegun { job: wish.job(), connection, kind, queued: job.enqueued, ended });
    }

    async fn act(&self, leased: &Leased, job: &Job, context: &Context) -> Result<Ended, Error> {
        let order = Order::parse(&job.payload)?;
        if leased.connection.as_ref() != Some(order.connection()) {
            return Err(orders::refused("it is of another connection than its session"));
        }
        match order {
            Order::Sync(order) if order.full => Ok(forget(leased, job, order)),
            Order::Sync(order) => self.sync(leased, job, order, context).await,
            Order::Replay(order) => self.replay(leased, job, &order, context).await,
        }
    }

    async fn sync(
        &self,
        leased: &Leased,
        job: &Job,
        order: SyncOrder,
        context: &Context,
    ) -> Result<Ended, Error> {
        let tenant = &leased.lease.tenant;
        let Opened { mut adapter, mut plan } = match self
            .opener
            .open(tenant, &order, job.id)
            .await?
        {
            Opening::Ready(opened) => *opened,
            // The connection went between the claim and now: nothing is left to be done.
            Opening::Gone => return Ok(done(job, Vec::new())),
            Opening::Early { next } => {
                let next = next.map(tracing::field::display);
                tracing::info!(%tenant, connection = %order.connection, next, "it is too early to read");
                return Ok(done(job, Vec::new()));
            }
        };
        plan.task = order.task;
        plan.lease = Some(leased.lease.clone());
        plan.job = Some(orders::first(&job.payload, job.id));
        let mut left_over = Vec::new();
        let cut_off = job.failures.iter().any(|failure| error::is_cut_off(&failure.error));
        if job.deaths > 0 || cut_off {
            let looked = replay::left_over(&plan, self.store.as_ref()).await;
            left_over = looked.map_err(|e| error::store(&e))?;
        }
        let ports = sync::Ports {
            adapter: adapter.as_mut(),
            store: self.store.as_ref(),
            clock: self.clock.clone(),
            cancel: context.cancel.clone(),
            listener: &|_| {},
            metrics: self.metrics.clone(),
        };
        let ran = Box::pin(sync::run(&plan, ports)).await.map_err(|e| error::store(&e))?;
        let Ran { end, progressed, mut waiting } = ran;
        waiting.extend(left_over.into_iter().map(|entity| (entity, true)));
        let ended = judge(job, (end, progressed), self.clock.now());
        Ok(ended.followed(leased, waiting, order.cause))
    }

    async fn replay(
        &self,
        leased: &Leased,
        job: &Job,
        order: &ReplayOrder,
        context: &Context,
    ) -> Result<Ended, Error> {
        let plan = self.opener.replay(&leased.lease.tenant, order).await?;
        let Some(mut plan) = plan else { return Ok(done(job, Vec::new())) };
        plan.lease = Some(leased.lease.clone());
        plan.job = Some(orders::first(&job.payload, job.id));
        let ports = replay::Ports {
            store: self.store.as_ref(),
            clock: self.clock.clone(),
            cancel: context.cancel.clone(),
            listener: &|_| {},
        };
        let ran = Box::pin(replay::run(&plan, &ports)).await.map_err(|e| error::store(&e))?;
        let Replayed { end, rest, waiting } = ran;
        let Some(Rest { entities, mark }) = rest else {
            let waiting = if self.has_changed(&end.run).await? { waiting } else { BTreeMap::new() };
            let ended = judge(job, (end, false), self.clock.now());
            return Ok(ended.followed(leased, waiting, order.cause.clone()));
        };
        // Where it has stopped stands in another order: what is behind it is not looked at again.
        let rest = Order::Replay(ReplayOrder { entities, mark, ..order.clone() });
        let first = orders::first(&job.payload, job.id);
        let rest = rest.going_on(first, &leased.lease.tenant, leased.package.clone());
        let ended = done(job, vec![Effect::EndRun(end), Effect::Enqueue(rest)]);
        let waiting = waiting.into_keys().map(|entity| (entity, true)).collect();
        Ok(ended.followed(leased, waiting, order.cause.clone()))
    }

    /// Whether a replay has brought or changed anything. One that has not is followed by none, or
    /// those that take something for granted of many references would follow each other for ever.
    async fn has_changed(&self, run: &RunRef) -> Result<bool, Error> {
        let RunRef { tenant, connection, id } = run;
        let run = self.store.run(tenant, connection, *id).await.map_err(|e| error::store(&e))?;
        let reports = run.into_iter().flat_map(|run| run.entities.into_values());
        Ok(reports.map(|report| report.inserted + report.updated).any(|changed| changed > 0))
    }
}

#[async_trait]
impl Handler for Inbound {
    fn terms(&self) -> Terms {
        self.terms
    }

    fn asks_provider(&self, job: &Job) -> bool {
        Order::kind(&job.payload) != RunKind::Replay
    }

    fn cause(&self, job: &Job) -> Option<Cause> {
        Order::parse(&job.payload).ok()?.cause().cloned()
    }

    async fn handle(&self, leased: &Leased, context: Context) -> Handled {
        let Some(job) = leased.jobs.first() else { return Handled::default() };
        let first = orders::first(&job.payload, job.id);
        let wish = self.stops.listen(&leased.lease.tenant, first);
        let ill = |error| Ended::Ill { error, progressed: false, effects: Vec::new() };
        let ended = if wish.is_asked() {
            self.note_stop(leased, job, &wish);
            done(job, Vec::new())
        } else {
            let acted = self.act(leased, job, &context);
            wish.passed_on(&context.cancel, acted).await.unwrap_or_else(ill)
        };
        let handled = match ended {
            Ended::Well(handled) => handled,
            Ended::Ill { error, progressed, effects } => {
                let digest = context.digest;
                let failed = Failed { leased, job, error, progressed, digest };
                settle::failed(failed, self.clock.now(), effects)
            }
        };
        if wish.is_asked() { stopped(handled, first) } else { handled }
    }
}

/// How an attempt ended.
enum Ended {
    /// With what is to be told of it.
    Well(Handled),
    /// Without having done what it should.
    Ill { error: Error, progressed: bool, effects: Vec<Effect> },
}

impl Ended {
    /// The same, followed by a replay of the entities with records that were mapped before what
    /// they refer to. It stands in the line behind the job, so one that goes on may yet bring that.
    fn followed(
        mut self,
        leased: &Leased,
        waiting: BTreeMap<String, bool>,
        cause: Option<Cause>,
    ) -> Self {
        let Some(connection) = leased.connection.as_ref() else { return self };
        let (over, effects) = match &mut self {
            Self::Well(Handled { outcomes, effects }) => {
                (outcomes.iter().all(|(_, outcome)| matches!(outcome, Outcome::Done)), effects)
            }
            Self::Ill { effects, .. } => (false, effects),
        };
        let entities = waiting.into_iter().filter(|(_, has_come)| *has_come || !over);
        let entities: Vec<_> = entities.map(|(entity, _)| entity).collect();
        if !entities.is_empty() {
            let whose = (&leased.lease.tenant, leased.package.clone());
            let next = ReplayOrder::following(connection, entities, cause, whose);
            effects.push(Effect::Enqueue(next));
        }
        self
    }
}

fn done(job: &Job, effects: Vec<Effect>) -> Ended {
    Ended::Well(Handled { outcomes: vec![(job.id, Outcome::Done)], effects })
}

/// Forgets where the lanes stand and queues the same without that, in the commit that ends the
/// job: however often either job is tried, everything is read once and from the beginning, and who
/// has lost the claim forgets nothing.
fn forget(leased: &Leased, job: &Job, order: SyncOrder) -> Ended {
    let connection = order.connection.clone();
    let next = Order::Sync(SyncOrder { full: false, ..order });
    let first = orders::first(&job.payload, job.id);
    let next = next.going_on(first, &leased.lease.tenant, leased.package.clone());
    done(job, vec![Effect::ForgetLanes { connection }, Effect::Enqueue(next)])
}

/// The same without anything that would go on with it: somebody wants it to end here.
fn stopped(handled: Handled, first: JobId) -> Handled {
    let Handled { mut outcomes, mut effects } = handled;
    for (_, outcome) in &mut outcomes {
        if matches!(outcome, Outcome::Retry { .. } | Outcome::Defer { .. }) {
            *outcome = Outcome::Done;
        }
    }
    let goes_on = |next: &NewJob| orders::first(&next.payload, JobId(0)) == first;
    effects.retain(|effect| !matches!(effect, Effect::Enqueue(next) if goes_on(next)));
    Handled { outcomes, effects }
}

/// What a run means for its job. One that was stopped goes back and on, at no cost, but behind
/// what waits by now: in its old place a long read would be first again after each of its turns.
/// What failed for good beside something that did not is told by the run and no reason to try again.
fn judge(job: &Job, (end, progressed): (RunEnd, bool), now: Timestamp) -> Ended {
    let (status, worst) = (end.status, worst(&end).cloned());
    let effects = vec![Effect::EndRun(end)];
    let passes = |error: &Error| error.rule().again != Again::No;
    match (status, worst) {
        (RunStatus::Cancelled, _) => {
            let outcomes = vec![(job.id, Outcome::Defer { until: now })];
            Ended::Well(Handled { outcomes, effects })
        }
        (RunStatus::Failed, Some(error)) => Ended::Ill { error, progressed, effects },
        (_, Some(error)) if passes(&error) => Ended::Ill { error, progressed, effects },
        _ => done(job, effects),
    }
}

/// The error of a run that decides what becomes of its job: the one about which most can be done.
fn worst(end: &RunEnd) -> Option<&Error> {
    let rank = |error: &&Error| match error.rule().again {
        Again::Person => 4,
        Again::Later => 3,
        Again::Many => 2,
        Again::Few => 1,
        Again::No => 0,
    };
    let entities = end.entities.iter().filter_map(|entity| entity.error.as_ref());
    end.error.iter().chain(entities).max_by_key(rank)
}
