//! The port to connections: what a worker must know of one, and the adapter behind it.

use async_trait::async_trait;
use model::adapter::Adapter;
use model::queue::JobId;
use model::{ConnectionId, Error, TenantId, Timestamp};

use super::job::{ReplayOrder, SyncOrder};
use crate::replay::ReplayPlan;
use crate::sync::SyncPlan;

/// What is known of a connection before anything of its package runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct About {
    /// The host that it talks to, where there is one above all, with its port where that is not
    /// the usual one: caps and circuit breakers go by it.
    pub host: Option<String>,
    /// The digest of the package that would run now.
    pub digest: String,
}

/// A connection that is ready to be read.
pub struct Opened {
    /// The adapter, for one run.
    pub adapter: Box<dyn Adapter>,
    /// What is read.
    pub plan: SyncPlan,
}

/// What becomes of an order to read.
pub enum Opening {
    /// There is no such connection any more.
    Gone,
    /// Nothing of what a schedule asks for may be read so soon again. That is no run and no failure:
    /// the job is done, and the schedule asks again. Orders of people are never early.
    Early {
        /// When the first of it may be read; nothing where there is nothing to read at all.
        next: Option<Timestamp>,
    },
    /// It can be read.
    Ready(Box<Opened>),
}

/// Opens connections. `None`, as [`Opening::Gone`], means that there is no such connection any
/// more.
#[async_trait]
pub trait Opener: Send + Sync {
    /// Says what is known of a connection, without running anything of its package.
    async fn about(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Option<About>, Error>;

    /// Loads the package, verified again, opens the connection's door out, and says how what was
    /// asked for is read. Of an order by a schedule, entities that must not be polled so soon again
    /// are left out: see [`policy::due`](crate::policy::due). The credential is used on account of
    /// the job.
    async fn open(
        &self,
        tenant: &TenantId,
        order: &SyncOrder,
        job: JobId,
    ) -> Result<Opening, Error>;

    /// Says how the stored records that were asked for are mapped again.
    async fn replay(
        &self,
        tenant: &TenantId,
        order: &ReplayOrder,
    ) -> Result<Option<ReplayPlan>, Error>;
}
