//! What the host counts of itself: for Prometheus, for the console's charts, for a collector.
//!
//! Every metric stands in one [table](TABLE), and whoever counts names its row. Labels are few and
//! from sets that are bounded: packages, queues, outcomes, and codes of the host. Never a tenant, a
//! connection, an address or a text of anybody else: there are too many of them, a series is never
//! forgotten, and whoever may read figures may not read names of customers. A code that an adapter
//! has made up is counted as its kind.
//!
//! A thing is counted where the store has said that it is kept, so that what is done once more
//! after a crash, or by somebody who has lost the claim, is not counted.

mod adapter;
mod family;
mod label;
mod monitor;
mod series;
mod table;

use std::sync::Arc;
use std::time::Duration;

use model::adapter::Receipt;
use model::queue::{Outcome, Queue, QueueStats};
use model::run::RunStatus;
use model::store::PageOutcome;
use model::{Error, Timestamp};

pub use adapter::Metered;
pub use family::{Sample, Value};
pub use monitor::{Monitor, Ports};
pub use series::{Answer, Line, Point, Query, QueryError, Series};
pub use table::{Kind, Metric, TABLE};

use family::{Family, millis, number};
use label::{Packages, code};

/// The figures. Clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    families: Vec<Family>,
    packages: Packages,
}

impl Default for Inner {
    fn default() -> Self {
        let families = TABLE.iter().filter_map(|metric| Family::new(metric)).collect();
        Self { families, packages: Packages::default() }
    }
}

impl Metrics {
    /// The figures as they stand, in the text format 0.0.4 of Prometheus. Gauges that are read from
    /// the store are as [`Monitor::render`] has found them last.
    pub fn render(&self) -> String {
        let mut text = String::new();
        self.0.families.iter().for_each(|family| family.render(&mut text));
        text
    }

    /// The figures as they stand, one by one.
    pub fn samples(&self) -> Vec<Sample> {
        self.0.families.iter().flat_map(Family::samples).collect()
    }

    /// Counts what became of a job, once the store has it. One that was put off was not tried.
    pub(crate) fn job(&self, queue: Queue, package: Option<&str>, outcome: &Outcome) {
        let package = self.0.packages.label(package.unwrap_or_default());
        let (ended, failure) = match outcome {
            Outcome::Done => ("done", None),
            Outcome::Retry { failure, .. } => ("retry", Some(failure)),
            Outcome::Dead { failure, .. } => ("dead", Some(failure)),
            Outcome::Defer { .. } => return,
        };
        self.add(&table::JOBS_PROCESSED, &[queue.as_str(), package, ended], 1);
        if let Some(failure) = failure {
            let code = code(&failure.error);
            self.add(&table::JOBS_FAILED, &[queue.as_str(), package, code], 1);
        }
    }

    /// Counts the records of a page that is stored.
    pub(crate) fn page(&self, package: &str, outcome: &PageOutcome) {
        let package = self.0.packages.label(package);
        self.add(&table::RECORDS_CREATED, &[package], outcome.inserted);
        self.add(&table::RECORDS_UPDATED, &[package], outcome.updated);
    }

    /// Notes how long a run took.
    pub(crate) fn run(&self, package: &str, status: RunStatus, took: Duration) {
        let package = self.0.packages.label(package);
        self.observe(&table::RUN_MS, &[package, status.as_str()], millis(took));
    }

    /// Counts a turn at a refresh that brought no token, once that is written down.
    pub(crate) fn refresh_failed(&self, package: &str, code: &str) {
        let package = self.0.packages.label(package);
        self.add(&table::REFRESH_FAILURES, &[package, label::of_host(code)], 1);
    }

    /// Counts an adapter call.
    fn call(&self, package: &str, call: &str, receipt: &Receipt, error: Option<&Error>) {
        let package = self.0.packages.label(package);
        self.add(&table::CALLS, &[package, call], 1);
        if let Some(error) = error {
            self.add(&table::CALL_ERRORS, &[package, code(error)], 1);
        }
        for (metric, more) in [
            (&table::HOST_CALLS, receipt.host_calls),
            (&table::REQUESTS, receipt.http_calls),
            (&table::BYTES_IN, receipt.bytes_in),
            (&table::BYTES_OUT, receipt.bytes_out),
            (&table::THROTTLED_MS, number(receipt.throttled)),
        ] {
            self.add(metric, &[package], more);
        }
        self.observe(&table::CALL_MS, &[package], millis(receipt.wall));
        self.observe(&table::CPU_MS, &[package], millis(receipt.cpu));
        self.observe(&table::MEMORY_BYTES, &[package], family::float(receipt.memory_bytes));
    }

    /// Counts what a collector has not taken.
    pub(crate) fn undelivered(&self, signal: &str, items: u64) {
        self.add(&table::UNDELIVERED, &[signal], items);
    }

    /// A worker is busy for as long as this is kept.
    pub(crate) fn busy(&self, queue: Queue) -> Busy {
        self.change(&table::WORKERS_BUSY, &[queue.as_str()], 1);
        Busy { metrics: self.clone(), queue }
    }

    /// Notes how a queue stands, over all tenants.
    fn queue(&self, queue: Queue, stats: &QueueStats, now: Timestamp) {
        let labels = [queue.as_str()];
        let waits = stats.oldest.and_then(|oldest| Duration::try_from(now - oldest).ok());
        self.set(&table::QUEUE_DEPTH, &labels, stats.queued);
        self.set(&table::QUEUE_OLDEST_MS, &labels, number(waits.unwrap_or_default()));
        self.set(&table::JOBS_DEAD, &labels, stats.dead);
    }

    /// Notes of which packages breakers are open, one entry for each of them.
    fn breakers(&self, open: &[&str]) {
        let Some(family) = self.family(&table::BREAKERS_OPEN) else { return };
        family.reset();
        for package in open {
            self.change(&table::BREAKERS_OPEN, &[self.0.packages.label(package)], 1);
        }
    }

    fn add(&self, metric: &Metric, labels: &[&str], more: u64) {
        if let Some(family) = self.family(metric) {
            family.add(labels, more);
        }
    }

    fn observe(&self, metric: &Metric, labels: &[&str], value: f64) {
        if let Some(family) = self.family(metric) {
            family.observe(labels, value);
        }
    }

    fn set(&self, metric: &Metric, labels: &[&str], value: u64) {
        if let Some(family) = self.family(metric) {
            family.set(labels, i64::try_from(value).unwrap_or(i64::MAX));
        }
    }

    fn change(&self, metric: &Metric, labels: &[&str], by: i64) {
        if let Some(family) = self.family(metric) {
            family.change(labels, by);
        }
    }

    fn family(&self, metric: &Metric) -> Option<&Family> {
        self.0.families.iter().find(|family| family.metric.name == metric.name)
    }
}

/// A worker that is busy.
#[derive(Debug)]
pub(crate) struct Busy {
    metrics: Metrics,
    queue: Queue,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.metrics.change(&table::WORKERS_BUSY, &[self.queue.as_str()], -1);
    }
}

#[cfg(test)]
mod tests;
