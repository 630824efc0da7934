//! The workers: claim what is due, hand it to handlers, and say what became of it.
//!
//! - Tenants take turns, so what waits for one does not wait behind another; caps hold for all
//!   work, for a tenant, for a package and for a provider's host.
//! - A claim is renewed while its handler works. Who loses it stops, and what it found out is
//!   thrown away; the store refuses what it writes in between.
//! - A handler that panics or hangs is a failed attempt. One that takes the process with it is a
//!   death, and three of them on one job keep it from the workers, and the package's digest from its session. The
//!   last of them must be its own: a job that it could be works alone.
//! - Asked to stop, the workers claim no more, let handlers come to a page border, and give back
//!   what is not finished.

mod alone;
mod attempt;
mod caps;
mod course;
mod dispatch;
mod error;
mod handler;
mod inbound;
pub mod job;
mod lease;
mod opener;
mod settle;
mod span;
mod stop;
mod turns;
mod wake;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Clock;
use model::queue::{JobQueue, Queue};

pub use caps::Limits;
pub use course::{Course, Stage, course};
pub use handler::{Context, Handled, Handler, Terms};
pub use inbound::Inbound;
pub use lease::lease;
pub use opener::{About, Opened, Opener, Opening};
pub use stop::{Stops, Unbegun};
pub use wake::Wake;

use crate::breaker::Breakers;
use crate::metrics::Metrics;
use crate::sync::Cancel;

/// What workers need from outside.
pub struct Ports {
    /// The queues.
    pub queue: Arc<dyn JobQueue>,
    /// What is known of connections.
    pub opener: Arc<dyn Opener>,
    /// Who handles the jobs of which queue; queues without a handler are left alone.
    pub handlers: BTreeMap<Queue, Arc<dyn Handler>>,
    /// The watch over the hosts of providers, which egress tells how they answer.
    pub breakers: Breakers,
    /// The time, of the store.
    pub clock: Clock,
    /// Is given by whoever queues something.
    pub wake: Wake,
    /// Who claims; shown to operators.
    pub worker: String,
    /// Where is counted what becomes of jobs.
    pub metrics: Metrics,
}

/// Works until it is asked to stop and everything has come to its end.
pub async fn run(ports: Ports, limits: Limits, stop: Cancel) {
    dispatch::Dispatcher::new(ports, limits).run(stop).await;
}
