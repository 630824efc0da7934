//! Checks that several sections share: names that must exist, holes, and URLs with holes.

use super::{Manifest, Shape};
use crate::document::{Document, FileError};
use crate::host::check_name;
use crate::template::{Part, Template};

/// The manifest together with its text, for complaints with a line.
pub(super) struct Context<'a> {
    pub(super) document: &'a Document<'a>,
    pub(super) manifest: &'a Manifest,
}

/// How much of a URL a template must be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Extent {
    /// Scheme and host alone.
    Origin,
    /// Possibly with path and query.
    Url,
}

impl Context<'_> {
    pub(super) fn complain(
        &self,
        path: &[&str],
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> FileError {
        self.document.complain(path, message, help)
    }

    /// Checks that every hole of a template is a variable or one of `more`.
    pub(super) fn holes(
        &self,
        path: &[&str],
        template: &Template,
        more: &[&str],
    ) -> Result<(), FileError> {
        let variables = &self.manifest.variables;
        let unknown =
            template.holes().find(|hole| !variables.contains_key(*hole) && !more.contains(hole));
        let Some(hole) = unknown else { return Ok(()) };
        let mut known: Vec<&str> = variables.keys().map(String::as_str).collect();
        known.extend(more);
        let message = format!("`{{{hole}}}` is no variable");
        Err(self.complain(path, message, one_of(&known)))
    }

    /// Checks that a template is a URL whose host nobody can choose freely.
    pub(super) fn url(
        &self,
        path: &[&str],
        template: &Template,
        extent: Extent,
    ) -> Result<(), FileError> {
        self.holes(path, template, &[])?;
        self.url_parts(template, extent).map_err(|message| {
            let help = match extent {
                Extent::Origin => {
                    "write https://host without a path, or a variable of shape host or origin"
                }
                Extent::Url => "write https://host/path; in the host only variables of shape host",
            };
            self.complain(path, format!("`{template}` {message}"), help)
        })
    }

    fn url_parts(&self, template: &Template, extent: Extent) -> Result<(), &'static str> {
        let (first, rest) = template.parts().split_first().ok_or("is empty")?;
        let behind = match first {
            Part::Hole(name) if self.shape(name) == Shape::Origin => rest_text(rest),
            Part::Hole(_) => return Err("begins with a variable that is no origin"),
            Part::Text(text) => {
                let host = text.strip_prefix("https://").ok_or("does not begin with https://")?;
                self.host_part(host, rest)?
            }
        };
        let improper =
            |text: &str| text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#');
        if improper(template.as_str()) {
            return Err("holds a space, a control character or a fragment");
        }
        match (extent, behind) {
            (_, "") => Ok(()),
            (Extent::Origin, _) => Err("has something behind the host"),
            (Extent::Url, behind) if behind.starts_with('/') => Ok(()),
            (Extent::Url, _) => Err("has something else than a path behind the host"),
        }
    }

    /// Checks the host and returns the text that follows it.
    fn host_part<'t>(&self, text: &'t str, rest: &'t [Part]) -> Result<&'t str, &'static str> {
        if let Some(at) = text.find(['/', '?']) {
            let (host, path) = text.split_at(at);
            check_host(host)?;
            return Ok(path);
        }
        let Some((Part::Hole(name), behind)) = rest.split_first() else {
            check_host(text)?;
            return Ok("");
        };
        if self.shape(name) != Shape::Host {
            return Err("has a variable in the host that is not of shape host");
        }
        if !(text.is_empty()
            || text.ends_with('.') && check_name(&format!("{text}example")).is_ok())
        {
            return Err("joins a variable to half a label of the host");
        }
        Ok(rest_text(behind))
    }

    fn shape(&self, name: &str) -> Shape {
        self.manifest.variables.get(name).map_or(Shape::Text, |variable| variable.shape)
    }
}

fn check_host(host: &str) -> Result<(), &'static str> {
    let (name, port) = host.split_once(':').unwrap_or((host, "443"));
    if check_name(name).is_err() {
        return Err("has no proper host");
    }
    if port.parse::<u16>().is_ok_and(|port| port > 0) { Ok(()) } else { Err("has no proper port") }
}

/// The literal text at the front of the parts; a hole there is text of unknown length.
fn rest_text(rest: &[Part]) -> &str {
    match rest.first() {
        None => "",
        Some(Part::Text(text)) => text,
        Some(Part::Hole(_)) => "{",
    }
}

/// Tells what may be written.
pub(super) fn one_of(known: &[&str]) -> String {
    if known.is_empty() {
        "there is none yet; add it first".to_owned()
    } else {
        format!("write one of {}", known.join(", "))
    }
}
