//! Requests to token and revocation endpoints.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::outbound::HostRequest;
use model::{Secret, Timestamp};
use package::manifest::{Auth, Client, ClientAuth, Jwt, OAuth2, RevokeToken, Template, TokenBody};
use zeroize::Zeroizing;

use crate::assertion::{Claims, SigningKey};
use crate::form;
use crate::values::{RequestError, Values};

/// The grant of RFC 7523 §2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The tokens that a connection holds.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// The access token.
    pub access: &'a Secret,
    /// The refresh token, where there is one.
    pub refresh: Option<&'a Secret>,
}

/// Redeems a code (RFC 6749 §4.1.3), with the verifier where there is one.
pub fn redeem(
    values: &Values<'_>,
    code: &Secret,
    redirect_uri: &str,
    verifier: Option<&Secret>,
) -> Result<HostRequest, RequestError> {
    let rule = values.oauth2()?;
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", redirect_uri),
    ];
    if let Some(verifier) = verifier {
        pairs.push(("code_verifier", verifier.expose()));
    }
    // Who reads the query looks for the id there, whatever the header says.
    if rule.token_body == TokenBody::Query && rule.client_auth == ClientAuth::Basic {
        pairs.push(("client_id", values.client_id()?));
    }
    Endpoint::of(values, rule, &rule.token).request("token", pairs)
}

/// Asks for a new access token (RFC 6749 §6); never with scopes, which some providers refuse.
pub fn refresh(values: &Values<'_>, refresh_token: &Secret) -> Result<HostRequest, RequestError> {
    let rule = values.oauth2()?;
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
    Endpoint::of(values, rule, &rule.token).request("token", pairs)
}

/// Asks for an access token without anybody's consent: by the app's own credentials, or by an
/// assertion that is signed now.
pub fn grant(values: &Values<'_>, now: Timestamp) -> Result<HostRequest, RequestError> {
    match values.auth()? {
        Auth::Client(rule) => client(values, rule),
        Auth::Jwt(rule) => assertion(values, rule, now),
        _ => Err(values.wrong_method()),
    }
}

/// Revokes what the manifest says (RFC 7009); nothing if it says nothing or there is no such token.
pub fn revoke(values: &Values<'_>, held: Held<'_>) -> Result<Option<HostRequest>, RequestError> {
    let Ok(rule) = values.oauth2() else { return Ok(None) };
    let Some(revoke) = &rule.revoke else { return Ok(None) };
    let (token, hint) = match (revoke.token, held.refresh) {
        (RevokeToken::Refresh, Some(refresh)) => (refresh, "refresh_token"),
        // A grant without a refresh token ends with its access token.
        _ => (held.access, "access_token"),
    };
    let mut pairs = vec![("token", token.expose())];
    // The hint is optional; who reads JSON refuses members that it does not know.
    if rule.token_body != TokenBody::Json {
        pairs.push(("token_type_hint", hint));
    }
    Endpoint::of(values, rule, &revoke.url).request("revoke", pairs).map(Some)
}

fn client(values: &Values<'_>, rule: &Client) -> Result<HostRequest, RequestError> {
    let scopes = values.scopes(&rule.scopes, &[])?;
    let params = rule.params.iter();
    let params: Vec<_> = params
        .map(|(name, template)| Ok((name.as_str(), values.render(template)?)))
        .collect::<Result<_, RequestError>>()?;
    let mut pairs = vec![("grant_type", rule.grant.as_str())];
    pairs.extend(params.iter().map(|(name, value)| (*name, value.as_str())));
    if !scopes.is_empty() {
        pairs.push(("scope", &scopes));
    }
    let endpoint = Endpoint {
        values,
        url: &rule.token,
        client_auth: Some(rule.client_auth),
        body: TokenBody::Form,
    };
    endpoint.request("token", pairs)
}

