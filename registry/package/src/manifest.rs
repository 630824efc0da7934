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
mod reference;
mod variable;
mod webhook;

use crate::document::{Document, Named};
use reference::Context;

pub use crate::document::FileError as ManifestError;
pub use crate::host::{HostError, HostPattern};
pub use crate::place::{Place, PlaceError};
pub use crate::pointer::{Pointer, PointerError};
pub use crate::route::{METHODS, Route, RouteError};
pub use crate::template::{MissingHole, Template, TemplateError};
pub(crate) use adapter::is_package_name;
pub use adapter::{AdapterInfo, CONTRACT, ID_RULE, PUBLISHER_RULE, Profile, is_id, is_publisher};
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

/// The manifest's name in the package.
pub const FILE: &str = "adapter.toml";

/// Variables that the host fills in: the auth method, and what comes from the app registration.
const RESERVED: [&str; 4] = ["auth", "client_id", "client_secret", "secret"];

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
    /// Reads a manifest and checks that everything in it fits together.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let document = Document::parse(FILE, text)?;
        let root = document.root();
        let manifest = Self {
            adapter: root.required("adapter")?,
            variables: root.or("variable", Named(BTreeMap::new()))?.0,
            auth: root.or("auth", Named(BTreeMap::new()))?.0,
            endpoints: root.or("endpoint", Named(BTreeMap::new()))?.0,
            limits: root.or("limit", Vec::new())?,
            webhook: root.optional("webhook")?,
            entities: entity::decode(&root)?,
            budget: root.or("budget", Budget::default())?,
        };
        root.finish()?;
        let context = Context { document: &document, manifest: &manifest };
        reserved(&context)?;
        auth::check(&context)?;
        endpoint::check(&context)?;
        limit::check(&context)?;
        webhook::check(&context)?;
        entity::check(&context)?;
        Ok(manifest)
    }

    /// `publisher/id`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.adapter.publisher, self.adapter.id)
    }
}

/// Refuses variables whose names the host fills in itself.
fn reserved(context: &Context<'_>) -> Result<(), ManifestError> {
    let taken = context.manifest.variables.keys().find(|name| RESERVED.contains(&name.as_str()));
    let Some(name) = taken else { return Ok(()) };
    let message = format!("the variable `{name}` is the host's own");
    Err(context.complain(&["variable", name], message, "write another name"))
}
