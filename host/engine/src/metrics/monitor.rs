//! Figures that nobody counts as they change: they are read when somebody asks, and kept for charts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::queue::JobQueue;
use model::store::StoreError;
use model::{Clock, Timestamp};
use tokio::time::MissedTickBehavior;

use super::Metrics;
use super::series::{self, Answer, FINE_EVERY, Query, QueryError, Series};
use crate::breaker::Breakers;
use crate::sync::Cancel;

/// How old figures from the store may be before it is asked again. It reads one row for each tenant
/// and queue, and anybody may ask for figures as often as they like.
const READ_EVERY: Duration = Duration::from_secs(5);

/// Where figures are read.
#[derive(Clone)]
pub struct Ports {
    /// The queues.
    pub queue: Arc<dyn JobQueue>,
    /// The watch over the hosts of providers.
    pub breakers: Breakers,
    /// The time.
    pub clock: Clock,
}

/// The figures of a server, with those that are read, and how they went. Clones are the same one.
#[derive(Clone)]
pub struct Monitor(Arc<Inner>);

struct Inner {
    metrics: Metrics,
    ports: Ports,
    read: tokio::sync::Mutex<Option<Timestamp>>,
    series: Mutex<Series>,
}

impl Monitor {
    /// Watches these figures.
    pub fn new(metrics: Metrics, ports: Ports) -> Self {
        let (read, series) = (tokio::sync::Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { metrics, ports, read, series }))
    }

    /// The figures that are watched.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The figures in the text format 0.0.4 of Prometheus. Those of the store are at most
    /// five seconds old, or as old as the store's last answer where it gives none.
    pub async fn render(&self) -> String {
        self.read().await;
        self.0.metrics.render()
    }

    /// Notes how all figures stand now, for [`Self::series`].
    pub async fn sample(&self) {
        self.read().await;
        let (now, samples) = (self.0.ports.clock.now(), self.0.metrics.samples());
        self.series_of_all().push(now, &samples);
    }

    /// How a metric went, as far as it was sampled.
    pub fn series(&self, query: &Query<'_>) -> Result<Answer, QueryError> {
        self.series_of_all().answer(query)
    }

    /// Samples until it is asked to stop.
    pub async fn run(&self, stop: Cancel) {
        let mut ticks = tokio::time::interval(FINE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.sample().await,
            }
        }
    }

    /// Reads the figures that nobody counts, unless that was just done.
    pub(crate) async fn read(&self) {
        let mut read = self.0.read.lock().await;
        let now = self.0.ports.clock.now();
        if read.is_some_and(|at| at <= now && series::between(at, now) < READ_EVERY) {
            return;
        }
        *read = Some(now);
        if let Err(error) = self.read_all(now).await {
            tracing::warn!(%error, "the figures of the queues could not be read");
        }
    }

    async fn read_all(&self, now: Timestamp) -> Result<(), StoreError> {
        let Inner { metrics, ports, .. } = &*self.0;
        let open = ports.breakers.list(None);
        let packages: Vec<_> = open.iter().map(|open| open.key.package.as_str()).collect();
        metrics.breakers(&packages);
        for (queue, stats) in ports.queue.totals().await? {
            metrics.queue(queue, &stats, now);
        }
        Ok(())
    }

    fn series_of_all(&self) -> MutexGuard<'_, Series> {
        self.0.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
