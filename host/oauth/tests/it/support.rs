//! A connection of one of the ten providers, and requests as text.

use std::path::Path;

use model::credential::App;
use model::outbound::{HostAnswer, HostRequest};
use model::{Connection, Secret, Timestamp};
use oauth::{Extent, TokenAnswer, TokenError, Values};
use package::Manifest;

pub(crate) const REDIRECT: &str = "https://host.example/callback?of=us";

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

pub(crate) fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// Everything that [`Values`] borrows.
pub(crate) struct Setup {
    pub(crate) manifest: Manifest,
    pub(crate) connection: Connection,
    pub(crate) app: Option<App>,
    pub(crate) client_secret: Option<Secret>,
    pub(crate) fields: Vec<(String, Secret)>,
    pub(crate) extent: Extent,
}

impl Setup {
    /// A method of one of the ten manifests, with an app.
    pub(crate) fn of(provider: &str, method: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../registry/package/tests/manifests/valid");
        let text = std::fs::read_to_string(folder.join(format!("{provider}.toml"))).unwrap();
        Self::new(&text, method)
    }

    /// A method of the manifest, with an app.
    pub(crate) fn new(manifest: &str, method: &str) -> Self {
        let manifest = Manifest::parse(manifest).unwrap();
        let connection = Connection::new(
            "tenant".parse().unwrap(),
            "connection".parse().unwrap(),
            manifest.name(),
            method,
        );
        let app = App {
            package: manifest.name(),
            tenant: None,
            client_id: "app-id".to_owned(),
            origin: None,
            generation: 1,
            created: now(),
            incident: None,
        };
        Self {
            manifest,
            connection,
            app: Some(app),
            client_secret: Some(secret("app+secret/of=us")),
            fields: Vec::new(),
            extent: Extent::Read,
        }
    }

    /// A manifest with the code flow and these lines of its own.
    pub(crate) fn custom(lines: &str, more: &str) -> Self {
        let good = include_str!("../../../../registry/package/tests/manifests/good.toml");
        let auth = "client_auth = \"body\"\nscopes = [\"read\"]\n";
        assert!(good.contains(auth));
        let manifest = good.replace(auth, &format!("{lines}\n")) + more;
        Self::new(&manifest, "oauth").variable("host", "eu.acme.com")
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.connection.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), secret(value)));
        self
    }

    pub(crate) fn at(mut self, origin: &str) -> Self {
        self.app.as_mut().unwrap().origin = Some(origin.to_owned());
        self
    }

    pub(crate) fn writing(mut self) -> Self {
        self.extent = Extent::Write;
        self
    }

    pub(crate) fn values(&self) -> Values<'_> {
        Values {
            connection: &self.connection,
            manifest: &self.manifest,
            app: self.app.as_ref(),
            client_secret: self.client_secret.as_ref(),
            fields: &self.fields,
            extent: self.extent,
        }
    }

    pub(crate) fn parse(&self, status: u16, body: &str) -> Result<TokenAnswer, TokenError> {
        oauth::parse(&self.values(), &answer(status, body), now())
    }
}

pub(crate) fn answer(status: u16, body: &str) -> HostAnswer {
    let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
    HostAnswer { status, headers, body: secret(body) }
}

/// A request as it would be sent, without the header that all have.
pub(crate) fn wire(request: &HostRequest) -> String {
    let mut text = format!("{} {}\n", request.method, request.url);
    for (name, value) in &request.headers {
        if name == "accept" {
            assert_eq!(value.expose(), "application/json");
        } else {
            text.extend([name, ": ", value.expose(), "\n"]);
        }
    }
    text + request.body.as_ref().unwrap().expose()
}

pub(crate) const FORM: &str = "content-type: application/x-www-form-urlencoded\n";
pub(crate) const JSON: &str = "content-type: application/json\n";
/// `app-id:app+secret/of=us`, as it is.
pub(crate) const BASIC: &str = "authorization: Basic YXBwLWlkOmFwcCtzZWNyZXQvb2Y9dXM=\n";
/// The app in a form.
pub(crate) const APP: &str = "client_id=app-id&client_secret=app%2Bsecret%2Fof%3Dus";
