//! One claimed session, from the claim to what became of its jobs.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use model::breaker::Key;
use model::queue::{Death, Effect, Failure, Finish, Held, Job, JobQueue, Leased, Outcome, Queue};
use model::store::StoreErrorKind;
use model::{Clock, Error, Timestamp, retry};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::caps::{Caps, HOST_WAIT, Permit};
use super::handler::{Context, Handled, Handler, Terms};
use super::lease::{Hold, Leases};
use super::opener::{About, Opener};
use super::settle::{Failed, random};
use super::{error, lease, settle, span};
use crate::breaker::Breakers;
use crate::metrics::Metrics;

/// How long a session whose package is quarantined waits until it is looked at again: whoever has
/// replaced the package wants to see it go on, and such sessions are few.
const QUARANTINE_WAIT: Duration = Duration::from_mins(1);

/// The time between attempts to tell the store how a session ended.
const FINISH_WAIT: Duration = Duration::from_secs(1);

/// What all attempts share.
pub(super) struct Core {
    pub(super) queue: Arc<dyn JobQueue>,
    pub(super) opener: Arc<dyn Opener>,
    pub(super) breakers: Breakers,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) caps: Caps,
    pub(super) leases: Leases,
}

/// A queue and who handles it.
pub(super) struct Lane {
    pub(super) queue: Queue,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) terms: Terms,
}

/// Works on a session until the store knows how it ended. What is logged meanwhile says for which
/// job.
pub(super) async fn work(core: Arc<Core>, lane: Arc<Lane>, leased: Leased, permit: Permit) {
    let span = span::of(lane.handler.as_ref(), &leased);
    attend(core, lane, leased, permit).instrument(span).await;
}

async fn attend(core: Arc<Core>, lane: Arc<Lane>, leased: Leased, mut permit: Permit) {
    let _busy = core.metrics.busy(lane.queue);
    let hold = core.leases.hold(&leased.lease).await;
    let attempt = Attempt { core: &core, lane: &lane, leased: &leased, hold: &hold };
    let handled = attempt.handled(&mut permit).await;
    if hold.is_stale() {
        attempt.stale();
    } else {
        attempt.finish(handled).await;
    }
}

/// Gives a claimed session back untouched, not to be claimed again for a while.
pub(super) async fn put_back(core: &Core, lane: &Lane, leased: &Leased, wait: Duration) {
    let hold = core.leases.hold(&leased.lease).await;
    let attempt = Attempt { core, lane, leased, hold: &hold };
    let later = leased.jobs.first().filter(|_| !wait.is_zero());
    attempt.finish(later.map(|job| attempt.later(job, wait)).unwrap_or_default()).await;
}

struct Attempt<'a> {
    core: &'a Core,
    lane: &'a Lane,
    leased: &'a Leased,
    hold: &'a Hold,
}

