//! What an authorisation is to connect.

use std::collections::BTreeMap;

use engine::connect::NewConnection;
use model::store::Catalogue;
use model::{Connection, ConnectionId, IntegrationId, TenantId};
use package::manifest::{Auth, Manifest};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::auth::Scope;
use crate::connections::{self, Wanted, connection, package_of};
use crate::integrations::free;
use crate::problem::Problem;

/// The longest path to go on at, in bytes: one with a filter and a place in a list.
const RETURN_TO_BYTES_MAX: usize = 2_048;

/// What is to be connected.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Authorising {
    /// The integration that it will be an account of; without it the one of the connection's name.
    #[param(value_type = Option<String>)]
    integration: Option<IntegrationId>,
    /// The connection: one that is there is authorised again and stays what it is. Without it a new
    /// one gets a name that is free.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionId>,
    /// The auth method; may be left out where only one is for a browser.
    method: Option<String>,
    /// Where the browser goes on afterwards: a path of this host.
    return_to: Option<String>,
    /// A variable that is asked for, as `NAME=VALUE`.
    #[serde(default)]
    set: Vec<String>,
    /// An endpoint whose text is accepted.
    #[serde(default)]
    accept: Vec<String>,
    /// Where an endpoint's requests go instead, as `ENDPOINT=ORIGIN`; an operator's to say.
    #[serde(default, rename = "override")]
    overrides: Vec<String>,
    /// The person whose account it is; nothing for one that all of the tenant use.
    user: Option<String>,
}

impl Authorising {
    /// Where the browser goes on, if that is on this host.
    pub(super) fn return_to(&self) -> Result<Option<String>, Problem> {
        let Some(path) = &self.return_to else { return Ok(None) };
        // Browsers read `//host` and `/\host` as another host.
        let stays = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
        let plain = path.len() <= RETURN_TO_BYTES_MAX && path.chars().all(|c| c.is_ascii_graphic());
        if stays && plain {
            return Ok(Some(path.clone()));
        }
        let problem = Problem::invalid("a browser goes on at a path of this host alone");
        Err(problem.at("return_to", "write a path that begins with one `/`"))
    }
}

/// The connection that is to be authorised: a new one, or one that is there with what is new.
pub(super) async fn wanted(
    ports: &connections::Ports,
    scope: &Scope,
    manifest: &Manifest,
    asked: Authorising,
) -> Result<Connection, Problem> {
    let known = match &asked.connection {
        Some(id) => ports.catalogue.connection(&scope.tenant, id).await?,
        None => None,
    };
    let id = match &asked.connection {
        Some(id) => id.clone(),
        None => unnamed(&*ports.catalogue, &scope.tenant, &asked, manifest).await?,
    };
    let integration = match &known {
        Some(known) => known.integration(),
        None => asked.integration.clone().unwrap_or_else(|| IntegrationId::of(&id)),
    };
    if asked.integration.as_ref().is_some_and(|named| *named != integration) {
        let problem = Problem::conflict(format!("connection {id} is of integration {integration}"));
        return Err(problem.at("integration", "leave it out"));
    }
    let provider = manifest.name().replace('/', ":");
    package_of(ports, scope, &integration, Some(&provider)).await?;
    let method = method(manifest, asked.method, known.as_ref())?;
    let mut new = NewConnection {
        tenant: scope.tenant.clone(),
        id,
        auth: Some(method),
        variables: pairs("set", &asked.set)?,
        fields: Vec::new(),
        consents: asked.accept,
        overrides: pairs("override", &asked.overrides)?,
    };
    if let Some(known) = &known {
        go_on(&mut new, known, manifest);
    }
    let wanted = Wanted { new, integration: Some(integration), user: asked.user, known };
    connection(manifest, scope, wanted).map(|(connection, _)| connection)
}

/// Adds what was entered for a connection before.
fn go_on(new: &mut NewConnection, known: &Connection, manifest: &Manifest) {
    for (name, value) in &known.variables {
        if manifest.variables.get(name).is_some_and(|variable| variable.ask.is_some()) {
            new.variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    let asks =
        |name: &&String| manifest.endpoints.get(*name).is_some_and(|it| it.consent.is_some());
    let accepted: Vec<_> = known.consents.keys().filter(asks).cloned().collect();
    new.consents.extend(accepted);
}

/// The method that was named, or the one before, or the only one for a browser.
fn method(
    manifest: &Manifest,
    named: Option<String>,
    known: Option<&Connection>,
) -> Result<String, Problem> {
    let in_browser = |name: &str| matches!(manifest.auth.get(name), Some(Auth::OAuth2(_)));
    let mut all = manifest.auth.keys().filter(|name| in_browser(name));
    let only = match (all.next(), all.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    };
    let chosen = named.or_else(|| known.map(|known| known.auth.clone())).or(only);
    let Some(chosen) = chosen else {
        let problem = Problem::invalid("it is not said by which method");
        return Err(problem.at("method", "name one that is for a browser"));
    };
    if in_browser(&chosen) {
        return Ok(chosen);
    }
    let problem = Problem::invalid(format!("auth method `{chosen}` is not for a browser"));
    Err(problem.at("method", "enter its fields with `POST /api/connections`"))
}

/// A name that is free: that of the integration or provider, or with a number.
async fn unnamed(
    catalogue: &dyn Catalogue,
    tenant: &TenantId,
    asked: &Authorising,
    manifest: &Manifest,
) -> Result<ConnectionId, Problem> {
    let taken = catalogue.connections(tenant).await?;
    let name = asked.integration.as_ref().map_or(manifest.adapter.id.as_str(), |it| it.as_str());
    let free = free(name, taken.iter().map(|it| it.id.as_str()));
    free.map_err(|error| Problem::invalid(error.to_string()).at("connection", "name it"))
}

fn pairs(parameter: &str, texts: &[String]) -> Result<BTreeMap<String, String>, Problem> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            let problem = Problem::invalid("a name and its value belong together");
            problem.at(parameter, "write NAME=VALUE")
        })?;
        Ok((name.to_owned(), value.to_owned()))
    };
    texts.iter().map(pair).collect()
}
