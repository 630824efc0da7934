//! What went wrong in an adapter call, in the one form that everything above branches on.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The kinds of the contract (`types.error-kind` of the WIT), in its order.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The account must be authorised again.
    AuthRequired,
    /// Not allowed: scope, licence, plan, sharing.
    Permission,
    /// Not there, or not visible to this account.
    NotFound,
    /// The content is refused for good.
    Invalid,
    /// The record changed under us, or exists already.
    Conflict,
    /// Too many requests.
    RateLimited,
    /// The provider cannot answer now.
    Unavailable,
    /// The provider did not answer in time.
    Timeout,
    /// The checkpoint is of no use any more: read in full.
    ExpiredCheckpoint,
    /// This account, adapter or host cannot do that at all.
    Unsupported,
    /// A limit of the host was reached.
    BudgetExhausted,
    /// The host's policy said no.
    Denied,
    /// The answer makes no sense.
    Malformed,
    /// None of these, a trap of the adapter included.
    Other,
}

impl ErrorKind {
    /// The name in the contract, in logs and in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthRequired => "auth-required",
            Self::Permission => "permission",
            Self::NotFound => "not-found",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate-limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::ExpiredCheckpoint => "expired-checkpoint",
            Self::Unsupported => "unsupported",
            Self::BudgetExhausted => "budget-exhausted",
            Self::Denied => "denied",
            Self::Malformed => "malformed",
            Self::Other => "other",
        }
    }
}

/// What the host does about an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rule {
    /// Whether another attempt may end better.
    pub again: Again,
    /// Whether it speaks against the health of the provider's host.
    pub breaker: bool,
    /// How much of what else is to be done would meet it too.
    pub scope: Scope,
    /// Who can do something about it.
    pub told: Told,
}

/// Whether another attempt may end better.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Again {
    /// It would end the same.
    No,
    /// Nothing was tried, so this was no attempt.
    Later,
    /// It may, but what fails like this mostly goes on failing.
    Few,
    /// It passes by itself.
    Many,
    /// Not before a person has acted.
    Person,
}

/// How much of what else is to be done would meet the error too.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Nothing but this record.
    Record,
    /// The other records of the entity.
    Entity,
    /// All of the connection.
    Connection,
    /// All connections of the package.
    Package,
    /// All that goes to the provider's host.
    Provider,
    /// All of this host.
    Host,
}

/// Who can do something about it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Nobody needs to.
    Nobody,
    /// Whoever owns the account.
    Tenant,
    /// Whoever runs the host.
    Operator,
    /// Whoever wrote the adapter.
    Author,
}

impl ErrorKind {
    /// What the host does about an error of this kind, unless its code says more.
    pub fn rule(self) -> Rule {
        let (again, breaker, scope, told) = match self {
            Self::AuthRequired => (Again::Person, false, Scope::Connection, Told::Tenant),
            Self::Permission => (Again::No, false, Scope::Entity, Told::Tenant),
            Self::NotFound => (Again::No, false, Scope::Record, Told::Nobody),
            Self::Invalid => (Again::No, false, Scope::Record, Told::Tenant),
            Self::Conflict => (Again::Few, false, Scope::Record, Told::Nobody),
            Self::RateLimited => (Again::Many, false, Scope::Connection, Told::Nobody),
            Self::Unavailable | Self::Timeout => {
                (Again::Many, true, Scope::Provider, Told::Operator)
            }
            Self::ExpiredCheckpoint => (Again::Few, false, Scope::Entity, Told::Nobody),
            Self::Unsupported => (Again::No, false, Scope::Entity, Told::Tenant),
            Self::BudgetExhausted => (Again::Few, false, Scope::Package, Told::Author),
            Self::Denied => (Again::No, false, Scope::Package, Told::Operator),
            Self::Malformed | Self::Other => (Again::Few, false, Scope::Package, Told::Author),
        };
        Rule { again, breaker, scope, told }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error of an adapter call.
///
/// `code` is stable and lower-case: `egress.` and `sandbox.` codes are the host's, others the
/// adapter's (`hubspot.rate-limit`). `message` is for people, holds no payload and no secret.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Error {
    /// What the policy branches on.
    pub kind: ErrorKind,
    /// The stable code.
    pub code: String,
    /// What a person reads.
    pub message: String,
    /// How long the provider asked to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// False only when it is certain that the provider received nothing.
    #[serde(default)]
    pub request_sent: bool,
    /// More facts, by name: `layer` and `allow` of a denial, for example.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<(String, String)>,
}

impl Error {
    /// What the host does about it.
    pub fn rule(&self) -> Rule {
        self.kind.rule()
    }

    /// An error about which nothing was sent.
    pub fn new(kind: ErrorKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.into(),
            retry_after: None,
            request_sent: false,
            details: Vec::new(),
        }
    }

    /// The same error, after the provider may have received something.
    #[must_use]
    pub fn sent(mut self) -> Self {
        self.request_sent = true;
        self
    }

    /// The same error with the wait that the provider asked for.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same error with one more fact.
    #[must_use]
    pub fn detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.push((name.into(), value.into()));
        self
    }
}