fn assertion(values: &Values<'_>, rule: &Jwt, now: Timestamp) -> Result<HostRequest, RequestError> {
    let pem = values.field("private_key");
    let pem = pem.ok_or_else(|| RequestError::Missing("private_key".to_owned()))?;
    let claims = Claims {
        issuer: values.render(&rule.issuer)?,
        subject: values.render_optional(rule.subject.as_ref())?,
        audience: values.render(&rule.audience)?,
        scopes: values.scopes(&rule.scopes, &rule.write_scopes)?,
        lifetime: rule.lifetime,
    };
    let key_id = values.render_optional(rule.key_id.as_ref())?;
    let signed = SigningKey::parse(pem)?.sign(&claims, key_id.as_deref(), now)?;
    let pairs = vec![("grant_type", JWT_BEARER), ("assertion", signed.expose())];
    let endpoint = Endpoint { values, url: &rule.token, client_auth: None, body: TokenBody::Form };
    endpoint.request("token", pairs)
}

/// Where a request goes and how its parameters and the client's secret stand in it.
struct Endpoint<'a> {
    values: &'a Values<'a>,
    url: &'a Template,
    client_auth: Option<ClientAuth>,
    body: TokenBody,
}

impl<'a> Endpoint<'a> {
    fn of(values: &'a Values<'a>, rule: &'a OAuth2, url: &'a Template) -> Self {
        Self { values, url, client_auth: Some(rule.client_auth), body: rule.token_body }
    }

    fn request(
        &self,
        purpose: &'static str,
        mut pairs: Vec<(&'a str, &'a str)>,
    ) -> Result<HostRequest, RequestError> {
        let values = self.values;
        let mut headers = vec![header("accept", "application/json")];
        match self.client_auth {
            Some(ClientAuth::Body) => pairs.extend([
                ("client_id", values.client_id()?),
                ("client_secret", values.client_secret()?),
            ]),
            Some(ClientAuth::Basic) => {
                headers.push(("authorization".to_owned(), basic(values)?));
            }
            None => {}
        }
        form::check(&pairs)?;
        let mut url = values.render_url(self.url)?;
        let body = match self.body {
            TokenBody::Form => {
                headers.push(header("content-type", "application/x-www-form-urlencoded"));
                std::mem::take(&mut *form::encoded(&pairs))
            }
            TokenBody::Json => {
                headers.push(header("content-type", "application/json"));
                json(&pairs)
            }
            TokenBody::Query => {
                url.push(if url.contains('?') { '&' } else { '?' });
                url.push_str(&form::encoded(&pairs));
                // An empty one, so that a length is sent: a POST without is refused by some.
                String::new()
            }
        };
        Ok(HostRequest {
            purpose,
            method: "POST",
            url,
            origin: values.origin().map(str::to_owned),
            headers,
            body: Some(Secret::new(body)),
        })
    }
}

/// Id and secret as they are: RFC 6749 §2.3.1 wants both form-encoded first, the providers that
/// take Basic say otherwise, and only characters that none of them gives out make a difference.
fn basic(values: &Values<'_>) -> Result<Secret, RequestError> {
    let (id, secret) = (values.client_id()?, values.client_secret()?);
    if id.contains(':') {
        return Err(RequestError::Colon(values.connection.package.clone()));
    }
    let pair = Zeroizing::new(format!("{id}:{secret}"));
    let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    Ok(Secret::new(format!("Basic {}", *encoded)))
}

/// Pairs as a JSON object.
fn json(pairs: &[(&str, &str)]) -> String {
    // Reserved at its largest, as a form is: `\u0000` stands for one character.
    let most: usize = pairs.iter().map(|(name, value)| 6 * (name.len() + value.len()) + 6).sum();
    let mut text = Vec::with_capacity(most + 2);
    let members: BTreeMap<_, _> = pairs.iter().copied().collect();
    // Text is always written, and always text.
    serde_json::to_writer(&mut text, &members).unwrap_or_default();
    String::from_utf8(text).unwrap_or_default()
}

fn header(name: &str, value: &str) -> (String, Secret) {
    (name.to_owned(), Secret::new(value.to_owned()))
}
