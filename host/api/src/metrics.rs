//! Figures: for Prometheus, and for charts.

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use engine::metrics::{Answer, Line, Monitor, Point};
use model::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Gate, Operator, authenticate};
use crate::extract::Query;
use crate::problem::Problem;
use crate::server::ClientAddr;

/// The media type of the text format of Prometheus.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The time that is shown where nothing is said.
const SHOWN: Duration = Duration::from_hours(1);

/// The time between points where nothing is said, in seconds.
const STEP_S: u32 = 60;

/// What figures need.
#[derive(Clone)]
pub(crate) struct Ports {
    monitor: Monitor,
    clock: Clock,
}

impl Ports {
    pub(crate) fn of(ports: &crate::Ports) -> Self {
        Self { monitor: ports.monitor.clone(), clock: ports.clock.clone() }
    }
}

pub(crate) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new().routes(routes!(series))
}

/// The route of scrapers, which is no part of the API: it needs the key of an operator, unless the
/// host is told to show its figures to whoever asks from its own machine.
pub(crate) fn scraped(ports: &crate::Ports, gate: Gate) -> Router {
    let router = Router::new()
        .route("/metrics", get(scrape))
        .with_state(ports.monitor.clone())
        .route_layer(from_fn_with_state(gate, authenticate));
    if ports.open_metrics {
        return router.route_layer(from_fn_with_state(ports.monitor.clone(), without_key));
    }
    router
}

async fn scrape(State(monitor): State<Monitor>, Operator(_): Operator) -> Response {
    rendered(&monitor).await
}

async fn without_key(State(monitor): State<Monitor>, request: Request, next: Next) -> Response {
    let from = request.extensions().get::<ClientAddr>();
    if from.is_some_and(|from| from.0.to_canonical().is_loopback()) {
        return rendered(&monitor).await;
    }
    next.run(request).await
}

async fn rendered(monitor: &Monitor) -> Response {
    ([(header::CONTENT_TYPE, PROMETHEUS)], monitor.render().await).into_response()
}

/// What is asked of a metric.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SeriesQuery {
    /// The metric, by its name in `/metrics`.
    name: String,
    /// The label by whose values lines are told apart; without it there is one for all.
    by: Option<String>,
    /// The begin; an hour before the end, where nothing is said.
    from: Option<Timestamp>,
    /// The end; now, where nothing is said.
    to: Option<Timestamp>,
    /// The seconds between points; a minute, where nothing is said.
    #[param(minimum = 1)]
    step: Option<u32>,
}

/// How a metric went.
#[derive(Debug, Serialize, ToSchema)]
struct MetricSeries {
    /// The metric.
    name: &'static str,
    /// `counter`, shown as growth per second; `gauge`, shown as it stood; or `histogram`, shown as
    /// quantiles.
    kind: &'static str,
    /// Its unit, as the UCUM writes it.
    unit: &'static str,
    /// The seconds between points; more than were asked for, where samples are not as fine.
    step: u64,
    /// The lines.
    lines: Vec<MetricLine>,
}

/// One line of a chart.
#[derive(Debug, Serialize, ToSchema)]
struct MetricLine {
    /// The value of the label that was asked for.
    label: Option<String>,
    /// Which quantile, in percent.
    quantile: Option<u8>,
    /// The points, by time; what was not sampled has none.
    points: Vec<MetricPoint>,
}

/// A point of a line.
#[derive(Debug, Serialize, ToSchema)]
struct MetricPoint {
    /// The end of the step that it tells of.
    at: Timestamp,
    /// The value.
    value: f64,
}

impl From<Answer> for MetricSeries {
    fn from(Answer { metric, step, lines }: Answer) -> Self {
        let point = |Point { at, value }| MetricPoint { at, value };
        let line = |Line { label, quantile, points }| MetricLine {
            label,
            quantile,
            points: points.into_iter().map(point).collect(),
        };
        Self {
            name: metric.name,
            kind: metric.kind.as_str(),
            unit: metric.unit,
            step: step.as_secs(),
            lines: lines.into_iter().map(line).collect(),
        }
    }
}

/// Shows how a metric went
///
/// From samples in memory, every 15 seconds for two hours and every five minutes for a week; what
/// was before the start of the process is not known. At most 2,016 points a line. Figures are of
/// the whole host and name no tenant.
#[utoipa::path(get, path = "/api/metrics/series", tag = "metrics",
    security(("api_key" = ["operator"])), params(SeriesQuery),
    responses((status = 200, body = MetricSeries)))]
async fn series(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Query(query): Query<SeriesQuery>,
) -> Result<axum::Json<MetricSeries>, Problem> {
    let to = query.to.unwrap_or_else(|| ports.clock.now());
    let from = query.from.or_else(|| to.checked_sub(SHOWN).ok()).unwrap_or(Timestamp::MIN);
    let step = Duration::from_secs(query.step.unwrap_or(STEP_S).into());
    let (name, by) = (query.name.as_str(), query.by.as_deref());
    let answer = ports.monitor.series(&engine::metrics::Query { name, by, from, to, step });
    let refused = |error: engine::metrics::QueryError| {
        Problem::new(StatusCode::BAD_REQUEST, "api.invalid", error.to_string())
    };
    answer.map(|answer| axum::Json(answer.into())).map_err(refused)
}
