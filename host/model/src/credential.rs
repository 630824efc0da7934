//! What fills the credential slot of a connection, and how it is kept alive.
//!
//! A credential is a row without secrets beside sealed fields. Its generation grows whenever they
//! are replaced, and every replacement names the one that it replaces. Whoever refreshes holds a
//! fenced lease, has written down that it is about to ask, and commits the answer before anything
//! else happens: rotating refresh tokens are good once, and an answer that is lost may not be had
//! again.

mod access;
mod app;
mod flow;
mod tokens;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use access::{ACCESSES_MAX, Access, AccessLog, AccessQuery, Actor};
pub use app::{App, AppStore, CLIENT_SECRET, Incident};
pub use flow::{FLOW_MAX, FLOWS_MAX, Flow, FlowStore, VERIFIER};
pub use tokens::{Token, Tokens};

use crate::connection::Connection;
use crate::store::StoreError;
use crate::vault::{Owner, Place, Sealed, SecretKind};
use crate::{ConnectionId, TenantId, Timestamp};

/// The field of the access token.
pub const ACCESS_TOKEN: &str = "access_token";

/// The field of the refresh token.
pub const REFRESH_TOKEN: &str = "refresh_token";

/// The field of the refresh token before, as long as it is kept.
pub const PREVIOUS_REFRESH_TOKEN: &str = "previous_refresh_token";

/// Where a secret of a connection belongs.
pub fn place(tenant: &TenantId, connection: &ConnectionId, field: &str, generation: u64) -> Place {
    Place {
        owner: Owner::Tenant(tenant.clone()),
        kind: SecretKind::Connection,
        object: connection.to_string(),
        field: field.to_owned(),
        generation,
    }
}

/// What is known of a grant besides its secrets.
#[derive(Clone, Debug, Default, Eq, PartialEq, Deserialize, Serialize)]
pub struct Grant {
    /// What was granted, as the provider named it; empty where it does not tell.
    pub scopes: Vec<String>,
    /// When the access token was issued; nothing where there is none.
    pub obtained: Option<Timestamp>,
    /// When the access token expires; nothing where the provider does not tell.
    pub expires: Option<Timestamp>,
    /// When it is to be refreshed without being asked; nothing where that cannot be said or done.
    pub refresh_at: Option<Timestamp>,
    /// Until when the refresh token before is kept.
    pub previous_until: Option<Timestamp>,
    /// The client id of the app that it was given to, which alone may use its refresh token;
    /// nothing where it was given to none, or nobody knows.
    #[serde(default)]
    pub app: Option<String>,
}

/// The longest time for which a refresh is leased at once: who is gone must not keep a token from
/// being refreshed for longer than a provider forgives, nor a clock that ran ahead.
pub const REFRESH_LEASE_MAX: Duration = Duration::from_mins(1);

/// That a refresh was about to be sent and its answer is not committed.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Intent {
    /// With the refresh token of this generation.
    pub generation: u64,
    /// Since when; the first time, where it was repeated.
    pub at: Timestamp,
    /// Under how many leases.
    pub times: u32,
    /// The lease under which it was last written down.
    pub epoch: u64,
}

/// Why a credential could not be refreshed.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// The stable code.
    pub code: String,
    /// What a person reads; without a secret.
    pub message: String,
}

/// A credential without its secrets.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Credential {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// Counts how often the secrets were replaced, from 1.
    pub generation: u64,
    /// The names of the fields that are sealed.
    pub fields: Vec<String>,
    /// The grant.
    pub grant: Grant,
    /// When a person, or the app itself, was last authorised.
    pub authorised: Timestamp,
    /// When it was last used; nothing where it never was.
    pub used: Option<Timestamp>,
    /// How often it was refreshed since it was authorised.
    pub refreshes: u64,
    /// How often refreshing has failed since it last succeeded.
    pub failures: u32,
    /// Why it last failed; gone when it succeeds.
    pub failure: Option<Failure>,
    /// What was about to be sent.
    pub intent: Option<Intent>,
    /// Who refreshes, and until when.
    pub lease: Option<Lease>,
    /// The number of its last lease, which no other lease of any credential has; who writes with
    /// an older one, or with one that was given back, is refused.
    pub epoch: u64,
}

