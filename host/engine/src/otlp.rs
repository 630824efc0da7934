//! Figures and spans for a collector, in the OpenTelemetry protocol over HTTP, as JSON.
//!
//! Everything leaves through the one door out, and passes what keeps secrets out of the log. What
//! a collector does not take is dropped and counted, and nobody ever waits for one: figures are
//! sums since the start, so the next ones make up for it. A library for this would bring an HTTP
//! client of its own, or a hundred crates to do without one.

mod body;
mod endpoint;
mod figures;
mod spans;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::outbound::{HostAnswer, HostRequest, Outbound};
use model::{Clock, Secret, Timestamp};
use tokio::time::MissedTickBehavior;

pub use endpoint::Endpoint;
pub use spans::Spans;

use crate::metrics::{Metrics, Monitor};
use crate::sync::Cancel;
use body::{Batch, Resource};

/// How long a process that ends tries to send the rest.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(3);

/// What an exporter needs from outside.
pub struct Ports {
    /// Sends requests.
    pub outbound: Arc<dyn Outbound>,
    /// The figures.
    pub monitor: Monitor,
    /// The spans that have ended.
    pub spans: Spans,
    /// The time.
    pub clock: Clock,
    /// Takes live secrets out of what is sent.
    pub scrub: Arc<dyn Fn(&str) -> String + Send + Sync>,
    /// A name that no other process has.
    pub instance: String,
}

/// Sends figures and spans to a collector.
pub struct Exporter {
    endpoint: Endpoint,
    every: Duration,
    ports: Ports,
    begun: Timestamp,
    /// The collector took the last batch.
    takes: AtomicBool,
}

impl Exporter {
    /// An exporter to this collector, at this pace.
    pub fn new(endpoint: Endpoint, every: Duration, ports: Ports) -> Self {
        let begun = ports.clock.now();
        Self { endpoint, every, ports, begun, takes: AtomicBool::new(true) }
    }

    /// Exports until it is asked to stop, and then what is left; what a collector is still being
    /// asked to take counts as that.
    pub async fn run(&self, stop: Cancel) {
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(FLUSH_TIME_MAX).await;
        };
        tokio::select! {
            () = self.export_until(&stop) => {}
            () = late => tracing::warn!("the collector did not take the last figures in time"),
        }
    }

    async fn export_until(&self, stop: &Cancel) {
        let mut ticks = tokio::time::interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => self.export().await,
                () = self.ports.spans.many() => self.export_spans().await,
            }
        }
        self.export().await;
    }

    /// Sends how all figures stand now, and the spans that have ended since the last time.
    pub async fn export(&self) {
        self.export_spans().await;
        self.ports.monitor.read().await;
        let samples = self.metrics().samples();
        let batches =
            figures::batches(&samples, (self.begun, self.ports.clock.now()), &self.resource());
        self.send("metrics", batches).await;
    }

    async fn export_spans(&self) {
        let (spans, lost) = self.ports.spans.drain();
        self.metrics().undelivered("traces", lost);
        self.send("traces", spans::batches(&spans, &self.resource())).await;
    }

    /// Sends batches, up to the first that is not taken: what follows it would mostly wait in vain.
    async fn send(&self, signal: &'static str, batches: Vec<Batch>) {
        let mut batches = batches.into_iter();
        while let Some(batch) = batches.next() {
            match self.post(signal, &batch.body).await {
                Ok(refused) => {
                    if !self.takes.swap(true, Ordering::Relaxed) {
                        tracing::info!(signal, "the collector takes what it is sent again");
                    }
                    self.metrics().undelivered(signal, refused);
                }
                Err(reason) => {
                    if self.takes.swap(false, Ordering::Relaxed) {
                        tracing::warn!(
                            signal,
                            reason,
                            "the collector takes nothing; it is dropped"
                        );
                    }
                    let rest = batches.map(|batch| batch.items).sum::<u64>();
                    return self.metrics().undelivered(signal, batch.items + rest);
                }
            }
        }
    }

    /// Sends one batch; how much of it the collector has refused, or why it took nothing.
    async fn post(&self, signal: &str, body: &str) -> Result<u64, String> {
        let (url, origin) = self.endpoint.address(signal);
        let json = Secret::new("application/json".to_owned());
        let request = HostRequest {
            purpose: "otlp",
            method: "POST",
            url,
            origin: Some(origin),
            headers: vec![("content-type".to_owned(), json)],
            body: Some(Secret::new((self.ports.scrub)(body))),
        };
        let answer = self.ports.outbound.send(request).await.map_err(|error| error.to_string())?;
        let HostAnswer { status, body, .. } = answer;
        match status {
            200..=299 => Ok(body::refused(body.expose())),
            _ => Err(format!("it answers {status}")),
        }
    }

    fn metrics(&self) -> &Metrics {
        self.ports.monitor.metrics()
    }

    fn resource(&self) -> Resource<'_> {
        Resource { instance: &self.ports.instance }
    }
}
