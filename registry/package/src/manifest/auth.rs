//! `[auth.METHOD]`: how the credential slot `account` is filled.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::template::Template;
use crate::words::words;

mod check;
mod decode;

pub(super) use check::check;

/// One way to fill the credential slot; a connection uses exactly one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Auth {
    /// The authorisation code flow with refresh tokens.
    OAuth2(OAuth2),
    /// Client credentials.
    Client(Client),
    /// A signed assertion (RFC 7523).
    Jwt(Jwt),
    /// Secrets that the user enters and that go out as they are.
    Key(Key),
    /// No credential.
    None,
}

/// The authorisation code flow.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OAuth2 {
    /// Where the user is sent.
    pub authorize: Template,
    /// Where codes and refresh tokens are exchanged.
    pub token: Template,
    /// Who answers, where the provider tells it with every code (RFC 9207).
    pub issuer: Option<Template>,
    /// Where the client's secret stands in token requests.
    pub client_auth: ClientAuth,
    /// How token requests are encoded.
    pub token_body: TokenBody,
    /// Whether PKCE is used.
    pub pkce: bool,
    /// Scopes that are always asked for.
    pub scopes: Vec<Template>,
    /// Scopes asked for only when write-back is granted.
    pub write_scopes: Vec<Template>,
    /// Further parameters of the authorisation request.
    pub authorize_params: BTreeMap<String, Template>,
    /// How a token is revoked.
    pub revoke: Option<Revoke>,
    /// More error codes that mean: authorise again.
    pub reauth: Vec<String>,
}

/// How a token is revoked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revoke {
    /// Where the request goes.
    pub url: Template,
    /// Which token is sent.
    pub token: RevokeToken,
}

/// Client credentials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Client {
    /// Where tokens come from.
    pub token: Template,
    /// Where the client's secret stands.
    pub client_auth: ClientAuth,
    /// The grant type.
    pub grant: String,
    /// Further parameters of the token request.
    pub params: BTreeMap<String, Template>,
    /// Scopes that are asked for.
    pub scopes: Vec<Template>,
}

/// A signed assertion; RS256, grant jwt-bearer; empty claims are left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Jwt {
    /// Where tokens come from.
    pub token: Template,
    /// What the user enters; `private_key` signs.
    pub fields: BTreeMap<String, AuthField>,
    /// The claim `iss`.
    pub issuer: Template,
    /// The claim `sub`.
    pub subject: Option<Template>,
    /// The claim `aud`.
    pub audience: Template,
    /// The header `kid`.
    pub key_id: Option<Template>,
    /// How long an assertion lives.
    pub lifetime: Duration,
    /// Scopes that are always asked for.
    pub scopes: Vec<Template>,
    /// Scopes asked for only when write-back is granted.
    pub write_scopes: Vec<Template>,
}

/// Secrets that go out as they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// What the user enters.
    pub fields: BTreeMap<String, AuthField>,
    /// Where it stands in requests.
    pub place: KeyPlace,
}

/// Something that the user enters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthField {
    /// The label for people.
    pub label: String,
    /// Whether the value is hidden, sealed and scanned for.
    pub secret: bool,
}

/// Where a key stands in requests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyPlace {
    /// A header of its own.
    Header {
        /// The header's name.
        name: String,
        /// The header's value.
        value: Template,
    },
    /// `Authorization: Basic`.
    Basic {
        /// The part before the colon.
        user: Template,
        /// The part behind the colon.
        password: Template,
    },
    /// A query parameter.
    Query {
        /// The parameter's name.
        name: String,
        /// The parameter's value.
        value: Template,
    },
}

words! {
    /// Where a client's secret stands in token requests.
    pub enum ClientAuth {
        /// In the body.
        Body = "body",
        /// In `Authorization: Basic`.
        Basic = "basic",
    }
}

words! {
    /// How token requests are encoded.
    pub enum TokenBody {
        /// As a form.
        Form = "form",
        /// As JSON.
        Json = "json",
        /// In the query.
        Query = "query",
    }
}

words! {
    /// Which token a revocation sends.
    pub enum RevokeToken {
        /// The refresh token.
        Refresh = "refresh",
        /// The access token.
        Access = "access",
    }
}
