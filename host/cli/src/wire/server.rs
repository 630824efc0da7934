//! The parts of a server, put together: scheduler, workers, who looks after credentials and
//! figures, and what the API answers with.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::retention::Sweeper;
use engine::schedule::{self, Scheduler, Sweep};
use engine::sync::Cancel;
use engine::work::{self, Handler, Inbound};
use model::queue::Queue;

use super::adapters::Installed;
use super::opener::Connections;
use super::operator::{self, Operated};
use super::{Host, credentials, figures};
use crate::config;

/// Runs tasks and jobs until it is asked to stop, and comes back when all is at rest.
pub(crate) async fn run(host: &Arc<Host>, limits: work::Limits, stop: Cancel) {
    let opener = Arc::new(Connections::new(Arc::clone(host)));
    let counted = (host.clock.clone(), host.metrics.clone());
    let inbound = Inbound::new(opener.clone(), host.store.clone(), counted, host.call_max);
    let inbound: Arc<dyn Handler> = Arc::new(inbound.stopped_by(host.stops.clone()));
    let holder = super::process(&host.clock);
    let workers = work::Ports {
        queue: host.store.clone(),
        opener,
        handlers: BTreeMap::from([(Queue::InboundScheduled, inbound)]),
        breakers: host.breakers.clone(),
        clock: host.clock.clone(),
        wake: host.wake.clone(),
        worker: holder.clone(),
        metrics: host.metrics.clone(),
    };
    let scheduler = Scheduler::new(
        schedule::Ports {
            tasks: host.store.clone(),
            clock: host.clock.clone(),
            wake: host.wake.clone(),
            sweeps: vec![retention(host)],
        },
        holder,
    );
    let tend = credentials::tend(&host.credentials, &host.idle, stop.clone());
    let watch = figures::watch(host, stop.clone());
    tokio::join!(scheduler.run(stop.clone()), work::run(workers, limits, stop), tend, watch);
}

/// What the API answers with.
pub(crate) fn api(
    host: &Arc<Host>,
    server: &config::Server,
    (public_url, closing): (String, Cancel),
) -> api::Ports {
    let operated = Arc::new(Operated(Arc::clone(host)));
    api::Ports {
        store: host.store.clone(),
        credentials: host.credentials.clone(),
        adapters: Arc::new(Installed(Arc::clone(host))),
        installer: operated.clone(),
        keys: operated,
        breakers: host.breakers.clone(),
        monitor: host.monitor.clone(),
        open_metrics: server.open_metrics(),
        wake: host.wake.clone(),
        stops: host.stops.clone(),
        operations: api::operation::Operations::new(host.clock.clone()),
        authorisations: api::oauth::Authorisations::default(),
        public_url,
        closing,
        build: operator::build(),
        clock: host.clock.clone(),
    }
}

/// Forgets history that need not be kept.
fn retention(host: &Arc<Host>) -> Sweep {
    let sweeper = Arc::new(Sweeper::new(host.store.clone()));
    Box::new(move || {
        let sweeper = Arc::clone(&sweeper);
        Box::pin(async move {
            let removed = sweeper.sweep().await?;
            if removed > 0 {
                tracing::info!(removed, "history that need not be kept is forgotten");
            }
            Ok(())
        })
    })
}
