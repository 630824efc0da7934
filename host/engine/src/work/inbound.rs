//! Jobs that read a connection, or map again what was read.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::errors::Again;
use model::queue::{Effect, Job, Leased, Outcome};
use model::run::RunStatus;
use model::store::{RecordStore, RunEnd};
use model::{Clock, Error, Timestamp};

use super::error;
use super::handler::{Context, Handled, Handler, Terms};
use super::job::{self as orders, Order, ReplayOrder, SyncOrder};
use super::opener::{Opened, Opener, Opening};
use super::settle::{self, Failed};
use crate::replay;
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
    terms: Terms,
}

impl Inbound {
    /// A handler whose adapter calls end within `call_max`.
    pub fn new(
        opener: Arc<dyn Opener>,
        store: Arc<dyn RecordStore>,
        clock: Clock,
        call_max: Duration,
    ) -> Self {
        let terms = Terms { deadline: call_max + COMMIT_TIME, turn: TURN, jobs_max: 1 };
        Self { opener, store, clock, terms }
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
        let Opened { mut adapter, mut plan } = match self.opener.open(tenant, &order).await? {
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
        let ports = sync::Ports {
            adapter: adapter.as_mut(),
            store: self.store.as_ref(),
            clock: self.clock.clone(),
            cancel: context.cancel.clone(),
            listener: &|_| {},
        };
        let ran = Box::pin(sync::run(&plan, ports)).await.map_err(|e| error::store(&e))?;
        Ok(judge(job, ran, self.clock.now()))
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
        let ports = replay::Ports {
            store: self.store.as_ref(),
            clock: self.clock.clone(),
            cancel: context.cancel.clone(),
            listener: &|_| {},
        };
        let ran = Box::pin(replay::run(&plan, ports)).await.map_err(|e| error::store(&e))?;
        Ok(judge(job, ran, self.clock.now()))
    }
}

#[async_trait]
impl Handler for Inbound {
    fn terms(&self) -> Terms {
        self.terms
    }

    async fn handle(&self, leased: &Leased, context: Context) -> Handled {
        let Some(job) = leased.jobs.first() else { return Handled::default() };
        let ill = |error| Ended::Ill { error, progressed: false, effects: Vec::new() };
        match self.act(leased, job, &context).await.unwrap_or_else(ill) {
            Ended::Well(handled) => handled,
            Ended::Ill { error, progressed, effects } => {
                let digest = context.digest;
                let failed = Failed { leased, job, error, progressed, digest };
                settle::failed(failed, self.clock.now(), effects)
            }
        }
    }
}

/// How an attempt ended.
enum Ended {
    /// With what is to be told of it.
    Well(Handled),
    /// Without having done what it should.
    Ill { error: Error, progressed: bool, effects: Vec<Effect> },
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
    let next = next.job(&leased.lease.tenant, leased.package.clone());
    done(job, vec![Effect::ForgetLanes { connection }, Effect::Enqueue(next)])
}

/// What a run means for its job. One that was stopped goes back and on, at no cost, but behind
/// what waits by now: in its old place a long read would be first again after each of its turns.
/// What failed for good beside something that did not is told by the run and no reason to try again.
fn judge(job: &Job, ran: Ran, now: Timestamp) -> Ended {
    let Ran { end, progressed } = ran;
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
