//! What the codes of the host mean. Anybody may ask: the `type` of every problem leads here.

use axum::extract::State;
use model::ErrorKind;
use model::errors::{self, Again, CODES, Code, Scope, Told};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Path;
use crate::list::Page;
use crate::problem::Problem;

pub(crate) fn routes() -> OpenApiRouter<()> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// A code of the host.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorCode {
    /// The code; it is never used for anything else.
    code: &'static str,
    /// The kind that it mostly comes with.
    #[schema(value_type = String, example = "rate-limited")]
    kind: ErrorKind,
    /// What has happened.
    meaning: &'static str,
    /// What to do about it.
    action: &'static str,
    /// Whether the host tries again by itself: `no`, `later`, `few` or `many` times, or once a
    /// `person` has acted.
    #[schema(value_type = String)]
    again: Again,
    /// Whether it counts against the health of the provider's host.
    breaker: bool,
    /// How much would meet it too: `record`, `part`, `entity`, `connection`, `package`, `provider`
    /// or `host`.
    #[schema(value_type = String)]
    scope: Scope,
    /// Who can do something about it: `nobody`, `tenant`, `operator` or `author`.
    #[schema(value_type = String)]
    told: Told,
}

impl From<&'static Code> for ErrorCode {
    fn from(known: &'static Code) -> Self {
        let rule = known.rule();
        Self {
            code: known.code,
            kind: known.kind,
            meaning: known.meaning,
            action: known.action,
            again: rule.again,
            breaker: rule.breaker,
            scope: rule.scope,
            told: rule.told,
        }
    }
}

/// Lists the codes of errors
///
/// All of them in one part. Codes that begin with the name of an adapter are explained by its
/// documentation.
#[utoipa::path(get, path = "/api/errors", tag = "errors",
    responses((status = 200, body = Page<ErrorCode>)))]
async fn list(State(()): State<()>) -> axum::Json<Page<ErrorCode>> {
    let items = CODES.into_iter().flatten().map(ErrorCode::from).collect();
    axum::Json(Page { items, next: None, total: None })
}

/// Explains the code of an error
#[utoipa::path(get, path = "/api/errors/{code}", tag = "errors",
    params(("code" = String, Path, description = "The code")),
    responses((status = 200, body = ErrorCode), (status = 404, body = Problem)))]
async fn show(Path(code): Path<String>) -> Result<axum::Json<ErrorCode>, Problem> {
    errors::find(&code).map(|code| axum::Json(code.into())).ok_or_else(Problem::not_found)
}
