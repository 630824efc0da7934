//! Authorisations that have begun in a browser and not ended.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::connection::Connection;
use crate::store::StoreError;
use crate::vault::{Owner, Place, Sealed, SecretKind};
use crate::{Timestamp, hex};

/// How long a person has to say yes at the provider: time to find the password, none to be talked
/// into somebody else's link.
pub const FLOW_MAX: Duration = Duration::from_mins(10);

/// Flows of a tenant at one time: more are a script, not people.
pub const FLOWS_MAX: usize = 100;

/// The field of the PKCE verifier.
pub const VERIFIER: &str = "verifier";

/// An authorisation that has begun.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct Flow {
    /// The hash of `state`: who reads the store cannot finish a flow.
    pub id: [u8; 32],
    /// The hash of what the browser that began it must show.
    pub browser: [u8; 32],
    /// What is to be connected, by the tenant in it.
    pub connection: Connection,
    /// Where the provider sends the browser, byte for byte as in the request.
    pub redirect_uri: String,
    /// The generation of the credential that it replaces; 0 where there is none.
    pub replaces: u64,
    /// When it is of no use any more.
    pub expires: Timestamp,
}

impl Flow {
    /// Where its verifier belongs.
    pub fn place(&self) -> Place {
        Place {
            owner: Owner::Tenant(self.connection.tenant.clone()),
            kind: SecretKind::Flow,
            object: hex::text(&self.id),
            field: VERIFIER.to_owned(),
            generation: 0,
        }
    }
}

/// Flows in the store. Every method is one transaction.
#[async_trait]
pub trait FlowStore: Send + Sync {
    /// Keeps a flow and its verifier, which is sealed for its [place](Flow::place), and forgets
    /// those that have expired. More than [`FLOWS_MAX`] of a tenant are refused.
    async fn put_flow(&self, flow: Flow, verifier: Option<Sealed>) -> Result<(), StoreError>;

    /// Removes a flow and answers it: once, to one caller. One that has expired is as good as none.
    async fn take_flow(&self, id: &[u8; 32]) -> Result<Option<(Flow, Option<Sealed>)>, StoreError>;
}
