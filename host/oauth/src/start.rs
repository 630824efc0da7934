//! The address that a person is sent to.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Secret;

use crate::form;
use crate::pkce::Pkce;
use crate::values::{RequestError, Values, at_origin};

/// An authorisation that can begin.
#[derive(Clone)]
pub struct Begun {
    /// Where the browser goes; the state is in it.
    pub url: String,
    /// What comes back with the browser: 256 random bits in 43 characters.
    pub state: Secret,
    /// What the browser keeps and must show when it comes back; as many bits.
    pub browser: Secret,
    /// What is kept until the code is redeemed, where the manifest has PKCE.
    pub verifier: Option<Secret>,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").finish_non_exhaustive()
    }
}

/// Makes the secrets of an authorisation and the address of the provider's page (RFC 6749 §4.1.1).
pub fn begin(values: &Values<'_>, redirect_uri: &str) -> Result<Begun, RequestError> {
    let mut random = [[0; 32]; 3];
    for part in &mut random {
        getrandom::fill(part).map_err(|_no_source| RequestError::Entropy)?;
    }
    begin_with(values, redirect_uri, &random)
}

fn begin_with(
    values: &Values<'_>,
    redirect_uri: &str,
    [state, browser, verifier]: &[[u8; 32]; 3],
) -> Result<Begun, RequestError> {
    let pkce = values.oauth2()?.pkce.then(|| Pkce::new(verifier));
    let state = Secret::new(URL_SAFE_NO_PAD.encode(state));
    let url = url(values, redirect_uri, &state, pkce.as_ref())?;
    let browser = Secret::new(URL_SAFE_NO_PAD.encode(browser));
    Ok(Begun { url, state, browser, verifier: pkce.map(|pkce| pkce.verifier) })
}

fn url(
    values: &Values<'_>,
    redirect_uri: &str,
    state: &Secret,
    pkce: Option<&Pkce>,
) -> Result<String, RequestError> {
    let rule = values.oauth2()?;
    let scopes = values.scopes(&rule.scopes, &rule.write_scopes)?;
    let params = rule.authorize_params.iter();
    let params: Vec<_> = params
        .map(|(name, template)| Ok((name.as_str(), values.render(template)?)))
        .collect::<Result<_, RequestError>>()?;
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", values.client_id()?),
        ("redirect_uri", redirect_uri),
    ];
    if !scopes.is_empty() {
        pairs.push(("scope", &scopes));
    }
    pairs.push(("state", state.expose()));
    if let Some(pkce) = pkce {
        pairs.extend([
            ("code_challenge", pkce.challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
    }
    pairs.extend(params.iter().map(|(name, value)| (*name, value.as_str())));
    form::check(&pairs)?;
    let page = at_origin(&values.render_url(&rule.authorize)?, values.origin());
    let separator = if page.contains('?') { '&' } else { '?' };
    Ok(format!("{page}{separator}{}", *form::encoded(&pairs)))
}