impl Attempt<'_> {
    async fn handled(&self, permit: &mut Permit) -> Handled {
        let Some(job) = self.leased.jobs.first() else { return Handled::default() };
        let about = self.about().await;
        if retry::is_poison(job) {
            return self.quarantine(job, about.ok().flatten());
        }
        let about = match about {
            Ok(about) => about,
            Err(error) => return self.failed(job, error, None),
        };
        if about.is_none() && self.leased.connection.is_some() {
            return self.pointless();
        }
        let digest = about.as_ref().map(|about| about.digest.clone());
        if digest.is_some() && digest == self.leased.quarantined {
            return self.later(job, QUARANTINE_WAIT);
        }
        let host = about.and_then(|about| about.host);
        if let Some(host) = host.filter(|_| self.lane.handler.asks_provider(job)) {
            if let Err(until) = self.may_ask(&host, job) {
                return put_off(job, until);
            }
            if !permit.at(&host) {
                return self.later(job, HOST_WAIT);
            }
        }
        match self.handle(digest.clone()).await {
            Ok(handled) => handled,
            Err(error) => self.failed(job, error, digest),
        }
    }

    /// Whether the host is well enough to be asked, or when to come again.
    fn may_ask(&self, host: &str, job: &Job) -> Result<(), Timestamp> {
        let tenant = self.leased.lease.tenant.clone();
        let package = self.leased.package.clone().unwrap_or_default();
        let key = Key { tenant, package, host: host.to_owned() };
        self.core.breakers.begin(&key, job.attempt, random(self.leased, job))
    }

    async fn about(&self) -> Result<Option<About>, Error> {
        let Some(connection) = &self.leased.connection else { return Ok(None) };
        self.core.opener.about(&self.leased.lease.tenant, connection).await
    }

    /// Lets the handler work, as long as it keeps its terms.
    async fn handle(&self, digest: Option<String>) -> Result<Handled, Error> {
        let cancel = self.hold.cancel();
        let context = Context { cancel: cancel.clone(), digest };
        let handled = AssertUnwindSafe(self.lane.handler.handle(self.leased, context));
        let Terms { deadline, turn, .. } = self.lane.terms;
        let patience = async {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(turn) => cancel.cancel(),
            }
            tokio::time::sleep(deadline).await;
        };
        tokio::select! {
            biased;
            handled = handled.catch_unwind() => handled.map_err(|_panic| error::panicked()),
            () = patience => Err(error::overdue(deadline)),
        }
    }

    fn failed(&self, job: &Job, error: Error, digest: Option<String>) -> Handled {
        let failed = Failed { leased: self.leased, job, error, progressed: false, digest };
        settle::failed(failed, self.core.clock.now(), Vec::new())
    }

    /// Keeps a job from workers that it has killed, and its package from the session.
    fn quarantine(&self, job: &Job, about: Option<About>) -> Handled {
        let (tenant, session) = (&self.leased.lease.tenant, &self.leased.lease.session);
        let error = error::quarantined(job.deaths);
        tracing::error!(%tenant, session, job = %job.id, %error, "a job is in quarantine");
        let digest = about.map(|about| about.digest);
        let (at, attempt) = (self.core.clock.now(), job.attempt);
        let failure = Failure { at, attempt, error, digest, progressed: false };
        let outcome = Outcome::Dead { failure, why: Death::Quarantined };
        Handled { outcomes: vec![(job.id, outcome)], effects: Vec::new() }
    }

    /// Jobs of a connection that is gone have nothing to do: they are done.
    fn pointless(&self) -> Handled {
        let (tenant, session) = (&self.leased.lease.tenant, &self.leased.lease.session);
        tracing::info!(%tenant, session, "jobs of a connection that is gone are dropped");
        let outcomes = self.leased.jobs.iter().map(|job| (job.id, Outcome::Done)).collect();
        Handled { outcomes, effects: Vec::new() }
    }

    fn later(&self, job: &Job, wait: Duration) -> Handled {
        let until = self.core.clock.now().saturating_add(wait);
        put_off(job, until.unwrap_or(Timestamp::MAX))
    }

    fn stale(&self) {
        let (tenant, session) = (&self.leased.lease.tenant, &self.leased.lease.session);
        tracing::warn!(%tenant, session, "somebody else has the session: what was done is void");
    }

    fn count(&self, finish: &Finish) {
        let package = self.leased.package.as_deref();
        for (_, outcome) in &finish.outcomes {
            self.core.metrics.job(self.lane.queue, package, outcome);
        }
    }

    /// Tells the store how the session ended, again and again while the claim holds: a job whose
    /// end is not told counts as a death.
    async fn finish(&self, handled: Handled) {
        let Handled { outcomes, effects } = handled;
        let mut finish = Finish { lease: self.leased.lease.clone(), outcomes, effects };
        let begun = Instant::now();
        loop {
            match self.core.queue.finish(vec![finish.clone()]).await {
                Ok(held) if held.contains(&Held::Stale) => return self.stale(),
                Ok(_) => return self.count(&finish),
                Err(error) => {
                    let ends = |effect: &Effect| matches!(effect, Effect::EndRun(_));
                    let refused = error.kind() != StoreErrorKind::Unavailable;
                    let (tenant, session) = (&self.leased.lease.tenant, &self.leased.lease.session);
                    tracing::warn!(%tenant, session, %error, "the end of a session is not stored");
                    if refused && finish.effects.iter().any(ends) {
                        // The run was followed by one without a claim; the job ends without it.
                        finish.effects.retain(|effect| !ends(effect));
                        continue;
                    }
                    if refused || begun.elapsed() > lease(self.lane.terms.deadline) {
                        return;
                    }
                }
            }
            tokio::time::sleep(FINISH_WAIT).await;
        }
    }
}

fn put_off(job: &Job, until: Timestamp) -> Handled {
    Handled { outcomes: vec![(job.id, Outcome::Defer { until })], effects: Vec::new() }
}
