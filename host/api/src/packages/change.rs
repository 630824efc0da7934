//! What operators do with plugins.

use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use engine::install::{Approval, Candidate, Submitted};
use package::bundle::FILE_BYTES_MAX;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::view::PluginView;
use super::{Ports, problem};
use crate::answer::{Accepted, Created, IfMatch, Tagged};
use crate::auth::Operator;
use crate::extract::{Json, Path, Query, read};
use crate::problem::Problem;

/// The media type of a package file.
const MEDIA_TYPE: &str = "application/octet-stream";

pub(super) fn routes() -> OpenApiRouter<Ports> {
    OpenApiRouter::new()
        .routes(routes!(submit))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(remove))
}

/// A package file, as it came.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
struct PackageFile(Bytes);

impl<S: Send + Sync> FromRequest<S> for PackageFile {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let given = request.headers().get(header::CONTENT_TYPE).map(header::HeaderValue::as_bytes);
        if given != Some(MEDIA_TYPE.as_bytes()) {
            let detail = format!("a package file is sent as {MEDIA_TYPE}");
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::new(status, "api.media-type", detail));
        }
        read(request.into_body(), FILE_BYTES_MAX).await.map(Self)
    }
}

/// How a package is brought.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Bringing {
    /// Why a version is wanted that is older than one that was installed before.
    downgrade_reason: Option<String>,
}

/// That a package may do what it asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApprovalForm {
    /// The digest of what was looked at; nothing else is installed.
    digest: String,
    /// The plugin's name, `publisher/id`, typed; needed where it asks for more than was granted.
    name: Option<String>,
    /// Why a version is wanted that is older than one that was installed before.
    downgrade_reason: Option<String>,
}

/// Which package is not wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RejectionForm {
    /// The digest of what was looked at.
    digest: String,
}

/// Why a plugin may not run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DisableForm {
    /// Why; whoever meets it is told.
    reason: String,
}

fn place(name: &str) -> String {
    format!("/api/plugins/{name}")
}

/// Brings a package file
///
/// Size, signature, trust, imports and code are checked, the manifest is held against what the code
/// says, and what it asks for against what was granted. One that replaces an installed plugin and
/// asks for no more is installed at once; otherwise it waits for approval, in place of one of its
/// name that does. A refusal says why, and changes nothing. Compiling takes some seconds, of a large
/// component up to twenty. At most 32 MiB. A file that is sent twice is the same as one that is sent
/// once, so that no `Idempotency-Key` is needed.
#[utoipa::path(post, path = "/api/plugins", tag = "plugins",
    security(("api_key" = ["operator"])),
    request_body(content = PackageFile, content_type = "application/octet-stream",
        description = "The package file"),
    params(Bringing),
    responses((status = 201, body = PluginView, description = "It is installed"),
        (status = 202, body = PluginView, description = "It waits for approval")))]
async fn submit(
    State(ports): State<Ports>,
    Operator(who): Operator,
    Query(Bringing { downgrade_reason }): Query<Bringing>,
    PackageFile(file): PackageFile,
) -> Result<Response, Problem> {
    let candidate = Candidate { file, downgrade: downgrade_reason };
    let submitted = ports.installer.submit(candidate, who.key.as_str()).await;
    match submitted.map_err(problem)? {
        Submitted::Installed(installed) => {
            let Tagged(tag, view) = ports.find(&installed.name).await?;
            Ok(Created(place(&installed.name), tag, view).into_response())
        }
        Submitted::Pending(pending) => {
            let Tagged(_, view) = ports.find(&pending.name).await?;
            Ok(Accepted(place(&pending.name), view).into_response())
        }
    }
}

/// Approves what waits
///
/// The package of this digest is checked once more and installed; it is granted what it asks for.
#[utoipa::path(post, path = "/api/plugins/{publisher}/{id}/approve", tag = "plugins",
    security(("api_key" = ["operator"])), request_body = ApprovalForm,
    params(("publisher" = String, Path, description = "The publisher"),
        ("id" = String, Path, description = "The id of the package")),
    responses((status = 200, body = PluginView),
        (status = 409, body = Problem, description = "Another digest waits.")))]
