//! A provider, as it is shown.

use std::collections::BTreeMap;

use engine::connect::{Question, QuestionKind, methods, questions};
use model::breaker::Opened;
use model::{Connection, ConnectionState, ConnectionStatus, Timestamp};
use package::manifest::{Auth, Entity, Manifest, Template};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Package;

/// The id of the provider that a package serves.
pub(crate) fn name(package: &str) -> &str {
    package.split_once('/').map_or(package, |(_, id)| id)
}

/// A provider that can be connected.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderView {
    /// The id of its adapter.
    id: String,
    /// The package that serves it, `publisher/id`.
    package: String,
    /// What people call it.
    name: String,
    /// One sentence about it.
    summary: String,
    /// The version of the package.
    version: String,
    /// The identity of the package.
    digest: String,
    /// Why it cannot be used now, if it cannot; then nothing that the package says is shown.
    unavailable: Option<String>,
    /// What can be read and written.
    entities: Vec<ProviderEntity>,
    /// The ways to open an account.
    auth: Vec<AuthMethod>,
    /// What is asked for beside the fields of the method.
    variables: Vec<AskedVariable>,
    /// What stays shut until it is accepted.
    consents: Vec<AskedConsent>,
    /// Whether it may write at the provider.
    writes: bool,
    /// What the operator has granted, one line each.
    permissions: Vec<String>,
    /// How its accounts are.
    health: ProviderHealth,
}

/// An entity of a provider.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderEntity {
    /// Its name.
    name: String,
    /// The record type that it becomes, where the package proposes one.
    record_type: Option<String>,
    /// How changes are read: `window`, `feed` or `scan`.
    #[schema(value_type = String)]
    cursor: &'static str,
    /// How deletions are noticed: `feed`, `list`, `absence`, `webhook`.
    #[schema(value_type = Vec<String>)]
    deletes: Vec<&'static str>,
    /// What can be written: `create`, `update`, `delete`.
    #[schema(value_type = Vec<String>)]
    writes: Vec<&'static str>,
    /// Whether the provider tells of changes.
    webhook: bool,
    /// The entity for each of whose records it is read.
    per: Option<String>,
    /// The entity that it comes with; it is not read by itself.
    with: Option<String>,
    /// Whether the account decides what instances there are.
    dynamic: bool,
    /// A schedule does not read it more often than that.
    min_interval_seconds: Option<u64>,
}

/// A way to open an account.
#[derive(Debug, Serialize, ToSchema)]
struct AuthMethod {
    /// Its name.
    name: String,
    /// What it is.
    kind: AuthKind,
    /// Whether a person says yes at the provider, in a browser; otherwise it is entered.
    in_browser: bool,
    /// What is entered.
    fields: Vec<AskedField>,
    /// The scopes that are asked for.
    scopes: Vec<String>,
    /// Those for writing; asked for only where the operator has granted it.
    write_scopes: Vec<String>,
}

/// What a way to open an account is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum AuthKind {
    /// The authorisation code flow of OAuth 2.0.
    Oauth2,
    /// Client credentials of OAuth 2.0.
    Client,
    /// A signed assertion (RFC 7523).
    Jwt,
    /// Keys or passwords.
    Key,
    /// Nothing is needed.
    None,
}

/// A field to be entered.
#[derive(Debug, Serialize, ToSchema)]
struct AskedField {
    /// Its name.
    name: String,
    /// What a person reads.
    label: String,
    /// Whether it must not be seen.
    secret: bool,
}

/// A variable to be asked for.
#[derive(Debug, Serialize, ToSchema)]
struct AskedVariable {
    /// Its name.
    name: String,
    /// What a person reads.
    label: String,
    /// Its value without an answer; one without it must be answered.
    default: Option<String>,
    /// The closed set of answers; none means any.
    choices: Vec<String>,
}

/// A text to be accepted.
#[derive(Debug, Serialize, ToSchema)]
struct AskedConsent {
    /// The endpoint that it opens.
    endpoint: String,
    /// The text.
    text: String,
}

/// How the accounts of a tenant at a provider are.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(super) struct ProviderHealth {
    /// Connections.
    connections: u64,
    /// Those that work, and do so for long.
    active: u64,
    /// Those whose credential ends soon.
    expiring: u64,
    /// Those that need to be authorised again.
    needs_sign_in: u64,
    /// Those that are switched off.
    disabled: u64,
    /// Hosts of the provider that are not asked now, because they have failed too often.
    not_asked: Vec<NotAsked>,
}

/// A host that is not asked now.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct NotAsked {
    /// The host.
    host: String,
    /// Since when.
    since: Timestamp,
    /// Until when.
    until: Timestamp,
}

/// How the accounts of a tenant are, by package.
pub(super) struct Accounts(BTreeMap<String, ProviderHealth>);

