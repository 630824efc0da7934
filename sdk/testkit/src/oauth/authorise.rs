//! The page at which the user says yes or no, at once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::refuse::Refusal;
use super::{AuthServer, Quirk};
use crate::message::{Answer, Request};
use crate::text;

/// Seconds that a code lives.
const CODE_LIFE: u64 = 60;

/// A code and what it is bound to.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) scope: String,
    redirect_uri: String,
    challenge: Option<String>,
    until: u64,
    /// The grant that it has become.
    pub(super) redeemed: Option<usize>,
}

impl AuthServer {
    /// Sends the browser back. What is wrong with the client or its address is told to the user,
    /// for nobody else can be trusted with it (RFC 6749 §4.1.2.1).
    pub(super) fn authorise(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let required = |name: &str| {
            let value = request.query(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| Refusal::request(&format!("`{name}` is missing")))
        };
        if required("client_id")? != self.client.0 {
            return Err(Refusal::request("the client is not known"));
        }
        let redirect_uri = required("redirect_uri")?;
        if !self.redirect_uris.is_empty() && !self.redirect_uris.contains(&redirect_uri) {
            return Err(Refusal::request("the address is not registered"));
        }
        let outcome = self.outcome(request, &redirect_uri);
        let separator = if redirect_uri.contains('?') { '&' } else { '?' };
        let mut location = format!("{redirect_uri}{separator}{outcome}");
        if let Some(state) = request.query("state") {
            location.extend(["&state=", &text::encoded(&state)]);
        }
        for quirk in &self.quirks {
            if let Quirk::Issuer(issuer) = quirk {
                location.extend(["&iss=", &text::encoded(issuer)]);
            }
        }
        Ok(Answer::empty(302).header("location", location))
    }

    fn outcome(&mut self, request: &Request, redirect_uri: &str) -> String {
        let challenge = request.query("code_challenge");
        let plain = request.query("code_challenge_method").is_none_or(|method| method != "S256");
        if request.query("response_type").is_none_or(|kind| kind != "code") {
            return "error=unsupported_response_type".to_owned();
        }
        if challenge.is_some() && plain || challenge.is_none() && self.pkce {
            return "error=invalid_request&error_description=PKCE%20with%20S256".to_owned();
        }
        if self.denies {
            return "error=access_denied&error_description=The%20user%20said%20no".to_owned();
        }
        let code = self.made("code");
        let bound = Code {
            scope: request.query("scope").unwrap_or_default(),
            redirect_uri: redirect_uri.to_owned(),
            challenge,
            until: self.now + CODE_LIFE,
            redeemed: None,
        };
        self.codes.insert(code.clone(), bound);
        format!("code={code}")
    }
}

impl Code {
    /// Refuses who has not asked for the code.
    pub(super) fn check(
        &self,
        redirect_uri: &str,
        verifier: Option<&str>,
        now: u64,
    ) -> Result<(), Refusal> {
        if now >= self.until {
            return Err(Refusal::grant("the code has expired"));
        }
        if redirect_uri != self.redirect_uri {
            return Err(Refusal::grant("the address is another one"));
        }
        let made = verifier.map(|text| URL_SAFE_NO_PAD.encode(Sha256::digest(text)));
        if made != self.challenge {
            return Err(Refusal::grant("the verifier is another one"));
        }
        Ok(())
    }
}
