//! Many dead letters at once.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use engine::dead::Chosen;
use engine::work::Wake;
use model::queue::{DeadFilter, JobId, JobQueue, Queue, Redrive, RedriveTo};
use model::{ConnectionId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Ports;
use super::view::DeadLetterRow;
use crate::answer::Accepted;
use crate::auth::Editor;
use crate::extract::Json;
use crate::operation::{Operation, Step, location};
use crate::problem::Problem;

/// Letters of one press: what a person means who has looked at some of them.
const LETTERS_MAX: usize = 5_000;

/// The longest time over which retries are spread, in seconds: nobody waits a day for the last.
const SPREAD_S_MAX: u64 = 86_400;

/// Letters that a dry run shows.
const EXAMPLES_MAX: usize = 5;

pub(super) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(bulk))
}

/// What is to be done to many dead letters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BulkForm {
    /// What.
    action: BulkAction,
    /// To which.
    filter: BulkFilter,
    /// Counts them, and changes nothing.
    #[serde(default)]
    dry_run: bool,
    /// How many at most, the oldest jobs first: 1 to 5,000, which is also what is taken where
    /// nothing is said.
    #[schema(minimum = 1, maximum = 5000)]
    max: Option<usize>,
    /// Over how many seconds retries are spread, so that they do not all come at once.
    #[serde(default)]
    #[schema(maximum = 86400)]
    spread_seconds: u64,
    /// Why they are discarded; it goes into the log of events.
    reason: Option<String>,
}

/// What is done to a dead letter.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum BulkAction {
    /// It is queued again, behind what waits in its line.
    Retry,
    /// It is thrown away.
    Discard,
}

/// Which dead letters; all conditions must hold, and one is needed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BulkFilter {
    /// Of this queue.
    #[schema(value_type = Option<String>)]
    queue: Option<Queue>,
    /// Of this connection.
    #[schema(value_type = Option<String>)]
    connection: Option<ConnectionId>,
    /// Of this package, `publisher/id`.
    package: Option<String>,
    /// Whose last error has this code.
    code: Option<String>,
    /// These, by id.
    #[schema(value_type = Option<Vec<String>>)]
    ids: Option<BTreeSet<String>>,
    /// All of them, where no other condition is given.
    #[serde(default)]
    all: bool,
}

/// What a dry run has found.
#[derive(Debug, Serialize, ToSchema)]
struct BulkPreview {
    /// How many letters there are, within `max`.
    count: u64,
    /// The first of them.
    examples: Vec<DeadLetterRow>,
}

/// Retries or discards many dead letters
///
/// A dry run answers how many there are, with examples. Otherwise an operation does it batch by
/// batch: its progress counts letters, and stopped it leaves the rest as they are. Letters are
/// chosen once: one that is retried and dies again meanwhile is not met twice. The order of letters
/// of one line is kept.
#[utoipa::path(post, path = "/api/dead-letters/bulk", tag = "dead letters",
    security(("api_key" = ["editor"])), request_body = BulkForm,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes the request safe to repeat: who sends it again is answered the same")),
    responses((status = 200, body = BulkPreview, description = "What a dry run has found"),
        (status = 202, body = Operation, description = "It is being done"),
        (status = 409, body = Problem)))]
async fn bulk(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Json(form): Json<BulkForm>,
) -> Result<Response, Problem> {
    let BulkForm { action, filter, dry_run, max, spread_seconds, reason } = form;
    let max = checked(max, spread_seconds)?;
    let filter = filter.read(scope.tenant.clone())?;
    if dry_run {
        return Ok(axum::Json(preview(&*ports.queue, filter, max).await?).into_response());
    }
    let act = Act::of(action, spread_seconds, reason)?;
    let Ports { queue, operations, wake } = ports;
    let kind = match action {
        BulkAction::Retry => "bulk-retry",
        BulkAction::Discard => "bulk-discard",
    };
    let operation = operations.begin(&scope.tenant, kind, |step| async move {
        let chosen = Chosen::of(&*queue, filter, max).await?;
        act.on(chosen, &*queue, (&step, &wake)).await
    })?;
    Ok(Accepted(location(&operation), operation).into_response())
}