impl Accounts {
    pub(super) fn of(
        connections: &[Connection],
        statuses: &[Option<ConnectionStatus>],
        open: &[Opened],
    ) -> Self {
        let mut all: BTreeMap<String, ProviderHealth> = BTreeMap::new();
        for (connection, status) in connections.iter().zip(statuses) {
            let health = all.entry(connection.package.clone()).or_default();
            health.connections += 1;
            let state = status.as_ref().map(|status| status.state).unwrap_or_default();
            *match state {
                ConnectionState::Active => &mut health.active,
                ConnectionState::Expiring => &mut health.expiring,
                ConnectionState::NeedsReauthorisation | ConnectionState::Revoked => {
                    &mut health.needs_sign_in
                }
                ConnectionState::Disabled => &mut health.disabled,
            } += 1;
        }
        for Opened { key, open } in open {
            let (host, since, until) = (key.host.clone(), open.since, open.until);
            let health = all.entry(key.package.clone()).or_default();
            health.not_asked.push(NotAsked { host, since, until });
        }
        Self(all)
    }

    pub(super) fn health(&self, package: &str) -> ProviderHealth {
        self.0.get(package).cloned().unwrap_or_default()
    }
}

impl ProviderView {
    pub(super) fn of(package: &Package, health: ProviderHealth) -> Self {
        let manifest = &package.manifest;
        let asked = questions(manifest, "");
        Self {
            id: manifest.adapter.id.clone(),
            package: manifest.name(),
            name: manifest.adapter.name.clone(),
            summary: manifest.adapter.summary.clone(),
            version: package.reference.version.clone(),
            digest: package.reference.digest.clone(),
            unavailable: None,
            entities: manifest.entities.iter().map(ProviderEntity::of).collect(),
            auth: methods(manifest)
                .into_iter()
                .map(|name| AuthMethod::of(manifest, name))
                .collect(),
            variables: asked.iter().filter_map(AskedVariable::of).collect(),
            consents: asked.iter().filter_map(AskedConsent::of).collect(),
            writes: package.grant.endpoints.values().any(|endpoint| !endpoint.write.is_empty()),
            permissions: package.grant.summary(),
            health,
        }
    }

    pub(super) fn unavailable(package: &str, why: String, health: ProviderHealth) -> Self {
        Self {
            id: name(package).to_owned(),
            package: package.to_owned(),
            name: name(package).to_owned(),
            summary: String::new(),
            version: String::new(),
            digest: String::new(),
            unavailable: Some(why),
            entities: Vec::new(),
            auth: Vec::new(),
            variables: Vec::new(),
            consents: Vec::new(),
            writes: false,
            permissions: Vec::new(),
            health,
        }
    }

    /// Whether a text stands in what people see of it.
    pub(super) fn holds(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        [&self.id, &self.name, &self.summary].iter().any(|it| it.to_lowercase().contains(&text))
    }
}

impl ProviderEntity {
    fn of((name, entity): (&String, &Entity)) -> Self {
        Self {
            name: name.clone(),
            record_type: entity.record_type.clone(),
            cursor: entity.cursor.as_str(),
            deletes: entity.deletes.iter().map(|it| it.as_str()).collect(),
            writes: entity.writes.iter().map(|it| it.as_str()).collect(),
            webhook: entity.webhook,
            per: entity.per.clone(),
            with: entity.with.clone(),
            dynamic: entity.dynamic,
            min_interval_seconds: entity.min_interval.map(|interval| interval.as_secs()),
        }
    }
}

impl AuthMethod {
    fn of(manifest: &Manifest, name: &str) -> Self {
        let texts = |templates: &[Template]| templates.iter().map(ToString::to_string).collect();
        let (kind, scopes, write_scopes) = match manifest.auth.get(name) {
            Some(Auth::OAuth2(it)) => {
                (AuthKind::Oauth2, texts(&it.scopes), texts(&it.write_scopes))
            }
            Some(Auth::Client(it)) => (AuthKind::Client, texts(&it.scopes), Vec::new()),
            Some(Auth::Jwt(it)) => (AuthKind::Jwt, texts(&it.scopes), texts(&it.write_scopes)),
            Some(Auth::Key(_)) => (AuthKind::Key, Vec::new(), Vec::new()),
            Some(Auth::None) | None => (AuthKind::None, Vec::new(), Vec::new()),
        };
        Self {
            name: name.to_owned(),
            kind,
            in_browser: matches!(kind, AuthKind::Oauth2),
            fields: questions(manifest, name).iter().filter_map(AskedField::of).collect(),
            scopes,
            write_scopes,
        }
    }
}

impl AskedField {
    fn of(question: &Question) -> Option<Self> {
        let QuestionKind::Field { secret } = question.kind else { return None };
        Some(Self { name: question.name.clone(), label: question.label.clone(), secret })
    }
}

impl AskedVariable {
    fn of(question: &Question) -> Option<Self> {
        let QuestionKind::Variable { default, choices } = &question.kind else { return None };
        Some(Self {
            name: question.name.clone(),
            label: question.label.clone(),
            default: default.clone(),
            choices: choices.clone(),
        })
    }
}

impl AskedConsent {
    fn of(question: &Question) -> Option<Self> {
        matches!(question.kind, QuestionKind::Consent)
            .then(|| Self { endpoint: question.name.clone(), text: question.label.clone() })
    }
}
