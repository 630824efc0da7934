//! What a package asks for beyond a grant.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::{AuthPermission, EndpointPermission, Permissions, VariablePermission};
use crate::manifest::{HostPattern, Profile, Route, Shape};

impl Permissions {
    /// What is wider than the grant, one line each; empty means that the grant suffices.
    pub fn exceeds(&self, grant: &Self) -> Vec<String> {
        let mut wider = Vec::new();
        if self.profile == Profile::Wasi && grant.profile == Profile::Bare {
            wider.push("the guest needs WASI, with nothing behind it".to_owned());
        }
        for (name, asked) in &self.endpoints {
            match grant.endpoints.get(name) {
                Some(granted) => endpoint(name, asked, granted, &mut wider),
                None => wider.push(format!("endpoint {name}: new, to {}", asked.target())),
            }
        }
        for (name, asked) in &self.variables {
            if let Some(granted) = grant.variables.get(name) {
                variable(name, asked, granted, &mut wider);
            }
        }
        for (method, asked) in &self.auth {
            match grant.auth.get(method) {
                Some(granted) => auth(method, asked, granted, &mut wider),
                None => wider.push(format!("auth {method}: a new way to obtain the credential")),
            }
        }
        for name in grant.redact.difference(&self.redact) {
            wider.push(format!("`{name}` is no longer emptied before storing"));
        }
        for ((key, asked), (_, granted)) in
            self.budget.entries().into_iter().zip(grant.budget.entries())
        {
            if asked > granted {
                wider.push(format!("budget: {key} {asked} instead of {granted}"));
            }
        }
        wider
    }
}

impl EndpointPermission {
    /// The origin or the hosts, for people.
    pub(super) fn target(&self) -> String {
        self.origin.clone().unwrap_or_else(|| join(&self.hosts))
    }
}

fn endpoint(
    name: &str,
    asked: &EndpointPermission,
    granted: &EndpointPermission,
    wider: &mut Vec<String>,
) {
    let mut add = |text: String| wider.push(format!("endpoint {name}: {text}"));
    if !is_target_covered(asked, granted) {
        add(format!("to {} instead of {}", asked.target(), granted.target()));
    }
    if asked.credential && !granted.credential {
        add("the account's credential is added".to_owned());
    }
    let all: Vec<&Route> = granted.read.iter().chain(&granted.write).collect();
    let reads: Vec<&Route> = granted.read.iter().collect();
    for (kind, routes, covering) in [("read", &asked.read, reads), ("write", &asked.write, all)] {
        for route in routes.iter().filter(|route| !covering.iter().any(|it| it.covers(route))) {
            add(format!("{kind} {route}"));
        }
    }
    for (header, value) in &asked.headers {
        if granted.headers.get(header) != Some(value) {
            add(format!("the header {header}: {value}"));
        }
    }
    for target in asked.redirect.iter().filter(|target| !granted.redirect.contains(target)) {
        add(format!("redirects to endpoint {target}"));
    }
    for inject in asked.inject.difference(&granted.inject) {
        add(format!("the webhook secret in {inject}"));
    }
    match (&asked.consent, &granted.consent) {
        (None, Some(_)) => add("opens without consent".to_owned()),
        (Some(text), Some(before)) if text != before => add(format!("another consent: {text}")),
        _ => {}
    }
}

fn is_target_covered(asked: &EndpointPermission, granted: &EndpointPermission) -> bool {
    let host = |host: &HostPattern| granted.hosts.iter().any(|it| it.covers(host));
    asked.origin == granted.origin && asked.hosts.iter().all(host)
}

/// A variable that is new stands in no origin that was granted, so only changes matter.
fn variable(
    name: &str,
    asked: &VariablePermission,
    granted: &VariablePermission,
    wider: &mut Vec<String>,
) {
    let free = |shape: Shape| matches!(shape, Shape::Text | Shape::List);
    if free(asked.shape) && !free(granted.shape) {
        wider.push(format!("variable {name}: any text instead of a {}", granted.shape));
    }
    if granted.choices.is_empty() {
        if granted.suffix.is_empty() {
            return;
        }
        let covered = |host: &String| {
            let host = host.trim_start_matches("https://").trim_end_matches(":443");
            granted.suffix.iter().any(|granted| host.ends_with(granted.as_str()))
        };
        let ends = asked.suffix.iter().chain(&asked.choices).filter(|host| !covered(host));
        if asked.suffix.is_empty() && asked.choices.is_empty() {
            wider.push(format!("variable {name}: any value"));
        }
        wider.extend(ends.map(|host| format!("variable {name}: hosts in {host}")));
    } else if asked.choices.is_empty() {
        let suffix = join(&asked.suffix);
        let free = if suffix.is_empty() { "any value" } else { &suffix };
        wider.push(format!("variable {name}: {free} instead of {}", join(&granted.choices)));
    } else {
        let more = asked.choices.difference(&granted.choices);
        wider.extend(more.map(|choice| format!("variable {name}: may be {choice}")));
    }
}

fn auth(method: &str, asked: &AuthPermission, granted: &AuthPermission, wider: &mut Vec<String>) {
    let mut more = |text: &str, asked: &BTreeSet<String>, granted: &BTreeSet<String>| {
        let lines = asked.difference(granted).map(|it| format!("auth {method}: {text} {it}"));
        wider.extend(lines);
    };
    more("tokens from", &asked.urls, &granted.urls);
    more("the credential as", &asked.places, &granted.places);
    more("scope", &asked.scopes, &granted.scopes);
    let all = &granted.write_scopes | &granted.scopes;
    more("scope for writing", &asked.write_scopes, &all);
}

pub(super) fn join<T: Display>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
}
