//! Cross checks of `[webhook]`.

use super::{Handshake, Hmac, SecretSource, Setup, Verify, Webhook};
use crate::document::FileError;
use crate::manifest::reference::{Context, one_of};
use crate::place::Place;
use crate::template::Template;

pub(in crate::manifest) fn check(context: &Context<'_>) -> Result<(), FileError> {
    let Some(webhook) = &context.manifest.webhook else { return Ok(()) };
    routing(context, webhook)?;
    secret(context, webhook)?;
    for (index, verify) in webhook.verify.iter().enumerate() {
        check_verify(context, &index.to_string(), verify)?;
    }
    if let Some(handshake) = &webhook.handshake {
        check_handshake(context, webhook, handshake)?;
    }
    if let Some(dedupe) = &webhook.dedupe {
        let known = ["body_sha256", "header:Name", "query:name", "json:/pointer"];
        let part = |hole: &str| hole == "body_sha256" || Place::parse(hole).is_ok();
        request_holes(context, &["webhook", "dedupe"], dedupe, (&part, &known))?;
    }
    lifetime(context, webhook)
}

fn routing(context: &Context<'_>, webhook: &Webhook) -> Result<(), FileError> {
    let variables = &context.manifest.variables;
    match (&webhook.connection, webhook.setup) {
        (None, Setup::App) => {
            let message = "one URL per app leads to no connection";
            let help = "add connection = { at = \"json:/…\", variable = \"…\" }";
            Err(context.complain(&["webhook", "setup"], message, help))
        }
        (Some(_), Setup::Connection | Setup::Api) => {
            let message = "`connection` is for setup = \"app\" only: other URLs are a connection's";
            Err(context.complain(&["webhook", "connection"], message, "remove it"))
        }
        (Some(routing), Setup::App) if !variables.contains_key(&routing.variable) => {
            let known: Vec<&str> = variables.keys().map(String::as_str).collect();
            let message = format!("there is no variable `{}`", routing.variable);
            let path = ["webhook", "connection", "variable"];
            Err(context.complain(&path, message, one_of(&known)))
        }
        _ => Ok(()),
    }
}

fn secret(context: &Context<'_>, webhook: &Webhook) -> Result<(), FileError> {
    let path = ["webhook", "secret"];
    let is_secret = |verify: &Verify| matches!(verify, Verify::Hmac(_) | Verify::Token { .. });
    let used = webhook.verify.iter().any(is_secret);
    match webhook.secret {
        SecretSource::None if used => {
            let message = "a proof needs a secret and there is none";
            let help = "write secret = \"generated\", \"client_secret\", \"app\" or \"captured\"";
            Err(context.complain(&path, message, help))
        }
        SecretSource::None => Ok(()),
        _ if !used => {
            let message = "no proof uses the secret";
            let help = "add [[webhook.verify]] of kind hmac or token, or write secret = \"none\"";
            Err(context.complain(&path, message, help))
        }
        SecretSource::Generated if webhook.setup != Setup::Api => {
            let message = "a person who enters the URL cannot enter a generated secret";
            Err(context.complain(&path, message, "write setup = \"api\" or another secret"))
        }
        SecretSource::Captured if !matches!(webhook.handshake, Some(Handshake::Capture { .. })) => {
            let message = "nothing captures the secret";
            let help = "add handshake = { kind = \"capture\", at = \"json:/…\" }";
            Err(context.complain(&path, message, help))
        }
        _ => Ok(()),
    }
}

fn check_verify(context: &Context<'_>, index: &str, verify: &Verify) -> Result<(), FileError> {
    match verify {
        Verify::Token { .. } => Ok(()),
        Verify::Hmac(hmac) => check_hmac(context, index, hmac),
        Verify::Jwt { key, claims, .. } => {
            context.holes(&["webhook", "verify", index, "key"], key, &[])?;
            for (name, claim) in claims {
                let path = ["webhook", "verify", index, "claims", name];
                context.holes(&path, claim, &["url", "body_sha256"])?;
            }
            Ok(())
        }
    }
}

