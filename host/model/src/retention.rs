//! How long history is kept, and the port to what forgets it.

use std::time::Duration;

use async_trait::async_trait;

use crate::store::StoreError;

/// The newest runs of a connection that are kept however old: enough to see what a connection
/// that syncs once a week has done for a year.
pub const RUNS_KEPT_MIN: u64 = 50;

/// How long every run is kept: somebody who comes back from a fortnight's leave can still see
/// what happened. At a run every five minutes that is 4,000 of a connection, a few MiB.
pub const RUNS_KEPT_FOR: Duration = Duration::from_hours(14 * 24);

/// How long an event is kept that nobody has yet to read: long enough to look into a week.
pub const EVENTS_KEPT_FOR: Duration = Duration::from_hours(7 * 24);

/// How long an event is kept for a consumer that has not read it. One that was gone for longer
/// reads everything again; it sees the gap in the numbers.
pub const EVENTS_KEPT_MAX: Duration = Duration::from_hours(90 * 24);

/// How long it is kept who has used which secret: what an auditor asks for at the end of a quarter.
pub const ACCESSES_KEPT_FOR: Duration = Duration::from_hours(90 * 24);

/// What a step of sweeping has done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Swept {
    /// Rows removed.
    pub removed: u64,
    /// Where the next step goes on; opaque. Its absence tells that all was looked at.
    pub next: Option<String>,
}

/// Forgets history that need not be kept. A step looks at about `limit` rows, in one transaction
/// that others wait for.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Forgets runs, with their rejects, that are older than [`RUNS_KEPT_FOR`] and not among the
    /// newest [`RUNS_KEPT_MIN`] of their connection. The last that succeeded is always kept.
    async fn sweep_runs(&self, after: Option<String>, limit: usize) -> Result<Swept, StoreError>;

    /// Forgets events that are older than [`EVENTS_KEPT_FOR`] and that every consumer has read,
    /// and all that are older than [`EVENTS_KEPT_MAX`]. The last one is always kept: it holds the
    /// place in the numbers.
    async fn sweep_events(&self, after: Option<String>, limit: usize) -> Result<Swept, StoreError>;

    /// Forgets uses of secrets whose last one is older than [`ACCESSES_KEPT_FOR`]. The newest of a
    /// tenant is always kept: it holds the place in the numbers.
    async fn sweep_accesses(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> Result<Swept, StoreError>;
}
