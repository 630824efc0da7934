//! Claims what is due, tenant by tenant, and starts an attempt for each session.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use model::queue::{Claim, Leased};
use model::store::StoreError;
use model::{TenantId, retry};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::alone::{self, Alone};
use super::attempt::{Core, Lane, put_back, work};
use super::caps::{Caps, Limits};
use super::lease::Leases;
use super::turns::Turns;
use super::{Ports, Wake, lease};
use crate::sync::Cancel;

/// How long the workers go without looking. Hints come sooner; this is for what other processes
/// queue, for hints that were lost, and for clocks that were moved.
const POLL: Duration = Duration::from_secs(1);

/// Tenants asked for at once.
const TENANTS: usize = 64;

/// Turns in a row that get nothing until the queue is left alone for a moment. What is due waits
/// for a package that is full, and each such turn costs the store a claim; the next look goes on
/// where this one ended.
const BARREN_MAX: usize = 256;

/// The workers.
pub(super) struct Dispatcher {
    core: Arc<Core>,
    lanes: Vec<(Arc<Lane>, Turns)>,
    running: JoinSet<()>,
    alone: Alone,
    /// A suspect has been found, and its turn may begin.
    suspect: Option<(Arc<Lane>, TenantId)>,
    wake: Wake,
    worker: String,
}

impl Dispatcher {
    pub(super) fn new(ports: Ports, limits: Limits) -> Self {
        let Ports { queue, opener, handlers, breakers, clock, wake, worker, metrics } = ports;
        let lane = |(queue, handler): (_, Arc<dyn super::Handler>)| {
            let terms = handler.terms();
            (Arc::new(Lane { queue, handler, terms }), Turns::default())
        };
        let (caps, leases) = (Caps::new(limits), Leases::default());
        Self {
            core: Arc::new(Core { queue, opener, breakers, clock, metrics, caps, leases }),
            lanes: handlers.into_iter().map(lane).collect(),
            running: JoinSet::new(),
            alone: Alone::default(),
            suspect: None,
            wake,
            worker,
        }
    }

    /// Works until it is asked to stop and what has begun has ended.
    pub(super) async fn run(mut self, stop: Cancel) {
        let core = Arc::clone(&self.core);
        let lanes: Vec<_> = self.lanes.iter().map(|(lane, _)| Arc::clone(lane)).collect();
        let renewals =
            join_all(lanes.iter().map(|lane| {
                core.leases.renew(core.queue.as_ref(), lane.queue, lane.terms.deadline)
            }));
        // Renewals go on while a claim waits for the store, and until the last handler is back.
        tokio::select! {
            () = self.dispatch(stop) => {}
            _ = renewals => {}
            () = core.breakers.keep() => {}
        }
        if let Err(error) = core.breakers.flush().await {
            tracing::warn!(%error, "the store does not keep what became of circuit breakers");
        }
    }