fn check_hmac(context: &Context<'_>, index: &str, hmac: &Hmac) -> Result<(), FileError> {
    let path = ["webhook", "verify", index, "message"];
    if hmac.message.is_empty() {
        let message = "`message` says not what is signed";
        return Err(context.complain(&path, message, "write a list, as in [\"{body}\"]"));
    }
    let known = ["method", "url", "url_unescaped", "body", "header:Name"];
    let part = |hole: &str| {
        ["method", "url", "url_unescaped", "body"].contains(&hole)
            || matches!(Place::parse(hole), Ok(Place::Header(_)))
    };
    for message in &hmac.message {
        request_holes(context, &path, message, (&part, &known))?;
        if !message.holes().any(|hole| hole == "body") {
            let message = format!("`{message}` leaves the body unsigned");
            return Err(context.complain(&path, message, "write the hole {body} into it"));
        }
        let Some(rule) = &hmac.timestamp else { continue };
        if !covers(message, &rule.at) {
            let path = ["webhook", "verify", index, "timestamp", "at"];
            let message = format!("the signature over `{message}` does not cover {}", rule.at);
            let help = format!("write the hole {{{}}} into `message`", rule.at);
            return Err(context.complain(&path, message, help));
        }
    }
    Ok(())
}

/// Whether a signed message holds what stands at a place.
fn covers(message: &Template, at: &Place) -> bool {
    message.holes().any(|hole| match at {
        Place::Header(name) => {
            let hole = hole.strip_prefix("header:");
            hole.is_some_and(|hole| hole.eq_ignore_ascii_case(name))
        }
        Place::Query(_) => hole == "url" || hole == "url_unescaped",
        Place::Json(_) => hole == "body",
    })
}

/// Which parts of the request a hole may stand for: the rule, and how it is explained.
type Parts<'a> = (&'a dyn Fn(&str) -> bool, &'a [&'a str]);

/// Checks holes that stand for parts of the request.
fn request_holes(
    context: &Context<'_>,
    path: &[&str],
    template: &Template,
    (part, known): Parts<'_>,
) -> Result<(), FileError> {
    match template.holes().find(|hole| !part(hole)) {
        None => Ok(()),
        Some(hole) => {
            let message = format!("`{{{hole}}}` is no part of the request");
            Err(context.complain(path, message, one_of(known)))
        }
    }
}

fn check_handshake(
    context: &Context<'_>,
    webhook: &Webhook,
    handshake: &Handshake,
) -> Result<(), FileError> {
    match handshake {
        Handshake::Echo { .. } => Ok(()),
        Handshake::Capture { .. } if webhook.secret == SecretSource::Captured => Ok(()),
        Handshake::Capture { .. } => {
            let message = "the handshake captures a secret that comes from elsewhere";
            let help = "write secret = \"captured\", or another kind of handshake";
            Err(context.complain(&["webhook", "handshake"], message, help))
        }
        Handshake::Challenge(challenge) => {
            if challenge.reply.is_empty() {
                let message = "the challenge is answered with nothing";
                let help = "write the members of the answer, as in { token = \"{value}\" }";
                return Err(context.complain(&["webhook", "handshake", "reply"], message, help));
            }
            let keyed = webhook.secret != SecretSource::None;
            let known: &[&str] = if keyed { &["value", "hmac_hex"] } else { &["value"] };
            for (name, template) in &challenge.reply {
                let path = ["webhook", "handshake", "reply", name];
                let part = |hole: &str| known.contains(&hole);
                request_holes(context, &path, template, (&part, known))?;
            }
            Ok(())
        }
    }
}

fn lifetime(context: &Context<'_>, webhook: &Webhook) -> Result<(), FileError> {
    match (webhook.lifetime, webhook.renew_before) {
        (None, None) => Ok(()),
        _ if webhook.setup != Setup::Api => {
            let key = if webhook.lifetime.is_some() { "lifetime" } else { "renew_before" };
            let message = format!("`{key}` is for setup = \"api\" only");
            Err(context.complain(&["webhook", key], message, "remove it"))
        }
        (Some(lifetime), Some(before)) if before < lifetime => Ok(()),
        (Some(_), Some(_)) => {
            let message = "a subscription would be renewed before it begins";
            let help = "write a renew_before that is shorter than lifetime";
            Err(context.complain(&["webhook", "renew_before"], message, help))
        }
        (lifetime, _) => {
            let (there, lacks) = if lifetime.is_some() {
                ("lifetime", "renew_before")
            } else {
                ("renew_before", "lifetime")
            };
            let message = format!("`{there}` means nothing without `{lacks}`");
            Err(context.complain(&["webhook", there], message, format!("add {lacks}")))
        }
    }
}
