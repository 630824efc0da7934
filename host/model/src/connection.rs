//! An authenticated account at a provider.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ConnectionId, IntegrationId, TenantId, Timestamp};

/// What the host knows of a connection that is not secret.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Connection {
    /// Whose account it is.
    pub tenant: TenantId,
    /// Its name within the tenant.
    pub id: ConnectionId,
    /// The package that serves it, `publisher/id`.
    pub package: String,
    /// The method of the manifest's `[auth.METHOD]` that fills the credential slot.
    pub auth: String,
    /// Values of the manifest's `[variable.NAME]`.
    pub variables: BTreeMap<String, String>,
    /// Endpoint name → its `consent` text as the tenant has accepted it; another text, as an
    /// upgrade may bring it, is not accepted by that.
    #[serde(default)]
    pub consents: BTreeMap<String, String>,
    /// Endpoint name → origin, set by the operator alone. The only way to a private, loopback or
    /// unencrypted origin; shown wherever the connection is shown.
    #[serde(default)]
    pub overrides: BTreeMap<String, String>,
    /// The provider's own key of the account, as `check` told it; account-wide limits go by it.
    #[serde(default)]
    pub account: Option<String>,
    /// The person whose account it is; nothing for one that all of the tenant use.
    #[serde(default)]
    pub user: Option<String>,
    /// The integration that it is an account of; nothing for the one of its own name.
    #[serde(default)]
    pub integration: Option<IntegrationId>,
}

impl Connection {
    /// The integration that it is an account of.
    pub fn integration(&self) -> IntegrationId {
        self.integration.clone().unwrap_or_else(|| IntegrationId::of(&self.id))
    }

    /// A connection of which nothing is known but what every one has.
    pub fn new(
        tenant: TenantId,
        id: ConnectionId,
        package: impl Into<String>,
        auth: impl Into<String>,
    ) -> Self {
        Self {
            tenant,
            id,
            package: package.into(),
            auth: auth.into(),
            variables: BTreeMap::new(),
            consents: BTreeMap::new(),
            overrides: BTreeMap::new(),
            account: None,
            user: None,
            integration: None,
        }
    }
}

/// Whether a connection can work.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionState {
    /// It can.
    #[default]
    Active,
    /// It still can, but its credentials end soon and cannot be renewed without a person.
    Expiring,
    /// The provider does not accept its credentials any more.
    NeedsReauthorisation,
    /// Its grant was revoked.
    Revoked,
    /// It is switched off, by a person or by a rule.
    Disabled,
}

impl ConnectionState {
    /// The name in logs and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expiring => "expiring",
            Self::NeedsReauthorisation => "needs-reauthorisation",
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
        }
    }

    /// Whether its work goes on.
    pub fn works(self) -> bool {
        matches!(self, Self::Active | Self::Expiring)
    }
}

/// In which state a connection is, and why.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct ConnectionStatus {
    /// The state.
    pub state: ConnectionState,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}
