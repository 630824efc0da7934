//! What the templates of an auth method are filled from.

use model::credential::App;
use model::{Connection, Secret};
use package::Manifest;
use package::manifest::{Auth, OAuth2, Shape, Template};

use crate::assertion::KeyError;
use crate::form;

/// The name among a connection's overrides that stands for the addresses of its auth method.
const OVERRIDE: &str = "auth";

/// How much a connection asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Extent {
    /// The scopes that reading needs.
    #[default]
    Read,
    /// Those of writing as well, because write-back is granted.
    Write,
}

/// The auth method of a connection, with everything that its requests are written from.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// The connection, by whose method and variables it goes.
    pub connection: &'a Connection,
    /// The manifest of its package.
    pub manifest: &'a Manifest,
    /// The app that serves its tenant, where there is one.
    pub app: Option<&'a App>,
    /// The secret of that app.
    pub client_secret: Option<&'a Secret>,
    /// What the user has entered for the method.
    pub fields: &'a [(String, Secret)],
    /// How much is asked for.
    pub extent: Extent,
}

/// Why a request cannot be written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// The manifest has no such method, or it is of a kind that does not make this request.
    #[error("the auth method `{0}` of the connection does not work that way; choose another one")]
    Method(String),
    /// A hole without a value.
    #[error("`{0}` has no value; set it on the connection")]
    Missing(String),
    /// A value that the manifest, or the place it stands in, does not allow.
    #[error("{0}")]
    Refused(String),
    /// A parameter of the manifest that is the host's own: two readers could take two values.
    #[error("the manifest sets the parameter `{0}`, which is the host's own; use another package")]
    Twice(String),
    /// No app is registered.
    #[error("no app of `{0}` is registered; register its client id first")]
    NoApp(String),
    /// The app has no secret.
    #[error("the app of `{0}` has no client secret; register it again with one")]
    NoSecret(String),
    /// The client id cannot stand in a Basic header (RFC 7617 §2).
    #[error("the client id of the app of `{0}` holds a colon; register it again")]
    Colon(String),
    /// The private key does not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The system has no random numbers to give.
    #[error("the system gives no random numbers")]
    Entropy,
}

