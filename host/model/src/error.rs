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

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error of an adapter call.
///
/// `code` is stable and lower-case: the host's own stand in [`crate::errors::CODES`], others are
/// the adapter's (`hubspot.rate-limit`). `message` is for people, holds no payload and no secret.
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
