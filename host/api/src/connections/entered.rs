//! Connections of what is entered: keys, passwords, client credentials.

use std::collections::BTreeMap;

use axum::extract::State;
use engine::connect::{ConnectError, NewConnection};
use model::api_key::Role;
use model::{Connection, ConnectionId, IntegrationId, Secret};
use package::manifest::{Auth, Manifest};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{ConnectionView, Ports, actor};
use crate::answer::{Created, Tagged};
use crate::auth::{Admin, Scope};
use crate::extract::{Json, Path};
use crate::problem::Problem;
use crate::providers;

/// A secret in a request: it goes in, and never comes out.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Password)]
struct Hidden(Secret);

impl<'de> Deserialize<'de> for Hidden {
    /// What is wrong with one is told without it.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(from)? {
            serde_json::Value::String(text) => Ok(Self(Secret::new(text))),
            _ => Err(D::Error::custom("a field is a text")),
        }
    }
}

/// What a person enters to connect an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionForm {
    /// Its name within the tenant; not where the path holds it.
    #[schema(value_type = Option<String>)]
    id: Option<ConnectionId>,
    /// The integration that it is an account of; without it the one of its own name, which is made
    /// if it is not there.
    #[schema(value_type = Option<String>)]
    integration: Option<IntegrationId>,
    /// The provider; may be left out where the integration is there.
    provider: Option<String>,
    /// The auth method; may be left out where only one works.
    method: Option<String>,
    /// The fields of the method. They are sealed, and nothing tells them again.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    fields: BTreeMap<String, Hidden>,
    /// The variables that are asked for.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// The endpoints whose texts are accepted.
    #[serde(default)]
    consents: Vec<String>,
    /// Where an endpoint's requests go instead; an operator's to say.
    #[serde(default)]
    overrides: BTreeMap<String, String>,
    /// The person whose account it is; nothing for one that all of the tenant use.
    user: Option<String>,
    /// Whether the provider is asked for the account before anything is kept.
    #[serde(default = "yes")]
    #[schema(default = true)]
    check: bool,
}

fn yes() -> bool {
    true
}

/// What is to be connected, without secrets: entered, or authorised in a browser.
pub(crate) struct Wanted {
    pub(crate) new: NewConnection,
    pub(crate) integration: Option<IntegrationId>,
    pub(crate) user: Option<String>,
    /// What is there already, and stays as it is where nothing else is said.
    pub(crate) known: Option<Connection>,
}

/// What a request says, held against the manifest.
pub(crate) fn connection(
    manifest: &Manifest,
    scope: &Scope,
    wanted: Wanted,
) -> Result<(Connection, Vec<(String, Secret)>), Problem> {
    let Wanted { mut new, integration, user, known } = wanted;
    if !new.overrides.is_empty() && scope.who.role < Role::Operator {
        let detail = "where an endpoint's requests go instead is an operator's to say; leave \
                      `overrides` out";
        return Err(Problem::new(axum::http::StatusCode::FORBIDDEN, "api.forbidden", detail));
    }
    let (kept, before) = known.map(|known| (known.overrides, known.user)).unwrap_or_default();
    if new.overrides.is_empty() {
        new.overrides = kept;
    }
    let (connection, fields) = engine::connect::connect(manifest, new).map_err(refused)?;
    Ok((Connection { integration, user: user.or(before), ..connection }, fields))
}

fn refused(ConnectError { problems }: ConnectError) -> Problem {
    let problem = Problem::invalid("the package takes something else");
    problems.into_iter().fold(problem, |problem, text| problem.at("", text))
}

/// Connects an account with what a person enters
///
/// For the methods `key`, `client`, `jwt` and `none`; a first token is fetched where the method
/// brings one, and the provider is asked whose account it is, unless `check` says no. Nothing is
/// kept where that fails. Methods of a browser begin at
/// `GET /api/integrations/oauth/authorize/{provider}`.
#[utoipa::path(post, path = "/api/connections", tag = "connections",
    security(("api_key" = ["admin"])), request_body = ConnectionForm,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Repeats of the request under it are answered as the first one was")),
    responses((status = 201, body = ConnectionView), (status = 409, body = Problem),
        (status = 502, body = Problem)))]
pub(super) async fn create(
    State(ports): State<Ports>,
    Admin(scope): Admin,
    Json(mut form): Json<ConnectionForm>,
) -> Result<Created<ConnectionView>, Problem> {
    let id = form.id.take();
    let id =
        id.ok_or_else(|| Problem::invalid("a connection has a name").at("/id", "write one"))?;
    if ports.catalogue.connection(&scope.tenant, &id).await?.is_some() {
        let detail = format!(
            "there is a connection {id} already: choose another name, or enter its secrets again \
             with `POST /api/connections/{id}/reconnect`"
        );
        return Err(Problem::conflict(detail));
    }
    let package = served(&ports, &scope, &form, &id).await?;
    let location = format!("/api/connections/{id}");
    let connection = enter(&ports, &scope, (package, id, None), form).await?;
    let Tagged(tag, view) = ports.shown(connection).await?;
    Ok(Created(location, tag, view))
}