/// What is done to each batch.
enum Act {
    Retry { spread: Duration },
    Discard { reason: String },
}

impl Act {
    fn of(action: BulkAction, spread_s: u64, reason: Option<String>) -> Result<Self, Problem> {
        match (action, reason) {
            (BulkAction::Retry, None) => Ok(Self::Retry { spread: Duration::from_secs(spread_s) }),
            (BulkAction::Discard, Some(reason)) if !reason.trim().is_empty() => {
                Ok(Self::Discard { reason })
            }
            (BulkAction::Retry, Some(_)) => {
                Err(Problem::invalid("nobody asks why it is retried").at("/reason", "leave it out"))
            }
            (BulkAction::Discard, _) => {
                Err(Problem::invalid("what is thrown away needs a reason").at("/reason", "say why"))
            }
        }
    }

    async fn on(
        self,
        chosen: Chosen,
        queue: &dyn JobQueue,
        (step, wake): (&Step, &Wake),
    ) -> Result<Value, Problem> {
        let (total, mut done) = (chosen.count(), 0);
        let spacing = self.spacing(total);
        for batch in chosen.batches() {
            step.progress(done, Some(total));
            if step.cancel.is_cancelled() {
                break;
            }
            done += match &self {
                Self::Retry { .. } => {
                    let delay = spacing.saturating_mul(u32::try_from(done).unwrap_or(u32::MAX));
                    let to = RedriveTo::Tail;
                    let redrive = Redrive { to, payload: None, delay, spacing };
                    queue.redrive(&batch, redrive).await?
                }
                Self::Discard { reason } => queue.discard(&batch, reason).await?,
            };
            wake.wake();
        }
        step.progress(done, Some(total));
        Ok(json!({ "count": done }))
    }

    fn spacing(&self, count: u64) -> Duration {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        match self {
            Self::Retry { spread } => *spread / count,
            Self::Discard { .. } => Duration::ZERO,
        }
    }
}

fn checked(max: Option<usize>, spread_seconds: u64) -> Result<usize, Problem> {
    let max = max.unwrap_or(LETTERS_MAX);
    if !(1..=LETTERS_MAX).contains(&max) {
        let detail = format!("write 1 to {LETTERS_MAX}, and ask again for the rest");
        return Err(Problem::invalid("so many letters are not taken at once").at("/max", detail));
    }
    if spread_seconds > SPREAD_S_MAX {
        let detail = format!("write at most {SPREAD_S_MAX}");
        return Err(
            Problem::invalid("the last letter would wait too long").at("/spread_seconds", detail)
        );
    }
    Ok(max)
}

impl BulkFilter {
    /// Nobody should change all of them by leaving the choice out.
    fn read(self, tenant: TenantId) -> Result<DeadFilter, Problem> {
        let Self { queue, connection, package, code, ids, all } = self;
        let some = queue.is_some()
            || connection.is_some()
            || package.is_some()
            || code.is_some()
            || ids.is_some();
        if some == all {
            let detail = "give conditions, or write `all`: true, but not both";
            return Err(Problem::invalid("it is not clear which letters").at("/filter", detail));
        }
        let number = |id: &String| {
            let refused =
                || Problem::invalid("an id is none").at("/filter/ids", format!("look at {id:?}"));
            id.parse().map(JobId).map_err(|_no_number| refused())
        };
        let ids = ids.map(|ids| ids.iter().map(number).collect::<Result<BTreeSet<_>, _>>());
        let ids = ids.transpose()?;
        Ok(DeadFilter { queue, connection, package, code, ids, ..DeadFilter::all(tenant) })
    }
}

async fn preview(
    queue: &dyn JobQueue,
    filter: DeadFilter,
    max: usize,
) -> Result<BulkPreview, Problem> {
    let first = DeadFilter { limit: EXAMPLES_MAX.min(max), ..filter.clone() };
    let examples = queue.dead(&first).await?.iter().map(DeadLetterRow::of).collect();
    let count = Chosen::of(queue, filter, max).await?.count();
    Ok(BulkPreview { count, examples })
}
