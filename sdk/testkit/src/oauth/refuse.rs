//! Refusals in the words of RFC 6749.

use serde_json::json;

use crate::message::Answer;

/// Why nothing is given.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: u16,
    error: &'static str,
    description: String,
}

impl Refusal {
    fn new(status: u16, error: &'static str, description: &str) -> Self {
        Self { status, error, description: description.to_owned() }
    }

    pub(super) fn request(description: &str) -> Self {
        Self::new(400, "invalid_request", description)
    }

    pub(super) fn client() -> Self {
        Self::new(401, "invalid_client", "client authentication has failed")
    }

    pub(super) fn grant(description: &str) -> Self {
        Self::new(400, "invalid_grant", description)
    }

    pub(super) fn grant_type() -> Self {
        Self::new(400, "unsupported_grant_type", "the grant type is not supported")
    }

    pub(super) fn no_route() -> Self {
        Self::new(404, "not_found", "there is nothing at this address")
    }

    /// The refusal that a server would give with that status.
    pub(super) fn of(status: u16) -> Self {
        match status {
            401 => Self::client(),
            400 => Self::grant("the grant has ended"),
            429 => Self::new(429, "slow_down", "too many requests"),
            other if other < 500 => Self::new(other, "access_denied", "not allowed"),
            other => Self::new(other, "temporarily_unavailable", "try again later"),
        }
    }

    /// `quietly`: with status 200.
    pub(super) fn into_answer(self, quietly: bool) -> Answer {
        let (error, description) = (self.error, self.description);
        if quietly {
            return Answer::value(200, &json!({ "ok": false, "error": error }));
        }
        let body = json!({ "error": error, "error_description": description });
        Answer::value(self.status, &body).header("cache-control", "no-store")
    }
}