/// Who refreshes a credential, and until when.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Lease {
    /// A name that no other process has.
    pub holder: String,
    /// When it runs out.
    pub until: Timestamp,
}

/// A claim to refresh a credential.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct RefreshLease {
    /// Whose.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// The fence.
    pub epoch: u64,
}

/// Whether a lease was to be had.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Leased {
    /// It is the caller's; and the credential as it is now, with its sealed fields.
    Taken(RefreshLease, Box<Credential>, Vec<Sealed>),
    /// Somebody else has it until then.
    Held(Timestamp),
    /// There is no such credential.
    Absent,
}

/// New secrets of a connection, all of them; sealed for the generation that follows.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct NewSecrets {
    /// The generation that they replace; 0 where there is none. Another one by now is a conflict.
    pub replaces: u64,
    /// The fields, sealed for `replaces + 1`.
    pub sealed: Vec<Sealed>,
    /// The grant.
    pub grant: Grant,
}

/// What a refresh brought.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Refreshed {
    /// The new secrets.
    pub secrets: NewSecrets,
    /// Variables that the answer told, checked already; they replace those of the same name of the
    /// connection, and the others stay.
    pub variables: BTreeMap<String, String>,
}

/// How a refresh ended without new secrets.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RefreshFailed {
    /// Why.
    pub failure: Failure,
    /// When to try again by itself.
    pub retry_at: Option<Timestamp>,
    /// Whether the connection needs to be authorised again; its secrets are kept.
    pub reauthorise: bool,
    /// Whether it is certain that nothing was sent, so that nothing is intended any more.
    pub unsent: bool,
}

/// Which credentials to list.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct CredentialQuery {
    /// Whose; everybody's without it.
    pub tenant: Option<TenantId>,
    /// Only those whose time to refresh has come by then, the most urgent first. Connections that
    /// rest are not among them.
    pub due: Option<Timestamp>,
    /// Where the previous list ended; not with `due`.
    pub after: Option<(TenantId, ConnectionId)>,
    /// At most this many.
    pub limit: usize,
}

/// Credentials in the store. Every method is one transaction.
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// Creates or replaces a connection together with all its secrets, and makes it active:
    /// whoever refreshes the ones before meanwhile is fenced off. Answers the new credential.
    async fn authorise(
        &self,
        connection: Connection,
        secrets: NewSecrets,
    ) -> Result<Credential, StoreError>;

    /// Removes a connection, its secrets and its tasks; its records stay. False if there was none.
    async fn remove_connection(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<bool, StoreError>;

    /// The credential of a connection and its sealed fields.
    async fn credential(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Option<(Credential, Vec<Sealed>)>, StoreError>;

    /// Lists credentials, by tenant and connection.
    async fn credentials(&self, query: CredentialQuery) -> Result<Vec<Credential>, StoreError>;

    /// Takes the lease to refresh, if nobody has it now, until `until`, at most
    /// [`REFRESH_LEASE_MAX`] from now. One that has run out is still good as long as nobody else
    /// takes it.
    async fn lease_refresh(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        holder: &str,
        until: Timestamp,
    ) -> Result<Leased, StoreError>;

    /// Writes down that a refresh of this generation is about to be sent, and holds the lease until
    /// then, with the limits of [`Self::lease_refresh`].
    async fn intend_refresh(
        &self,
        lease: &RefreshLease,
        generation: u64,
        until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Replaces the secrets by what a refresh brought, and gives the lease back; answers the new
    /// credential.
    async fn finish_refresh(
        &self,
        lease: &RefreshLease,
        refreshed: Refreshed,
    ) -> Result<Credential, StoreError>;

    /// Writes down how a refresh failed, and gives the lease back.
    async fn fail_refresh(
        &self,
        lease: &RefreshLease,
        failed: RefreshFailed,
    ) -> Result<(), StoreError>;

    /// Gives the lease back, with nothing sent.
    async fn release_refresh(&self, lease: &RefreshLease) -> Result<(), StoreError>;
}
