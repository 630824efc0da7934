//! Queues: what waits for a tenant, and what is let rest.

mod pauses;

use std::sync::Arc;

use axum::extract::State;
use engine::work::Wake;
use model::queue::{JobQueue, Queue, QueueStats};
use model::{Clock, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Principal;
use crate::list::Page;
use crate::problem::Problem;

/// What queues need.
#[derive(Clone)]
pub(crate) struct Ports {
    queue: Arc<dyn JobQueue>,
    wake: Wake,
    clock: Clock,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { queue: ports.store.clone(), wake: ports.wake.clone(), clock: ports.clock.clone() }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(list)).merge(pauses::routes())
}

/// A queue, and how it stands: `enqueued` is `queued`, `done`, `dead` and `discarded` together.
#[derive(Debug, Serialize, ToSchema)]
struct QueueView {
    /// Which one: `inbound-webhook`, `inbound-scheduled`, `outbound` or `delivery`.
    #[schema(value_type = String)]
    queue: Queue,
    /// Jobs ever queued.
    enqueued: u64,
    /// Jobs that wait or are at work.
    queued: u64,
    /// Jobs done.
    done: u64,
    /// Dead letters there now.
    dead: u64,
    /// Dead letters that people have discarded.
    discarded: u64,
    /// Lines of jobs at work.
    leased: u64,
    /// Since when the line that is due longest waits.
    oldest: Option<Timestamp>,
}

impl QueueView {
    fn of(queue: Queue, stats: QueueStats) -> Self {
        let QueueStats { enqueued, queued, done, dead, discarded, leased, oldest } = stats;
        Self { queue, enqueued, queued, done, dead, discarded, leased, oldest }
    }
}

/// Lists queues and how they stand
///
/// Those of the tenant, all in one part. An operator who names no tenant is shown the sums over all
/// of them.
#[utoipa::path(get, path = "/api/queues", tag = "queues",
    security(("api_key" = ["viewer"])),
    responses((status = 200, body = Page<QueueView>)))]
async fn list(
    State(ports): State<Ports>,
    who: Principal,
) -> Result<axum::Json<Page<QueueView>>, Problem> {
    let mut items = Vec::with_capacity(Queue::ALL.len());
    if let Some(tenant) = &who.tenant {
        for queue in Queue::ALL {
            items.push(QueueView::of(queue, ports.queue.stats(tenant, queue).await?));
        }
    } else {
        let totals = ports.queue.totals().await?;
        let of = |queue| totals.get(&queue).copied().unwrap_or_default();
        items.extend(Queue::ALL.map(|queue| QueueView::of(queue, of(queue))));
    }
    Ok(axum::Json(Page { items, next: None, total: None }))
}
