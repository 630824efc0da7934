//! What a token request says, wherever it says it, and who sends it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::refuse::Refusal;
use crate::message::Request;
use crate::text;

/// Where the client's secret may stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientAuth {
    /// In the header or in the body.
    Either,
    /// In `Authorization: Basic`.
    Basic,
    /// Among the parameters.
    Body,
}

/// The parameters of a request.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads the query and the body, form or JSON; a parameter that comes twice is refused.
    pub(super) fn of(request: &Request) -> Result<Self, Refusal> {
        let media_type = request.header("content-type").unwrap_or_default();
        let body = String::from_utf8_lossy(&request.body);
        let mut pairs = request.query_pairs();
        if media_type.starts_with("application/json") {
            let members: BTreeMap<String, String> = serde_json::from_str(&body)
                .map_err(|_bad| Refusal::request("the body is not a JSON object of texts"))?;
            pairs.extend(members);
        } else if media_type.starts_with("application/x-www-form-urlencoded") {
            pairs.extend(text::query_pairs(&body));
        } else if !body.is_empty() {
            return Err(Refusal::request("the body is of an unknown type"));
        }
        let count = pairs.len();
        let parameters: BTreeMap<_, _> = pairs.into_iter().collect();
        if parameters.len() < count {
            return Err(Refusal::request("a parameter comes twice"));
        }
        Ok(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::request(&format!("`{name}` is missing")))
    }

    /// Refuses who is not the client.
    pub(super) fn authenticate(
        &self,
        request: &Request,
        client: &(String, String),
        place: ClientAuth,
    ) -> Result<(), Refusal> {
        let basic = request.header("authorization").and_then(basic);
        let body = self.get("client_id").zip(self.get("client_secret"));
        let body = body.map(|(id, secret)| (id.to_owned(), secret.to_owned()));
        let sent = match place {
            // Two ways at once are refused (RFC 6749 §2.3).
            ClientAuth::Either if basic.is_some() && body.is_some() => None,
            ClientAuth::Either => basic.or(body),
            ClientAuth::Basic => basic,
            ClientAuth::Body => body,
        };
        if sent.as_ref() == Some(client) { Ok(()) } else { Err(Refusal::client()) }
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let pair = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let pair = String::from_utf8(pair).ok()?;
    pair.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}
