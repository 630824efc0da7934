//! What is done to a connection that is there: tested, switched off and on, revoked.

use axum::extract::State;
use axum::http::StatusCode;
use engine::credential::{Credentials, Revocation};
use model::adapter::Account;
use model::credential::Actor;
use model::{Connection, ConnectionId, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Ports, actor, done};
use crate::auth::{Admin, Editor};
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// What a provider has said of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestView {
    /// The connection.
    connection: String,
    /// Whether it opens.
    pub(crate) works: bool,
    /// The provider's own key of the account.
    account: Option<String>,
    /// What a person recognises.
    label: Option<String>,
    /// Why it does not open.
    problem: Option<Problem>,
}

/// A connection that was removed, and what became of its grant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemovedConnection {
    /// The connection.
    connection: String,
    /// What became of its grant.
    grant: GrantEnd,
    /// Why the grant may still be good.
    reason: Option<String>,
}

/// What became of a grant at its provider.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum GrantEnd {
    /// The provider has ended it.
    Revoked,
    /// The provider lets nobody end it from here: end it in the settings of the account there.
    NotOffered,
    /// It may still be good: end it in the settings of the account there.
    Failed,
}

/// Asks the provider through the adapter, as a sync does, and holds the answer against what is
/// known.
pub(crate) async fn tested(ports: &Ports, connection: &Connection, actor: Actor) -> TestView {
    let asked = ask(ports, connection, actor).await;
    let (account, problem) = match asked {
        Ok(account) => (Some(account), None),
        Err(problem) => (None, Some(problem)),
    };
    let works = account.is_some();
    let (account, label) = account.map(|it| (it.id, it.label)).unzip();
    TestView { connection: connection.id.to_string(), works, account, label, problem }
}

async fn ask(ports: &Ports, connection: &Connection, actor: Actor) -> Result<Account, Problem> {
    let mut adapter = ports.adapters.open(connection, actor).await?;
    let account = adapter.check().await.outcome;
    ports.breakers.flush().await?;
    let account = account?;
    ports.credentials.verified(connection, &account.id).await?;
    Ok(account)
}

/// Removes a connection; nothing if there is none.
pub(crate) async fn remove(
    credentials: &Credentials,
    tenant: &TenantId,
    id: &ConnectionId,
) -> Result<Option<RemovedConnection>, Problem> {
    let removed = credentials.remove(tenant, id).await?;
    Ok(removed.map(|grant| RemovedConnection::of(id, grant)))
}

impl RemovedConnection {
    fn of(id: &ConnectionId, grant: Revocation) -> Self {
        let (grant, reason) = match grant {
            Revocation::Revoked => (GrantEnd::Revoked, None),
            Revocation::NotOffered => (GrantEnd::NotOffered, None),
            Revocation::Failed(why) => (GrantEnd::Failed, Some(why)),
        };
        Self { connection: id.to_string(), grant, reason }
    }
}

/// Asks the provider whether an account opens
///
/// Through the adapter, as a sync does. What the provider says is the answer, good or bad; another
/// account than the one that was read so far has the connection authorised again.
#[utoipa::path(post, path = "/api/connections/{connection}/test", tag = "connections",
    security(("api_key" = ["editor"])),
    params(("connection" = String, Path, description = "The connection")),
    responses((status = 200, body = TestView)))]
pub(super) async fn test(
    State(ports): State<Ports>,
    Editor(scope): Editor,
    Path(id): Path<ConnectionId>,
) -> Result<axum::Json<TestView>, Problem> {
    let connection = ports.connection(&scope.tenant, &id).await?;
    Ok(axum::Json(tested(&ports, &connection, actor(&scope)).await))
}

/// Why a connection is switched off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DisableForm {
    /// Shown to whoever looks at it.
    reason: String,
}

/// Switches a connection off
///
/// Its work rests until it is switched on again; what is at work ends as ever.
#[utoipa::path(post, path = "/api/connections/{connection}/disable", tag = "connections",
    security(("api_key" = ["admin"])), request_body = DisableForm,
    params(("connection" = String, Path, description = "The connection")),
    responses((status = 204)))]
pub(super) async fn disable(
    State(ports): State<Ports>,
    Admin(scope): Admin,
    Path(id): Path<ConnectionId>,
    Json(form): Json<DisableForm>,
) -> Result<StatusCode, Problem> {
    ports.connection(&scope.tenant, &id).await?;
    ports.credentials.disable(&scope.tenant, &id, &form.reason).await?;
    Ok(done())
}

/// Switches a connection on again
///
/// One that the provider has refused must be authorised again instead.
#[utoipa::path(post, path = "/api/connections/{connection}/enable", tag = "connections",
    security(("api_key" = ["admin"])),
    params(("connection" = String, Path, description = "The connection")),
    responses((status = 204), (status = 409, body = Problem)))]
pub(super) async fn enable(
    State(ports): State<Ports>,
    Admin(scope): Admin,
    Path(id): Path<ConnectionId>,
) -> Result<StatusCode, Problem> {
    ports.connection(&scope.tenant, &id).await?;
    ports.credentials.enable(&scope.tenant, &id).await?;
    ports.wake.wake();
    Ok(done())
}

/// Ends the grant of a connection at the provider
///
/// The connection stays, and needs to be authorised again before it works; where the provider does
/// not let its grant be ended from here, nothing has changed and the answer says so.
#[utoipa::path(post, path = "/api/connections/{connection}/revoke", tag = "connections",
    security(("api_key" = ["admin"])),
    params(("connection" = String, Path, description = "The connection")),
    responses((status = 200, body = RemovedConnection)))]
pub(super) async fn revoke(
    State(ports): State<Ports>,
    Admin(scope): Admin,
    Path(id): Path<ConnectionId>,
) -> Result<axum::Json<RemovedConnection>, Problem> {
    ports.connection(&scope.tenant, &id).await?;
    let grant = ports.credentials.revoke(&scope.tenant, &id).await?;
    Ok(axum::Json(RemovedConnection::of(&id, grant)))
}
