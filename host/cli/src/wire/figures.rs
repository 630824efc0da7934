//! The figures of a server, and where they go.

use std::sync::Arc;

use engine::metrics::{Metrics, Monitor, Ports};
use engine::otlp::{self, Exporter};
use engine::sync::Cancel;
use model::Clock;
use model::outbound::Outbound;
use store::Store;

use super::Host;
use crate::Global;

/// Reads figures from here.
pub(super) fn monitor(
    store: &Arc<Store>,
    breakers: &engine::breaker::Breakers,
    clock: &Clock,
) -> Monitor {
    let ports = Ports { queue: store.clone(), breakers: breakers.clone(), clock: clock.clone() };
    Monitor::new(Metrics::default(), ports)
}

/// Sends figures and spans to the collector of the configuration.
pub(super) fn exporter(
    global: &Global,
    monitor: &Monitor,
    outbound: Arc<dyn Outbound>,
    clock: &Clock,
) -> Option<Exporter> {
    let (otlp, spans) = (global.file.otlp.as_ref()?, global.spans.clone()?);
    let redactor = global.redactor.clone();
    let ports = otlp::Ports {
        outbound,
        monitor: monitor.clone(),
        spans,
        clock: clock.clone(),
        scrub: Arc::new(move |text| redactor.scrub(text).into_owned()),
        instance: super::process(clock),
    };
    Some(Exporter::new(otlp.endpoint.clone(), otlp.every(), ports))
}

/// Keeps how figures go, and exports them, until it is asked to stop.
pub(super) async fn watch(host: &Host, stop: Cancel) {
    let export = async {
        if let Some(exporter) = &host.exporter {
            exporter.run(stop.clone()).await;
        }
    };
    tokio::join!(host.monitor.run(stop.clone()), export);
}