async fn approve(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Path((publisher, id)): Path<(String, String)>,
    Json(form): Json<ApprovalForm>,
) -> Result<Tagged<PluginView>, Problem> {
    let name = format!("{publisher}/{id}");
    ports.waiting(&name).await?.ok_or_else(Problem::not_found)?;
    let ApprovalForm { digest, name: typed, downgrade_reason: downgrade } = form;
    let approval = Approval { name: name.clone(), digest, typed, downgrade };
    ports.installer.approve(approval).await.map_err(problem)?;
    ports.find(&name).await
}

/// Rejects what waits
///
/// The file is thrown away; what is installed stays.
#[utoipa::path(post, path = "/api/plugins/{publisher}/{id}/reject", tag = "plugins",
    security(("api_key" = ["operator"])), request_body = RejectionForm,
    params(("publisher" = String, Path, description = "The publisher"),
        ("id" = String, Path, description = "The id of the package")),
    responses((status = 204),
        (status = 409, body = Problem, description = "Another digest waits.")))]
async fn reject(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Path((publisher, id)): Path<(String, String)>,
    Json(form): Json<RejectionForm>,
) -> Result<StatusCode, Problem> {
    let name = format!("{publisher}/{id}");
    if ports.catalogue.remove_pending(&name, &form.digest).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    let pending = ports.waiting(&name).await?.ok_or_else(Problem::not_found)?;
    let detail = format!("what waits is {}; look at it first", pending.digest);
    Err(Problem::new(StatusCode::CONFLICT, "engine.package-pending", detail))
}

/// Says that a plugin may not run
///
/// Not in another version either. Jobs of its connections wait until it is enabled. What was loaded
/// already counts for a minute at most.
#[utoipa::path(post, path = "/api/plugins/{publisher}/{id}/disable", tag = "plugins",
    security(("api_key" = ["operator"])), request_body = DisableForm,
    params(("publisher" = String, Path, description = "The publisher"),
        ("id" = String, Path, description = "The id of the package")),
    responses((status = 200, body = PluginView)))]
async fn disable(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Path((publisher, id)): Path<(String, String)>,
    Json(form): Json<DisableForm>,
) -> Result<Tagged<PluginView>, Problem> {
    switch(&ports, &format!("{publisher}/{id}"), Some(form.reason)).await
}

/// Lets a plugin run again
#[utoipa::path(post, path = "/api/plugins/{publisher}/{id}/enable", tag = "plugins",
    security(("api_key" = ["operator"])),
    params(("publisher" = String, Path, description = "The publisher"),
        ("id" = String, Path, description = "The id of the package")),
    responses((status = 200, body = PluginView)))]
async fn enable(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Path((publisher, id)): Path<(String, String)>,
) -> Result<Tagged<PluginView>, Problem> {
    switch(&ports, &format!("{publisher}/{id}"), None).await
}

async fn switch(
    ports: &Ports,
    name: &str,
    disabled: Option<String>,
) -> Result<Tagged<PluginView>, Problem> {
    if !ports.catalogue.set_package_disabled(name, disabled).await? {
        return Err(Problem::not_found());
    }
    ports.find(name).await
}

/// Removes a plugin
///
/// Its connections and what they have synced stay; they go on when it is approved and installed
/// again, for that it was disabled is forgotten. What waits for approval is rejected by itself.
#[utoipa::path(delete, path = "/api/plugins/{publisher}/{id}", tag = "plugins",
    security(("api_key" = ["operator"])),
    params(("publisher" = String, Path, description = "The publisher"),
        ("id" = String, Path, description = "The id of the package"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what was read")),
    responses((status = 204)))]
async fn remove(
    State(ports): State<Ports>,
    Operator(_): Operator,
    Path((publisher, id)): Path<(String, String)>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let name = format!("{publisher}/{id}");
    let Tagged(tag, _) = ports.find(&name).await?;
    if_match.allow(&tag)?;
    let removed = ports.catalogue.remove_package(&name).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}
