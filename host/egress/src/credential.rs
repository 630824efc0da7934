//! The credential of a connection: what goes into a request after the guest has let go of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use model::credential::ACCESS_TOKEN;
use model::{Connection, Error, ErrorKind, Secret};
use package::Manifest;
use package::manifest::{Auth, AuthField, Key, KeyPlace, Template};

use crate::denial::invalid;
use crate::needle::SECRET_BYTES_MIN;
use crate::variable;
use crate::wire;

/// The filled credential slot, ready to be put into a request.
pub(crate) enum Credential {
    /// The method is `none`.
    None,
    /// A header with its value, marked sensitive.
    Header { name: HeaderName, value: HeaderValue },
    /// An encoded `name=value`.
    Query { pair: Secret },
    /// A field that nobody has filled; requests with the credential are not sent.
    Missing { field: String },
}

impl Credential {
    /// Fills the slot by the connection's method.
    pub(crate) fn new(
        connection: &Connection,
        manifest: &Manifest,
        secrets: &[(String, Secret)],
    ) -> Result<Self, Error> {
        let values = Values { connection, manifest, secrets };
        match method(connection, manifest)? {
            Auth::None => Ok(Self::None),
            Auth::Key(key) => values.key(key),
            Auth::OAuth2(_) | Auth::Client(_) | Auth::Jwt(_) => match values.find(ACCESS_TOKEN) {
                Some(token) => header_value("authorization", &format!("Bearer {token}")),
                None => Ok(Self::Missing { field: ACCESS_TOKEN.to_owned() }),
            },
        }
    }

    /// The header that carries it, which no guest may set and no answer may show.
    pub(crate) fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::Header { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Refuses when a field is missing, before anything is sent.
    pub(crate) fn present(&self) -> Result<(), Error> {
        let Self::Missing { field } = self else { return Ok(()) };
        Err(Error::new(
            ErrorKind::AuthRequired,
            "egress.credential-missing",
            format!("the connection has no value for `{field}`; connect it again"),
        ))
    }

    /// Puts the credential into the request, over whatever stands there.
    pub(crate) fn inject(
        &self,
        target: PathAndQuery,
        headers: &mut HeaderMap,
    ) -> Result<PathAndQuery, Error> {
        match self {
            Self::None => Ok(target),
            Self::Header { name, value } => {
                headers.insert(name.clone(), value.clone());
                Ok(target)
            }
            Self::Query { pair } => wire::with_pair(&target, pair.expose()),
            Self::Missing { .. } => self.present().map(|()| target),
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let form = match self {
            Self::None => "None",
            Self::Header { .. } => "Header",
            Self::Query { .. } => "Query",
            Self::Missing { .. } => "Missing",
        };
        f.debug_struct(form).finish_non_exhaustive()
    }
}

/// The headers and query parameters of every method of the manifest, which no guest may set: not
/// at endpoints without the credential, and not those of a method that is not in use.
pub(crate) fn names(manifest: &Manifest) -> (Vec<HeaderName>, Vec<String>) {
    let (mut headers, mut query) = (Vec::new(), Vec::new());
    for auth in manifest.auth.values() {
        match auth {
            Auth::Key(Key { place: KeyPlace::Header { name, .. }, .. }) => {
                headers.extend(HeaderName::try_from(name.as_str()));
            }
            Auth::Key(Key { place: KeyPlace::Query { name, .. }, .. }) => query.push(name.clone()),
            // `Authorization` is the host's in any case.
            _ => {}
        }
    }
    (headers, query)
}

/// The secrets that are looked for in what goes out and what comes back.
///
/// Fields that the manifest does not call secret (a user's name) are not. A secret of the method
/// that is too short to be told from ordinary text is refused.
pub(crate) fn watched(
    connection: &Connection,
    manifest: &Manifest,
    secrets: &[(String, Secret)],
) -> Result<Vec<Secret>, Error> {
    let method = method(connection, manifest)?;
    let fields = match method {
        Auth::Key(key) => Some(&key.fields),
        Auth::Jwt(jwt) => Some(&jwt.fields),
        Auth::OAuth2(_) | Auth::Client(_) | Auth::None => None,
    };
    let public = |name: &str| {
        fields.and_then(|fields| fields.get(name)).is_some_and(|AuthField { secret, .. }| !secret)
    };
    let watched: Vec<_> = secrets.iter().filter(|(name, _)| !public(name)).collect();
    for (name, secret) in &watched {
        let length = secret.expose().len();
        let sent = matches!(method, Auth::Key(_)) || name == ACCESS_TOKEN;
        if sent && length > 0 && length < SECRET_BYTES_MIN {
            return Err(invalid(
                "egress.secret-short",
                format!(
                    "the secret `{name}` has {length} bytes; below {SECRET_BYTES_MIN} it cannot \
                     be told from ordinary text, so nothing would keep it from the adapter"
                ),
            ));
        }
    }
    Ok(watched.into_iter().map(|(_, secret)| secret.clone()).collect())
}

/// True when the connection's method has access tokens.
pub(crate) fn is_token(connection: &Connection, manifest: &Manifest) -> bool {
    let method = manifest.auth.get(&connection.auth);
    matches!(method, Some(Auth::OAuth2(_) | Auth::Client(_) | Auth::Jwt(_)))
}

fn method<'a>(connection: &Connection, manifest: &'a Manifest) -> Result<&'a Auth, Error> {
    manifest.auth.get(&connection.auth).ok_or_else(|| {
        let known: Vec<_> = manifest.auth.keys().map(|name| format!("`{name}`")).collect();
        invalid(
            "egress.auth",
            format!(
                "the manifest has no auth method `{}`; it has {}",
                connection.auth,
                known.join(", ")
            ),
        )
    })
}

