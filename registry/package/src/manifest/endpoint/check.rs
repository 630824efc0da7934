//! Cross checks of `[endpoint.NAME]`.

use std::collections::BTreeSet;

use super::{Endpoint, Target};
use crate::document::FileError;
use crate::manifest::reference::{Context, Extent, one_of};
use crate::manifest::{Auth, SecretSource};

/// What an operator calls the addresses of the auth method, where endpoints can be sent elsewhere.
const RESERVED: &str = "auth";

pub(in crate::manifest) fn check(context: &Context<'_>) -> Result<(), FileError> {
    for (name, endpoint) in &context.manifest.endpoints {
        let path = ["endpoint", name.as_str()];
        if name == RESERVED {
            let message = "the name `auth` stands for the addresses of the auth method";
            return Err(context.complain(&path, message, "write another name"));
        }
        if let Target::Origin(origin) = &endpoint.target {
            context.url(&[path[0], path[1], "origin"], origin, Extent::Origin)?;
        }
        routes(context, path, endpoint)?;
        redirect(context, path, endpoint)?;
        inject(context, path, endpoint)?;
        credential(context, path, endpoint)?;
    }
    Ok(())
}

type Path<'a> = [&'a str; 2];

fn routes(
    context: &Context<'_>,
    [section, name]: Path<'_>,
    endpoint: &Endpoint,
) -> Result<(), FileError> {
    let mut seen = BTreeSet::new();
    for (key, routes) in [("read", &endpoint.read), ("write", &endpoint.write)] {
        for (index, route) in routes.iter().enumerate() {
            if !seen.insert(route) {
                let path = [section, name, key, &index.to_string()];
                let message = format!("`{route}` stands twice in [endpoint.{name}]");
                let help = "keep it once: as read if it changes nothing, as write otherwise";
                return Err(context.complain(&path, message, help));
            }
        }
    }
    let redirects = context.manifest.endpoints.values().filter_map(|other| other.redirect.as_ref());
    let is_led_to = redirects.flatten().any(|target| target == name);
    let is_open = !seen.is_empty();
    match &endpoint.target {
        _ if is_open => Ok(()),
        Target::Hosts(_) if is_led_to => Ok(()),
        Target::Hosts(_) => {
            let message = format!("[endpoint.{name}] has no routes and no redirect leads to it");
            let help = "add read = [\"GET /**\"], or name it in the redirect of another endpoint";
            Err(context.complain(&[section, name], message, help))
        }
        Target::Origin(_) => {
            let message = format!("[endpoint.{name}] has no routes");
            Err(context.complain(&[section, name], message, "add read = [\"GET /…\"]"))
        }
    }
}

fn redirect(
    context: &Context<'_>,
    [section, name]: Path<'_>,
    endpoint: &Endpoint,
) -> Result<(), FileError> {
    let endpoints = &context.manifest.endpoints;
    for (index, target) in endpoint.redirect.iter().flatten().enumerate() {
        if !endpoints.contains_key(target) {
            let known: Vec<&str> = endpoints.keys().map(String::as_str).collect();
            let path = [section, name, "redirect", &index.to_string()];
            let message = format!("there is no endpoint `{target}`");
            return Err(context.complain(&path, message, one_of(&known)));
        }
    }
    Ok(())
}

fn inject(
    context: &Context<'_>,
    [section, name]: Path<'_>,
    endpoint: &Endpoint,
) -> Result<(), FileError> {
    let webhook = context.manifest.webhook.as_ref();
    for (index, inject) in endpoint.inject.iter().enumerate() {
        let index = index.to_string();
        let path = |key| [section, name, "inject", &index, key];
        if !endpoint.read.contains(&inject.route) && !endpoint.write.contains(&inject.route) {
            let message = format!("`{}` is no route of [endpoint.{name}]", inject.route);
            let help = "write a route exactly as it stands in read or write";
            return Err(context.complain(&path("route"), message, help));
        }
        if !matches!(inject.route.method(), "POST" | "PUT" | "PATCH") {
            let message = format!("`{}` has no body", inject.route);
            return Err(context.complain(
                &path("route"),
                message,
                "name a POST, PUT or PATCH route",
            ));
        }
        context.holes(&path("value"), &inject.value, &["secret"])?;
        if webhook.is_none_or(|webhook| webhook.secret != SecretSource::Generated) {
            let message = "there is no generated webhook secret to inject";
            let help = "add [webhook] with secret = \"generated\", or remove `inject`";
            return Err(context.complain(&path("secret"), message, help));
        }
    }
    Ok(())
}

fn credential(
    context: &Context<'_>,
    [section, name]: Path<'_>,
    endpoint: &Endpoint,
) -> Result<(), FileError> {
    let filled = context.manifest.auth.values().any(|auth| !matches!(auth, Auth::None));
    if !endpoint.credential || filled {
        return Ok(());
    }
    let message = format!("[endpoint.{name}] wants a credential that no auth method gives");
    let help = "add [auth.METHOD] of another kind than none, or remove `credential`";
    Err(context.complain(&[section, name, "credential"], message, help))
}
