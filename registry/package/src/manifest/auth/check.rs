//! Cross checks of `[auth.METHOD]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Auth, AuthField, Client, Jwt, Key, KeyPlace, OAuth2};
use crate::document::FileError;
use crate::manifest::reference::{Context, Extent};
use crate::template::Template;

/// Longest life of an assertion: providers refuse more than an hour.
const LIFETIME_MAX: Duration = Duration::from_hours(1);

/// Parameters that the host itself writes: beside a second one of the name, two readers could take
/// two values.
const HOST_PARAMS: [&str; 13] = [
    "assertion",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "response_type",
    "scope",
    "state",
];

pub(in crate::manifest) fn check(context: &Context<'_>) -> Result<(), FileError> {
    for (method, auth) in &context.manifest.auth {
        let path = ["auth", method.as_str()];
        match auth {
            Auth::OAuth2(auth) => oauth2(context, path, auth)?,
            Auth::Client(auth) => client(context, path, auth)?,
            Auth::Jwt(auth) => jwt(context, path, auth)?,
            Auth::Key(auth) => key(context, path, auth)?,
            Auth::None => {}
        }
    }
    Ok(())
}

type Path<'a> = [&'a str; 2];

fn oauth2(context: &Context<'_>, [auth, method]: Path<'_>, rule: &OAuth2) -> Result<(), FileError> {
    context.url(&[auth, method, "authorize"], &rule.authorize, Extent::Url)?;
    context.url(&[auth, method, "token"], &rule.token, Extent::Url)?;
    if let Some(issuer) = &rule.issuer {
        context.url(&[auth, method, "issuer"], issuer, Extent::Url)?;
    }
    if let Some(revoke) = &rule.revoke {
        context.url(&[auth, method, "revoke", "url"], &revoke.url, Extent::Url)?;
    }
    params(context, [auth, method, "authorize_params"], &rule.authorize_params)?;
    scopes(context, [auth, method, "scopes"], &rule.scopes)?;
    scopes(context, [auth, method, "write_scopes"], &rule.write_scopes)
}

fn client(context: &Context<'_>, [auth, method]: Path<'_>, rule: &Client) -> Result<(), FileError> {
    context.url(&[auth, method, "token"], &rule.token, Extent::Url)?;
    params(context, [auth, method, "params"], &rule.params)?;
    scopes(context, [auth, method, "scopes"], &rule.scopes)
}

fn jwt(context: &Context<'_>, [auth, method]: Path<'_>, rule: &Jwt) -> Result<(), FileError> {
    context.url(&[auth, method, "token"], &rule.token, Extent::Url)?;
    fields(context, [auth, method], &rule.fields)?;
    if !rule.fields.get("private_key").is_some_and(|field| field.secret) {
        let help = "add private_key = { label = \"…\", secret = true }";
        let message = format!("[auth.{method}] has no field that signs");
        return Err(context.complain(&[auth, method, "fields"], message, help));
    }
    // Only what is not secret may stand in a claim.
    let open = rule.fields.iter().filter(|(_, field)| !field.secret);
    let more: Vec<&str> = open.map(|(name, _)| name.as_str()).chain(["client_id"]).collect();
    let claims = [("issuer", Some(&rule.issuer)), ("subject", rule.subject.as_ref())];
    let more_claims = [("audience", Some(&rule.audience)), ("key_id", rule.key_id.as_ref())];
    for (name, template) in claims.into_iter().chain(more_claims) {
        if let Some(template) = template {
            context.holes(&[auth, method, name], template, &more)?;
        }
    }
    if rule.lifetime.is_zero() || rule.lifetime > LIFETIME_MAX {
        let message = "an assertion lives from one second to one hour";
        return Err(context.complain(&[auth, method, "lifetime"], message, "write 60m or less"));
    }
    scopes(context, [auth, method, "scopes"], &rule.scopes)?;
    scopes(context, [auth, method, "write_scopes"], &rule.write_scopes)
}

fn key(context: &Context<'_>, [auth, method]: Path<'_>, rule: &Key) -> Result<(), FileError> {
    fields(context, [auth, method], &rule.fields)?;
    let more: Vec<&str> = rule.fields.keys().map(String::as_str).collect();
    let (place, templates) = match &rule.place {
        KeyPlace::Header { value, .. } => ("header", vec![("value", value)]),
        KeyPlace::Basic { user, password } => {
            ("basic", vec![("user", user), ("password", password)])
        }
        KeyPlace::Query { value, .. } => ("query", vec![("value", value)]),
    };
    for (name, template) in &templates {
        context.holes(&[auth, method, place, name], template, &more)?;
    }
    let secret = |hole: &str| rule.fields.get(hole).is_some_and(|field| field.secret);
    if !templates.iter().any(|(_, template)| template.holes().any(secret)) {
        let help = "write the hole of a field with secret = true";
        let message = format!("`{place}` sends no secret field");
        return Err(context.complain(&[auth, method, place], message, help));
    }
    Ok(())
}

/// Field names share the templates with variables and with what the host fills in.
fn fields(
    context: &Context<'_>,
    [auth, method]: Path<'_>,
    fields: &BTreeMap<String, AuthField>,
) -> Result<(), FileError> {
    let variables = &context.manifest.variables;
    let taken = fields.keys().find(|name| variables.contains_key(*name) || *name == "client_id");
    let Some(name) = taken else { return Ok(()) };
    let message = format!("the field `{name}` has the name of a variable");
    Err(context.complain(&[auth, method, "fields", name], message, "write another name"))
}

fn params(
    context: &Context<'_>,
    [auth, method, key]: [&str; 3],
    params: &BTreeMap<String, Template>,
) -> Result<(), FileError> {
    for (name, value) in params {
        let path = [auth, method, key, name];
        if HOST_PARAMS.contains(&name.as_str()) {
            let message = format!("the parameter `{name}` is the host's own");
            return Err(context.complain(&path, message, "leave it out"));
        }
        context.holes(&path, value, &["client_id"])?;
    }
    Ok(())
}

fn scopes(context: &Context<'_>, path: [&str; 3], scopes: &[Template]) -> Result<(), FileError> {
    let [auth, method, key] = path;
    for (index, scope) in scopes.iter().enumerate() {
        let index = index.to_string();
        let path = [auth, method, key, &index];
        context.holes(&path, scope, &[])?;
        if scope.as_str().is_empty() || scope.as_str().contains(char::is_whitespace) {
            let message = format!("`{scope}` is not one scope");
            return Err(context.complain(&path, message, "write one scope per element"));
        }
    }
    Ok(())
}