/// Where the holes of a credential's templates are filled from.
struct Values<'a> {
    connection: &'a Connection,
    manifest: &'a Manifest,
    secrets: &'a [(String, Secret)],
}

impl Values<'_> {
    fn key(&self, key: &Key) -> Result<Credential, Error> {
        match &key.place {
            KeyPlace::Header { name, value } => self.fill(value, |value| header_value(name, value)),
            KeyPlace::Basic { user, password } => self.fill(user, |user| {
                self.fill(password, |password| {
                    let pair = STANDARD.encode(format!("{user}:{password}"));
                    header_value("authorization", &format!("Basic {pair}"))
                })
            }),
            KeyPlace::Query { name, value } => self.fill(value, |value| {
                let pair = format!("{}={}", wire::encoded(name), wire::encoded(value));
                Ok(Credential::Query { pair: Secret::new(pair) })
            }),
        }
    }

    fn fill(
        &self,
        template: &Template,
        then: impl FnOnce(&str) -> Result<Credential, Error>,
    ) -> Result<Credential, Error> {
        match template.render(&|hole| self.find(hole)) {
            Ok(text) => then(&text),
            Err(missing) => Ok(Credential::Missing { field: missing.0 }),
        }
    }

    fn find(&self, hole: &str) -> Option<String> {
        let secret = self.secrets.iter().find(|(name, _)| name == hole);
        let secret = secret.map(|(_, secret)| secret.expose()).filter(|text| !text.is_empty());
        secret.map(str::to_owned).or_else(|| variable::value(self.connection, self.manifest, hole))
    }
}

fn header_value(name: &str, text: &str) -> Result<Credential, Error> {
    let name = if name.eq_ignore_ascii_case("authorization") {
        header::AUTHORIZATION
    } else {
        HeaderName::try_from(name)
            .map_err(|_bad| invalid("egress.auth", format!("`{name}` is not a header name")))?
    };
    let mut value = HeaderValue::try_from(text).map_err(|_bad| {
        invalid(
            "egress.auth",
            "the secret holds a line end or another character that no header can carry; enter it \
             again without",
        )
    })?;
    value.set_sensitive(true);
    Ok(Credential::Header { name, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credential_is_not_printed() {
        let header = header_value("X-Api-Key", "hunter2-hunter2").unwrap();
        let query = Credential::Query { pair: Secret::new("key=hunter2-hunter2".to_owned()) };
        let Credential::Header { value, .. } = &header else { panic!("{header:?}") };
        let printed = format!("{header:?} {query:?} {value:?}");
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}
