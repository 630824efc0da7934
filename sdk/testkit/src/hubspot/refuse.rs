//! Error answers in HubSpot's words.

use serde_json::{Value, json};

use crate::message::Answer;

/// The id by which support would find the request; the simulator has only one.
const CORRELATION_ID: &str = "5f0c7d1e-0000-4000-8000-000000000001";

/// An error answer.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: u16,
    category: &'static str,
    message: String,
    more: Value,
}

impl Refusal {
    fn new(status: u16, category: &'static str, message: impl Into<String>) -> Self {
        Self { status, category, message: message.into(), more: Value::Null }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    pub(super) fn unauthorized() -> Self {
        let message = "Authentication credentials not found. This API supports OAuth 2.0 \
            authentication and you can find more details in the documentation";
        Self::new(401, "INVALID_AUTHENTICATION", message)
    }

    pub(super) fn expired() -> Self {
        let message = "The OAuth token used to make this call expired 5 second(s) ago.";
        Self::new(401, "EXPIRED_AUTHENTICATION", message)
    }

    pub(super) fn no_kind(name: &str) -> Self {
        Self::invalid(format!("Unable to infer object type from: {name}"))
    }

    pub(super) fn no_route() -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", "resource not found")
    }

    pub(super) fn no_object() -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", "Object not found. objectId are usually numeric.")
    }

    pub(super) fn no_property(name: &str) -> Self {
        let message =
            format!("There was a problem with the request: property {name} does not exist");
        Self::invalid(message)
    }

    /// The refusal that the account would give with that status.
    pub(super) fn of(status: u16) -> Self {
        match status {
            401 => Self::expired(),
            403 => Self {
                more: json!({ "context": {
                    "requiredGranularScopes": ["crm.objects.contacts.read"],
                    "links": ["https://developers.hubspot.com/scopes"],
                } }),
                ..Self::new(
                    403,
                    "MISSING_SCOPES",
                    "This app hasn't been granted all required scopes.",
                )
            },
            429 => Self {
                more: json!({ "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING" }),
                ..Self::new(429, "RATE_LIMITS", "You have reached your ten_secondly_rolling limit.")
            },
            404 => Self::no_object(),
            409 => Self::new(409, "CONFLICT", "Contact already exists. Existing ID: 1801"),
            other if other < 500 => {
                Self::new(other, "VALIDATION_ERROR", "The request is not valid")
            }
            other => Self::new(other, "INTERNAL_ERROR", "internal error"),
        }
    }

    pub(super) fn into_answer(self) -> Answer {
        let mut body = json!({
            "status": "error",
            "message": self.message,
            "correlationId": CORRELATION_ID,
            "category": self.category,
        });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), self.more) {
            body.extend(more);
        }
        Answer::value(self.status, &body)
    }
}
