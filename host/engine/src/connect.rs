//! Connecting an account: what a person enters, held against the manifest.

mod account;
mod origin;
mod questions;

use std::collections::BTreeMap;
use std::fmt;

use model::{Connection, ConnectionId, Secret, TenantId};
use package::manifest::{Auth, AuthField, Endpoint, KeyPlace, Manifest, Target, Template};

pub use account::check;
pub(crate) use origin::check as check_origin;
pub use questions::{Question, QuestionKind, methods, questions};

/// The field of a `jwt` method that signs.
const SIGNING: &str = "private_key";

/// The name among the overrides that stands for the addresses of the auth method.
const AUTH: &str = "auth";

/// What a person enters to connect an account.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// Whose account it is.
    pub tenant: TenantId,
    /// Its name within the tenant.
    pub id: ConnectionId,
    /// The method; may be left out where only one works.
    pub auth: Option<String>,
    /// Values of the variables that the manifest asks for.
    pub variables: BTreeMap<String, String>,
    /// Values of the method's fields; those that may be seen may stand among the variables.
    pub fields: Vec<(String, Secret)>,
    /// Endpoints whose consent text is accepted.
    pub consents: Vec<String>,
    /// Endpoint → origin, from the operator alone.
    pub overrides: BTreeMap<String, String>,
}

/// Everything that is wrong with what was entered, so that it can be put right at once.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct ConnectError {
    /// One sentence each.
    pub problems: Vec<String>,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("; "))
    }
}

/// Builds a connection and its secrets, or says everything that is wrong.
pub fn connect(
    manifest: &Manifest,
    mut new: NewConnection,
) -> Result<(Connection, Vec<(String, Secret)>), ConnectError> {
    let mut problems = Vec::new();
    let method = method(manifest, new.auth.as_deref(), &mut problems);
    if let Some((_, auth)) = method {
        take_open_fields(auth, &mut new);
    }
    let auth = method.map_or("", |(name, _)| name);
    let connection = Connection {
        variables: new.variables,
        consents: accepted(manifest, &new.consents, &mut problems),
        overrides: new.overrides,
        ..Connection::new(new.tenant, new.id, manifest.name(), auth)
    };
    if let Some((name, auth)) = method {
        check_fields(name, auth, &new.fields, &mut problems);
        check_needed(manifest, auth, &connection, &mut problems);
    }
    check_variables(manifest, &connection, &mut problems);
    check_overrides(manifest, &connection, &mut problems);
    if problems.is_empty() { Ok((connection, new.fields)) } else { Err(ConnectError { problems }) }
}

/// The values that a guest and the templates see: defaults, what the connection holds, and
/// `auth`, the method in use.
pub fn variables(manifest: &Manifest, connection: &Connection) -> BTreeMap<String, String> {
    let default = |(name, v): (&String, &package::manifest::Variable)| {
        v.default.as_ref().map(|value| (name.clone(), value.clone()))
    };
    let mut variables: BTreeMap<_, _> = manifest.variables.iter().filter_map(default).collect();
    variables.extend(connection.variables.clone());
    variables.insert("auth".to_owned(), connection.auth.clone());
    variables
}

fn method<'a>(
    manifest: &'a Manifest,
    asked: Option<&str>,
    problems: &mut Vec<String>,
) -> Option<(&'a str, &'a Auth)> {
    let all = methods(manifest);
    let names = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
    let name = match (asked, all.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only,
        (None, []) => {
            problems.push("the package has no auth method".to_owned());
            return None;
        }
        (None, _) => {
            problems.push(format!("choose an auth method: {names}"));
            return None;
        }
    };
    match manifest.auth.get_key_value(name) {
        None => {
            let message = "the package has no auth method";
            problems.push(format!("{message} `{name}`; it has: {names}"));
            None
        }
        Some((name, auth)) => Some((name, auth)),
    }
}

/// Moves the fields that may be seen from the variables to the other fields.
fn take_open_fields(auth: &Auth, new: &mut NewConnection) {
    for (name, _) in entered(auth).into_iter().flatten().filter(|(_, field)| !field.secret) {
        let given = new.variables.remove(name);
        new.fields.extend(given.map(|value| (name.clone(), Secret::new(value))));
    }
}

fn check_fields(
    method: &str,
    auth: &Auth,
    fields: &[(String, Secret)],
    problems: &mut Vec<String>,
) {
    let wanted = entered(auth);
    // A key that signs has lines.
    let has_lines = |name: &str| name == SIGNING && matches!(auth, Auth::Jwt(_));
    let is_bad = |name: &str, c: char| c.is_control() && !("\r\n".contains(c) && has_lines(name));
    for (name, value) in fields {
        if !wanted.is_some_and(|fields| fields.contains_key(name)) {
            let known = wanted.map_or_else(|| "none".to_owned(), |f| list(f.keys()));
            problems.push(format!("auth method `{method}` has no field `{name}`; it has: {known}"));
        } else if value.expose().is_empty() {
            problems.push(format!("field `{name}` of auth method `{method}` is empty"));
        } else if value.expose().contains(|c| is_bad(name, c)) {
            let message = "holds a line break or another control character";
            problems.push(format!("field `{name}` of auth method `{method}` {message}"));
        }
    }
    for (name, field) in wanted.into_iter().flatten() {
        if !fields.iter().any(|(given, _)| given == name) {
            let label = &field.label;
            problems.push(format!("auth method `{method}` needs field `{name}`: {label}"));
        }
    }
}