impl<'a> Values<'a> {
    /// The method of the connection.
    pub fn auth(&self) -> Result<&'a Auth, RequestError> {
        self.manifest.auth.get(&self.connection.auth).ok_or_else(|| self.wrong_method())
    }

    /// The method, if it is the authorisation code flow.
    pub(crate) fn oauth2(&self) -> Result<&'a OAuth2, RequestError> {
        match self.auth()? {
            Auth::OAuth2(rule) => Ok(rule),
            _ => Err(self.wrong_method()),
        }
    }

    /// The origin that the operator sends everything of the method to instead.
    pub fn origin(&self) -> Option<&'a str> {
        let own = self.connection.overrides.get(OVERRIDE).map(String::as_str);
        own.or_else(|| self.app?.origin.as_deref()).map(|origin| origin.trim_end_matches('/'))
    }

    pub(crate) fn wrong_method(&self) -> RequestError {
        RequestError::Method(self.connection.auth.clone())
    }

    pub(crate) fn client_id(&self) -> Result<&'a str, RequestError> {
        let app = self.app.ok_or_else(|| RequestError::NoApp(self.connection.package.clone()))?;
        Ok(&app.client_id)
    }

    pub(crate) fn client_secret(&self) -> Result<&'a str, RequestError> {
        let secret = self.client_secret.map(Secret::expose).filter(|secret| !secret.is_empty());
        secret.ok_or_else(|| RequestError::NoSecret(self.connection.package.clone()))
    }

    /// The value of a field that the user has entered.
    pub(crate) fn field(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.fields.iter().find(|(field, _)| field == name)?;
        Some(value.expose()).filter(|value| !value.is_empty())
    }

    /// Fills a template with values as they are.
    pub(crate) fn render(&self, template: &Template) -> Result<String, RequestError> {
        self.check(template)?;
        let filled = template.render(&|hole| self.find(hole));
        filled.map_err(|missing| self.missing(missing.0))
    }

    /// Fills a template; nothing if a hole has no value.
    pub(crate) fn render_optional(
        &self,
        template: Option<&Template>,
    ) -> Result<Option<String>, RequestError> {
        let Some(template) = template else { return Ok(None) };
        match self.render(template) {
            Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            Err(RequestError::Missing(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Fills the template of a URL: what is not a host is encoded, so that it stays where the
    /// manifest has put it.
    pub(crate) fn render_url(&self, template: &Template) -> Result<String, RequestError> {
        self.check(template)?;
        // Some servers decode a slash before they take the path apart.
        let dots = |value: &str| value.split(['/', '\\']).any(|part| matches!(part, "." | ".."));
        let leads = |hole: &&str| self.find(hole).is_some_and(|value| dots(&value));
        if let Some(hole) = template.holes().find(leads) {
            let message = format!("`{hole}` leads to another place of `{template}`; set it anew");
            return Err(RequestError::Refused(message));
        }
        let lookup = |hole: &str| {
            let value = self.find(hole)?;
            let shape = self.manifest.variables.get(hole).map(|variable| variable.shape);
            let whole = matches!(shape, Some(Shape::Host | Shape::Origin));
            Some(if whole { value } else { form::percent(&value) })
        };
        template.render(&lookup).map_err(|missing| self.missing(missing.0))
    }

    /// The scopes, separated by spaces; empty where nothing is asked for by name.
    pub(crate) fn scopes(
        &self,
        always: &[Template],
        write: &[Template],
    ) -> Result<String, RequestError> {
        let write = if self.extent == Extent::Write { write } else { &[] };
        let mut joined = String::new();
        for template in always.iter().chain(write) {
            let scope = self.render(template)?;
            if scope.contains(|c: char| c.is_whitespace() || c.is_control()) {
                let message = format!("`{template}` becomes more than one scope; set it anew");
                return Err(RequestError::Refused(message));
            }
            joined.extend([if joined.is_empty() { "" } else { " " }, &scope]);
        }
        Ok(joined)
    }

    fn missing(&self, hole: String) -> RequestError {
        if hole == "client_id" {
            RequestError::NoApp(self.connection.package.clone())
        } else {
            RequestError::Missing(hole)
        }
    }

    /// Checks the variables of a template once more before they become part of an address.
    fn check(&self, template: &Template) -> Result<(), RequestError> {
        for hole in template.holes() {
            let given = self.connection.variables.get(hole).filter(|value| !value.is_empty());
            if let (Some(value), Some(variable)) = (given, self.manifest.variables.get(hole)) {
                variable.check(hole, value).map_err(RequestError::Refused)?;
            }
        }
        Ok(())
    }

    /// The connection's variable or the manifest's default, the id of the app, or a field. What
    /// was entered never takes the place of a variable, which alone is checked as a host.
    fn find(&self, hole: &str) -> Option<String> {
        if let Some(variable) = self.manifest.variables.get(hole) {
            let given = self.connection.variables.get(hole).filter(|value| !value.is_empty());
            return given.or(variable.default.as_ref()).cloned();
        }
        if hole == "client_id" {
            return self.app.map(|app| app.client_id.clone());
        }
        self.field(hole).map(str::to_owned)
    }
}

/// The same address at another origin.
pub(crate) fn at_origin(url: &str, origin: Option<&str>) -> String {
    let Some(origin) = origin else { return url.to_owned() };
    let host = url.find("://").map_or(0, |at| at + 3);
    let (_, behind) = url.split_at_checked(host).unwrap_or(("", url));
    let path = behind.find(['/', '?']).and_then(|at| behind.get(at..)).unwrap_or_default();
    format!("{origin}{path}")
}
