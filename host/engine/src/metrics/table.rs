//! All metrics.

/// What a metric does with the numbers that it is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// It only grows, from zero at the start of the process.
    Counter,
    /// It stands where it stands.
    Gauge,
    /// It counts them by size, up to each of these bounds and above the last.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The name that Prometheus has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// The name under which it is rendered; one that is published never changes.
    pub name: &'static str,
    /// What it does with numbers.
    pub kind: Kind,
    /// What is counted, as the UCUM writes it: `ms`, `By`, or `1` for things.
    pub unit: &'static str,
    /// What it is told apart by.
    pub labels: &'static [&'static str],
    /// What it says, for people.
    pub meaning: &'static str,
}

/// Runs take from a moment to the quarter of an hour after which others get their turn.
const RUNS_MS: &[f64] =
    &[100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4, 1.2e5, 3e5, 6e5, 9e5];

/// Calls wait for a provider, up to the minute that is the usual wall time of one.
const CALLS_MS: &[f64] =
    &[5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4];

/// Guests compute for some milliseconds a page; the most that they may is two seconds or so.
const CPUS_MS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 500.0, 2e3];

/// 1 MiB to 1 GiB: powers of two, as memories grow.
const MEMORIES_BYTES: &[f64] = &[
    1_048_576.0,
    2_097_152.0,
    4_194_304.0,
    8_388_608.0,
    16_777_216.0,
    33_554_432.0,
    67_108_864.0,
    134_217_728.0,
    268_435_456.0,
    1_073_741_824.0,
];

macro_rules! table {
    ($($id:ident = $name:literal, $kind:expr, $unit:literal, [$($label:literal),*], $meaning:literal;)*) => {
        $(pub(super) const $id: Metric = Metric {
            name: $name,
            kind: $kind,
            unit: $unit,
            labels: &[$($label),*],
            meaning: $meaning,
        };)*

        /// All of them, in the order in which they are rendered.
        pub const TABLE: &[&Metric] = &[$(&$id),*];
    };
}

table! {
    JOBS_PROCESSED = "sync_jobs_processed", Kind::Counter, "1", ["queue", "package", "outcome"],
        "attempts at jobs that ended, by outcome: done, retry or dead; what was only put off is not counted";
    JOBS_FAILED = "sync_jobs_failed", Kind::Counter, "1", ["queue", "package", "code"],
        "attempts at jobs that failed, by the host's code, or by the kind of an adapter's error";
    RECORDS_CREATED = "sync_records_created", Kind::Counter, "1", ["package"],
        "records that were not there before";
    RECORDS_UPDATED = "sync_records_updated", Kind::Counter, "1", ["package"],
        "records whose content has changed";
    RUN_MS = "sync_latency_ms", Kind::Histogram(RUNS_MS), "ms", ["package", "outcome"],
        "time from the begin of a run that reads a connection to its end";
    WRITEBACK_MS = "writeback_latency_ms", Kind::Histogram(CALLS_MS), "ms", ["package"],
        "time from a change to its acceptance by the provider; empty in a version that does not write back";
    REFRESH_FAILURES = "token_refresh_failures", Kind::Counter, "1", ["package", "code"],
        "turns at refreshing an access token that brought none";
    QUEUE_DEPTH = "sync_queue_depth", Kind::Gauge, "1", ["queue"],
        "jobs of all tenants that wait or are at work";
    QUEUE_OLDEST_MS = "sync_queue_oldest_ms", Kind::Gauge, "ms", ["queue"],
        "how long what is due longest has waited";
    JOBS_DEAD = "sync_jobs_dead", Kind::Gauge, "1", ["queue"],
        "dead letters of all tenants";
    WORKERS_BUSY = "workers_busy", Kind::Gauge, "1", ["queue"],
        "sessions of jobs at work in this process";
    BREAKERS_OPEN = "breakers_open", Kind::Gauge, "1", ["package"],
        "circuit breakers that are not closed";
    CALLS = "sandbox_calls", Kind::Counter, "1", ["package", "call"],
        "calls of adapters";
    CALL_ERRORS = "sandbox_call_errors", Kind::Counter, "1", ["package", "code"],
        "calls of adapters that failed, by the host's code (traps, limits, denials), or by the kind of the adapter's error";
    CALL_MS = "sandbox_call_ms", Kind::Histogram(CALLS_MS), "ms", ["package"],
        "time of a call of an adapter, waiting included";
    CPU_MS = "sandbox_cpu_ms", Kind::Histogram(CPUS_MS), "ms", ["package"],
        "CPU time of a call of an adapter, and of the host on its behalf";
    MEMORY_BYTES = "sandbox_memory_bytes", Kind::Histogram(MEMORIES_BYTES), "By", ["package"],
        "peak of the linear memories of a call of an adapter";
    HOST_CALLS = "sandbox_host_calls", Kind::Counter, "1", ["package"],
        "calls of host functions by adapters";
    REQUESTS = "egress_requests", Kind::Counter, "1", ["package"],
        "HTTP requests of adapters";
    BYTES_IN = "egress_bytes_in", Kind::Counter, "By", ["package"],
        "bytes that providers have sent to adapters";
    BYTES_OUT = "egress_bytes_out", Kind::Counter, "By", ["package"],
        "bytes that adapters have sent to providers";
    THROTTLED_MS = "egress_throttled_ms", Kind::Counter, "ms", ["package"],
        "time that adapters have waited for rate limits";
    UNDELIVERED = "otlp_dropped", Kind::Counter, "1", ["signal"],
        "data points and spans that the collector has not taken";
}