    async fn dispatch(&mut self, stop: Cancel) {
        while !stop.is_cancelled() {
            let round = self.round().await;
            if let Some((lane, tenant)) = self.suspect.take() {
                self.suspects(&lane, &tenant, &stop).await;
                continue;
            }
            let wait = match round {
                Ok(true) => continue,
                Ok(false) => self.idle().await,
                Err(error) => {
                    tracing::warn!(%error, "nothing can be claimed");
                    POLL
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                Some(ended) = self.running.join_next() => note(ended),
                () = self.wake.woken() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.drain(Duration::ZERO, None, &stop).await;
    }

    /// The turn of suspects of a tenant: one after another, with nothing else at work.
    async fn suspects(&mut self, lane: &Arc<Lane>, tenant: &TenantId, stop: &Cancel) {
        let begun = Instant::now();
        let lapse = self.lanes.iter().map(|(lane, _)| lease(lane.terms.deadline)).max();
        if !self.drain(Duration::ZERO, lapse, stop).await {
            tracing::warn!(%tenant, "what is at work does not stop; a suspect waits");
            return self.alone.end(begun);
        }
        let until = Instant::now() + alone::TURN;
        while Instant::now() < until && !stop.is_cancelled() {
            let core = Arc::clone(&self.core);
            let one = Claim { alone: true, ..request(&core, lane, (&self.worker, tenant), 1) };
            let leased = match core.queue.claim(one).await {
                Ok(mut sessions) => sessions.pop(),
                Err(error) => {
                    tracing::warn!(%error, "nothing can be claimed");
                    None
                }
            };
            let Some(leased) = leased else { break };
            if !is_suspect(&leased) {
                put_back(&core, lane, &leased, Duration::ZERO).await;
                break;
            }
            let session = &leased.lease.session;
            tracing::info!(%tenant, session, "a job on which workers have died works alone");
            let permit = core.caps.take(tenant, leased.package.as_deref());
            self.running.spawn(work(core, Arc::clone(lane), leased, permit));
            if !self.drain(until - Instant::now(), lapse, stop).await {
                break;
            }
        }
        self.alone.end(begun);
    }

    /// Waits until nothing is at work, and whether that has come to be. After `patience`, or when
    /// the workers are to stop, handlers are asked to; a time of `lapse` later the wait ends.
    async fn drain(&mut self, patience: Duration, lapse: Option<Duration>, stop: &Cancel) -> bool {
        let ask = async {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(patience) => {}
            }
            let asked = Instant::now();
            // Again and again: a claim is not in hand before its worker has begun.
            while lapse.is_none_or(|lapse| asked.elapsed() < lapse) {
                self.core.leases.cancel();
                tokio::time::sleep(POLL).await;
            }
        };
        let ended = async {
            while let Some(ended) = self.running.join_next().await {
                note(ended);
            }
        };
        tokio::select! {
            biased;
            () = ended => true,
            () = ask => false,
        }
    }

    /// One look at every queue; whether anything was claimed.
    async fn round(&mut self) -> Result<bool, StoreError> {
        while let Some(ended) = self.running.try_join_next() {
            note(ended);
        }
        let mut claimed = false;
        for lane in 0..self.lanes.len() {
            if self.suspect.is_none() {
                claimed |= self.look(lane).await?;
            }
        }
        // Queues take turns to be first.
        if let Some(first) = self.lanes.len().checked_sub(1) {
            self.lanes.rotate_right(first);
        }
        Ok(claimed)
    }

    /// Gives tenants of a queue their turns until there is no room, or all had theirs. Begins
    /// behind the one whose turn was last.
    async fn look(&mut self, at: usize) -> Result<bool, StoreError> {
        let Some((lane, turns)) = self.lanes.get_mut(at) else { return Ok(false) };
        let (lane, core) = (Arc::clone(lane), Arc::clone(&self.core));
        let (mut claimed, mut wrapped, mut barren) = (false, false, 0);
        while core.caps.room() > 0 && barren < BARREN_MAX {
            let tenants = core.queue.due_tenants(lane.queue, turns.last(), TENANTS).await?;
            let last = tenants.len() < TENANTS;
            for tenant in tenants.into_iter().take_while(|_| core.caps.room() > 0) {
                let jobs = turns.begin(&tenant).min(core.caps.claimable(&tenant));
                let claim = request(&core, &lane, (&self.worker, &tenant), jobs);
                let sessions = if jobs == 0 { Vec::new() } else { core.queue.claim(claim).await? };
                let taken = sessions.iter().map(|leased| leased.jobs.len()).sum();
                turns.end(&tenant, taken, sessions.len() < jobs);
                barren = if sessions.is_empty() { barren + 1 } else { 0 };
                if core.caps.room() == sessions.len() {
                    turns.break_off();
                }
                claimed |= !sessions.is_empty();
                let (suspects, others): (Vec<_>, Vec<_>) =
                    sessions.into_iter().partition(is_suspect);
                for leased in others {
                    let permit = core.caps.take(&tenant, leased.package.as_deref());
                    let (core, lane) = (Arc::clone(&core), Arc::clone(&lane));
                    self.running.spawn(work(core, lane, leased, permit));
                }
                if put_aside(&core, &lane, &self.alone, suspects).await {
                    self.suspect = Some((lane, tenant));
                    return Ok(true);
                }
            }
            if last && std::mem::replace(&mut wrapped, true) {
                break;
            }
            if last && core.caps.room() > 0 {
                turns.wrap();
            }
        }
        Ok(claimed)
    }

    /// How long to wait for a hint, as far as the queues know.
    async fn idle(&self) -> Duration {
        let now = self.core.clock.now();
        let mut wait = POLL;
        for (lane, _) in &self.lanes {
            let next = self.core.queue.next_due(lane.queue).await.ok().flatten();
            // What is due already could not be claimed: it waits for room, or for a pause to end.
            let ahead = next.map(|next| next.duration_since(now));
            let ahead = ahead.and_then(|ahead| Duration::try_from(ahead).ok());
            wait = ahead.filter(|ahead| !ahead.is_zero()).map_or(wait, |ahead| wait.min(ahead));
        }
        wait
    }
}

/// What is claimed of a tenant, so many sessions at most, beside other work.
fn request(
    core: &Core,
    lane: &Lane,
    (worker, tenant): (&str, &TenantId),
    sessions_max: usize,
) -> Claim {
    Claim {
        worker: worker.to_owned(),
        queue: lane.queue,
        tenant: tenant.clone(),
        skip: core.caps.full(),
        sessions_max,
        jobs_max: lane.terms.jobs_max,
        lease: lease(lane.terms.deadline),
        alone: false,
    }
}

/// Gives suspects back until it is their turn; whether there are any and it may begin.
async fn put_aside(core: &Core, lane: &Lane, alone: &Alone, suspects: Vec<Leased>) -> bool {
    let wait = alone.wait();
    for leased in &suspects {
        put_back(core, lane, leased, wait.unwrap_or_default()).await;
    }
    wait.is_none() && !suspects.is_empty()
}

/// Whether the next death of what was claimed decides about it. Such a job is claimed by itself.
fn is_suspect(leased: &Leased) -> bool {
    leased.jobs.first().is_some_and(retry::is_suspect)
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a worker has panicked; its claim lapses");
    }
}
