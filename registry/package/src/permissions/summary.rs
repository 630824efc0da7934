//! Permissions for people.

use super::exceed::join;
use super::{AuthPermission, EndpointPermission, Permissions};
use crate::manifest::Profile;

impl Permissions {
    /// The permissions for people, one line each.
    pub fn summary(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.profile == Profile::Wasi {
            lines.push(
                "needs WASI: linked, with no files, environment or sockets behind it".to_owned(),
            );
        }
        for (name, endpoint) in &self.endpoints {
            endpoint_lines(name, endpoint, &mut lines);
        }
        for (name, variable) in &self.variables {
            if !variable.choices.is_empty() {
                lines.push(format!("variable {name}: one of {}", join(&variable.choices)));
            } else if !variable.suffix.is_empty() {
                lines.push(format!(
                    "variable {name}: a {} in {}",
                    variable.shape,
                    join(&variable.suffix)
                ));
            }
        }
        for (method, auth) in &self.auth {
            auth_lines(method, auth, &mut lines);
        }
        if !self.redact.is_empty() {
            lines.push(format!("emptied before storing: {}", join(&self.redact)));
        }
        let budget = self.budget.entries().map(|(key, number)| format!("{key} {number}"));
        lines.push(format!("budget per call: {}", budget.join(", ")));
        lines
    }
}

fn endpoint_lines(name: &str, endpoint: &EndpointPermission, lines: &mut Vec<String>) {
    let credential =
        if endpoint.credential { "with the account's credential" } else { "without credential" };
    lines.push(format!("endpoint {name}: {}, {credential}", endpoint.target()));
    let mut add = |text: String| lines.push(format!("  {text}"));
    for (kind, routes) in [("read ", &endpoint.read), ("write", &endpoint.write)] {
        for route in routes {
            add(format!("{kind} {route}"));
        }
    }
    if endpoint.read.is_empty() && endpoint.write.is_empty() {
        add("by redirect only".to_owned());
    }
    endpoint.headers.iter().for_each(|(header, value)| add(format!("header {header}: {value}")));
    if !endpoint.redirect.is_empty() {
        add(format!("redirects to {}", join(&endpoint.redirect)));
    }
    endpoint.inject.iter().for_each(|inject| add(format!("webhook secret in {inject}")));
    if let Some(consent) = &endpoint.consent {
        add(format!("shut until accepted: {consent}"));
    }
}

fn auth_lines(method: &str, auth: &AuthPermission, lines: &mut Vec<String>) {
    if auth.places.is_empty() {
        lines.push(format!("auth {method}: no credential"));
        return;
    }
    lines.push(format!("auth {method}: sent as {}", join(&auth.places)));
    let parts = [
        ("tokens from", &auth.urls),
        ("scopes", &auth.scopes),
        ("scopes for writing", &auth.write_scopes),
    ];
    for (text, values) in parts.into_iter().filter(|(_, values)| !values.is_empty()) {
        lines.push(format!("  {text}: {}", join(values)));
    }
}