fn check_variables(manifest: &Manifest, connection: &Connection, problems: &mut Vec<String>) {
    for (name, value) in &connection.variables {
        match manifest.variables.get(name) {
            None => {
                let asked = manifest.variables.iter().filter(|(_, v)| v.ask.is_some());
                let known = list(asked.map(|(name, _)| name));
                problems
                    .push(format!("the package asks for no variable `{name}`, but for: {known}"));
            }
            Some(variable) if variable.ask.is_none() => {
                problems.push(format!("variable `{name}` is filled by the provider, not by hand"));
            }
            Some(variable) => problems.extend(variable.check(name, value).err()),
        }
    }
}

/// Names every variable without a value that an origin or the credential cannot do without.
fn check_needed(
    manifest: &Manifest,
    auth: &Auth,
    connection: &Connection,
    problems: &mut Vec<String>,
) {
    let known = variables(manifest, connection);
    let brings = brings_tokens(auth);
    let mut holes: Vec<_> = manifest
        .endpoints
        .iter()
        .filter(|(name, _)| !connection.overrides.contains_key(*name))
        .filter(|(name, e)| e.consent.is_none() || connection.consents.contains_key(*name))
        .flat_map(|(_, endpoint)| origin_holes(endpoint))
        .chain(auth_holes(auth))
        .filter(|hole| !known.contains_key(*hole))
        .filter_map(|hole| manifest.variables.get_key_value(hole))
        .filter(|(_, variable)| !(variable.check || brings && variable.token.is_some()))
        .collect();
    holes.sort_unstable_by_key(|(name, _)| name.as_str());
    holes.dedup_by_key(|(name, _)| name.as_str());
    for (name, variable) in holes {
        problems.push(match &variable.ask {
            Some(label) => format!("variable `{name}` has no value: {label}"),
            None => format!(
                "variable `{name}` has no value: only a token answer fills it, and auth method \
                 `{}` gets none",
                connection.auth
            ),
        });
    }
}

fn origin_holes(endpoint: &Endpoint) -> Vec<&str> {
    match &endpoint.target {
        Target::Origin(origin) => origin.holes().collect(),
        Target::Hosts(_) => Vec::new(),
    }
}

/// What the requests of a method are written from.
fn auth_holes(auth: &Auth) -> Vec<&str> {
    let templates: Vec<&Template> = match auth {
        Auth::OAuth2(rule) => {
            let urls = [&rule.authorize, &rule.token].into_iter();
            urls.chain(&rule.scopes).chain(rule.authorize_params.values()).collect()
        }
        Auth::Client(rule) => {
            [&rule.token].into_iter().chain(&rule.scopes).chain(rule.params.values()).collect()
        }
        Auth::Jwt(rule) => {
            [&rule.token, &rule.issuer, &rule.audience].into_iter().chain(&rule.scopes).collect()
        }
        Auth::Key(key) => match &key.place {
            KeyPlace::Header { value, .. } | KeyPlace::Query { value, .. } => vec![value],
            KeyPlace::Basic { user, password } => vec![user, password],
        },
        Auth::None => Vec::new(),
    };
    templates.into_iter().flat_map(Template::holes).collect()
}

/// Whether a method's credential is an access token.
fn brings_tokens(auth: &Auth) -> bool {
    matches!(auth, Auth::OAuth2(_) | Auth::Client(_) | Auth::Jwt(_))
}

/// What a person enters for a method; nothing for those that ask for nothing.
fn entered(auth: &Auth) -> Option<&BTreeMap<String, AuthField>> {
    match auth {
        Auth::Key(rule) => Some(&rule.fields),
        Auth::Jwt(rule) => Some(&rule.fields),
        Auth::OAuth2(_) | Auth::Client(_) | Auth::None => None,
    }
}

/// The texts that are accepted, by the names of their endpoints.
fn accepted(
    manifest: &Manifest,
    names: &[String],
    problems: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let text = |name: &String| manifest.endpoints.get(name)?.consent.clone();
    let mut texts = BTreeMap::new();
    for name in names {
        if let Some(text) = text(name) {
            texts.insert(name.clone(), text);
        } else {
            let known = list(manifest.endpoints.keys().filter(|name| text(name).is_some()));
            problems.push(format!("endpoint `{name}` asks for no consent; these do: {known}"));
        }
    }
    texts
}

fn check_overrides(manifest: &Manifest, connection: &Connection, problems: &mut Vec<String>) {
    let fixed = || manifest.endpoints.iter().filter(|(_, e)| matches!(e.target, Target::Origin(_)));
    let method = manifest.auth.get(&connection.auth);
    let brings = method.is_some_and(brings_tokens);
    for (name, text) in &connection.overrides {
        let known = brings && name == AUTH || fixed().any(|(endpoint, _)| endpoint == name);
        if !known {
            let known = list(fixed().map(|(name, _)| name));
            problems
                .push(format!("no endpoint `{name}` whose origin can be replaced, but: {known}"));
        } else if let Err(wanted) = origin::check(text) {
            problems.push(format!("origin `{text}` for endpoint `{name}` {wanted}"));
        }
    }
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(String::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
