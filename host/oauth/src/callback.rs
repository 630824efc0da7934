//! What comes back with the browser (RFC 6749 §4.1.2, RFC 9207).

use model::Secret;

use crate::form;
use crate::text;
use crate::values::{RequestError, Values, at_origin};

/// Longest query of a callback: what servers take for a request line, and far more than the
/// longest codes, which have 2 KiB.
const QUERY_BYTES_MAX: usize = 8 * 1024;

/// The parameters that mean something; each may come once.
const KNOWN: [&str; 5] = ["state", "code", "error", "error_description", "iss"];

/// What a callback says.
#[derive(Clone, Debug)]
pub struct Callback {
    /// Which authorisation it ends.
    pub state: Secret,
    /// How it ends.
    pub outcome: Outcome,
    /// Who says so, if they do.
    pub issuer: Option<String>,
}

/// How an authorisation ends.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With a code to redeem.
    Code(Secret),
    /// Without.
    Denied {
        /// The provider's code: `access_denied` where the person has said no.
        error: String,
        /// What a person reads; may be empty.
        description: String,
    },
}

/// Why a callback is refused. The text never repeats what came.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CallbackError {
    /// It is too long.
    #[error("the answer of the provider is longer than {QUERY_BYTES_MAX} bytes")]
    Long,
    /// It is not properly encoded.
    #[error("the answer of the provider is not properly encoded")]
    Encoding,
    /// A parameter came twice, so that two readers could take two values.
    #[error("the answer of the provider has `{0}` twice")]
    Twice(&'static str),
    /// A parameter is missing.
    #[error("the answer of the provider has no `{0}`; begin again")]
    Missing(&'static str),
    /// It says yes and no.
    #[error("the answer of the provider has both `code` and `error`")]
    Both,
    /// Somebody else says so than was asked.
    #[error(
        "the answer is not from the provider that was asked; begin again and tell the operator"
    )]
    Issuer,
    /// What it is to be compared with cannot be told.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Reads the query of a callback, without its `?`. What is not known is ignored.
pub fn read_callback(query: &str) -> Result<Callback, CallbackError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(CallbackError::Long);
    }
    let pairs = form::decoded(query).ok_or(CallbackError::Encoding)?;
    let mut known = KNOWN.map(|_| None);
    for (name, value) in pairs {
        let Some(index) = KNOWN.iter().position(|known| *known == name) else { continue };
        let Some(slot) = known.get_mut(index) else { continue };
        if slot.replace(value).is_some() {
            return Err(CallbackError::Twice(KNOWN.get(index).copied().unwrap_or_default()));
        }
    }
    let [state, code, error, description, issuer] =
        known.map(|value| value.filter(|value: &String| !value.is_empty()));
    let state = state.ok_or(CallbackError::Missing("state"))?;
    let outcome = match (code, error) {
        (Some(code), None) => Outcome::Code(Secret::new(code)),
        (None, Some(error)) => Outcome::Denied {
            error: text::code(&error).unwrap_or("error").to_owned(),
            description: text::shown(&description.unwrap_or_default(), &[]),
        },
        (Some(_), Some(_)) => return Err(CallbackError::Both),
        (None, None) => return Err(CallbackError::Missing("code")),
    };
    Ok(Callback { state: Secret::new(state), outcome, issuer })
}

/// Refuses a callback of another provider than the one that was asked, who would get the code of
/// this one otherwise (RFC 9207).
///
/// A manifest that names its issuer knows that the provider tells it: then it must be told and be
/// that. Otherwise one that is told must be of the host of the page that was opened.
pub fn check_issuer(values: &Values<'_>, callback: &Callback) -> Result<(), CallbackError> {
    let rule = values.oauth2()?;
    let told = callback.issuer.as_deref();
    let same = if let Some(issuer) = &rule.issuer {
        let expected = at_origin(&values.render_url(issuer)?, values.origin());
        told.ok_or(CallbackError::Missing("iss"))? == expected
    } else {
        let page = at_origin(&values.render_url(&rule.authorize)?, values.origin());
        told.is_none_or(|told| origin(told) == origin(&page))
    };
    if same { Ok(()) } else { Err(CallbackError::Issuer) }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|behind| behind.find(['/', '?', '#']));
    end.and_then(|end| url.get(..host + end)).unwrap_or(url)
}