/// Enters the secrets of a connection again
///
/// Those that were there are replaced; the provider is asked first, and another account than the
/// one that was read so far is refused.
#[utoipa::path(post, path = "/api/connections/{connection}/reconnect", tag = "connections",
    security(("api_key" = ["admin"])), request_body = ConnectionForm,
    params(("connection" = String, Path, description = "The connection")),
    responses((status = 200, body = ConnectionView), (status = 409, body = Problem),
        (status = 502, body = Problem)))]
pub(super) async fn reconnect(
    State(ports): State<Ports>,
    Admin(scope): Admin,
    Path(id): Path<ConnectionId>,
    Json(mut form): Json<ConnectionForm>,
) -> Result<Tagged<ConnectionView>, Problem> {
    let known = ports.connection(&scope.tenant, &id).await?;
    for (given, pointer) in [
        (form.id.is_some(), "/id"),
        (form.integration.is_some(), "/integration"),
        (form.provider.is_some(), "/provider"),
    ] {
        if given {
            let problem = Problem::invalid("a connection stays what it is");
            return Err(problem.at(pointer, "leave it out"));
        }
    }
    form.method.get_or_insert_with(|| known.auth.clone());
    form.integration.clone_from(&known.integration);
    let package = known.package.clone();
    let connection = enter(&ports, &scope, (package, id, Some(known)), form).await?;
    ports.shown(connection).await
}

/// The package that serves what is to be connected.
async fn served(
    ports: &Ports,
    scope: &Scope,
    form: &ConnectionForm,
    id: &ConnectionId,
) -> Result<String, Problem> {
    let integration = form.integration.clone().unwrap_or_else(|| IntegrationId::of(id));
    package_of(ports, scope, &integration, form.provider.as_deref()).await
}

/// The package of an integration that is there, or of the provider that is named.
pub(crate) async fn package_of(
    ports: &Ports,
    scope: &Scope,
    integration: &IntegrationId,
    provider: Option<&str>,
) -> Result<String, Problem> {
    let known = ports.integrations.integration(&scope.tenant, integration).await?;
    let named = match provider {
        Some(provider) => {
            Some(providers::package(&*ports.catalogue, provider).await.map_err(|problem| {
                problem.at("/provider", "see `GET /api/integration-providers`")
            })?)
        }
        None => None,
    };
    match (known, named) {
        (Some(known), Some(named)) if known.package != named => Err(Problem::conflict(format!(
            "integration {integration} is served by {}, not by {named}",
            known.package
        ))),
        (Some(known), _) => Ok(known.package),
        (None, Some(named)) => Ok(named),
        (None, None) => {
            let detail = format!("there is no integration {integration}, and no provider is named");
            Err(Problem::invalid(detail).at("/provider", "write it"))
        }
    }
}

async fn enter(
    ports: &Ports,
    scope: &Scope,
    (package, id, known): (String, ConnectionId, Option<Connection>),
    form: ConnectionForm,
) -> Result<Connection, Problem> {
    let manifest = ports.adapters.package(&package).await?.manifest;
    let check = form.check;
    let wanted = Wanted {
        new: NewConnection {
            tenant: scope.tenant.clone(),
            id,
            auth: form.method,
            variables: form.variables,
            fields: form.fields.into_iter().map(|(name, Hidden(value))| (name, value)).collect(),
            consents: form.consents,
            overrides: form.overrides,
        },
        integration: form.integration,
        user: form.user,
        known,
    };
    let (connection, fields) = self::connection(&manifest, scope, wanted)?;
    if matches!(manifest.auth.get(&connection.auth), Some(Auth::OAuth2(_))) {
        let detail = format!(
            "auth method `{}` is authorised in a browser: begin with `GET \
             /api/integrations/oauth/authorize/{}`",
            connection.auth, manifest.adapter.id
        );
        return Err(Problem::invalid(detail).at("/method", "it is not entered"));
    }
    let asking =
        if check { Some(ports.adapters.check(&package, actor(scope)).await?) } else { None };
    let connection = ports.credentials.enter(connection, fields, asking.as_deref()).await?;
    ports.wake.wake();
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_that_is_no_text_is_not_repeated() {
        let text = br#"{"fields":{"pin":123456}}"#;
        let problem = crate::extract::parse::<ConnectionForm>(text).unwrap_err();
        let told = serde_json::to_string(&problem).unwrap();
        assert!(told.contains("/fields/pin") && !told.contains("123456"), "{told}");
        let form: ConnectionForm =
            crate::extract::parse(br#"{"fields":{"token":"hunter2"}}"#).unwrap();
        assert!(!format!("{form:?}").contains("hunter2"));
    }
}
