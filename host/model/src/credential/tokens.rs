//! The access tokens of a connection, as egress asks for them.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::{Error, Secret, Timestamp};

/// An access token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token.
    pub secret: Secret,
    /// The generation of the credential that it is from.
    pub generation: u64,
    /// When it was issued.
    pub obtained: Timestamp,
    /// When it expires, where the provider tells.
    pub expires: Option<Timestamp>,
    /// The variables of the connection as they are with it: origins may move with a token.
    pub variables: BTreeMap<String, String>,
}

/// Gives out the access tokens of one connection.
///
/// Whoever asks may stop waiting at any time: what was begun goes on without it. Many may ask at
/// once. An error of the kind `AuthRequired` says that a person must act; any other passes.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// A token that is good now; fetched or refreshed if there is none.
    async fn current(&self) -> Result<Token, Error>;

    /// Another one than that of this generation, which the provider has refused.
    async fn renewed(&self, refused: u64) -> Result<Token, Error>;
}
