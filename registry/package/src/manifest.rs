//! `adapter.toml`: the signed statement of the most that an adapter can do.
//!
//! Closed types: what is not known is refused, and what does not fit together is refused, each
//! with the line and what to write instead.

use std::collections::BTreeMap;

mod adapter;
mod auth;
mod budget;
mod endpoint;
mod entity;
mod limit;
mod variable;
mod webhook;

pub use crate::document::FileError as ManifestError;
pub use crate::host::{HostError, HostPattern};
pub use crate::place::{Place, PlaceError};
pub use crate::pointer::{Pointer, PointerError};
pub use crate::route::{METHODS, Route, RouteError};
pub use crate::template::{MissingHole, Template, TemplateError};
pub use adapter::{AdapterInfo, Profile};
pub use auth::{
    Auth, AuthField, Client, ClientAuth, Jwt, Key, KeyPlace, OAuth2, Revoke, RevokeToken, TokenBody,
};
pub use budget::Budget;
pub use endpoint::{Endpoint, Inject, Target};
pub use entity::{Conditional, CreateKey, Cursor, Deletes, Entity, Full, WindowRule, Write};
pub use limit::{Limit, Report, Scope};
pub use variable::{Shape, Variable};
pub use webhook::{
    Ack, Challenge, Encoding, Handshake, Hmac, Routing, SecretSource, Setup, TimeUnit,
    TimestampRule, Verify, Webhook,
};

/// A manifest that is complete in itself: every reference in it leads somewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Manifest {
    /// `[adapter]`.
    pub adapter: AdapterInfo,
    /// `[variable.NAME]`.
    pub variables: BTreeMap<String, Variable>,
    /// `[auth.METHOD]`.
    pub auth: BTreeMap<String, Auth>,
    /// `[endpoint.NAME]`.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// `[[limit]]`.
    pub limits: Vec<Limit>,
    /// `[webhook]`.
    pub webhook: Option<Webhook>,
    /// `[entity.NAME]`, with `[default.entity]` merged in.
    pub entities: BTreeMap<String, Entity>,
    /// `[budget]`.
    pub budget: Budget,
}

impl Manifest {
    /// Reads a manifest.
    pub fn parse(_text: &str) -> Result<Self, ManifestError> {
        todo!()
    }

    /// `publisher/id`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.adapter.publisher, self.adapter.id)
    }
}
