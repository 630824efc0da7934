//! What of a door changes with its access token, and is replaced as a whole: a request that began
//! with one token ends with its origins and its secrets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::credential::{ACCESS_TOKEN, Token};
use model::masking::{Masked, Masking as _};
use model::{Connection, Error, Secret, Timestamp};
use package::{Manifest, Permissions};

use crate::credential::{self, Credential};
use crate::denial::invalid;
use crate::endpoint::{self, Endpoint};
use crate::needle::Needles;
use crate::outbound::OVERRIDE;
use crate::redactor::Redactor;
use crate::variable;

/// A token that ends sooner is replaced before it is sent: it might end on its way.
const EXPIRY_MARGIN: Duration = Duration::from_secs(30);

/// A token that is younger is not replaced when it is refused: another one would be refused as
/// well, and a provider that answers 401 to everything would be asked for tokens without end.
const RENEWAL_AGE_MIN: Duration = Duration::from_mins(1);

/// Endpoints, credential and secrets of a door as long as its token is the same.
pub(crate) struct Live {
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    pub(crate) credential: Credential,
    /// The secrets of the connection, tokens of before among them: an answer may repeat one.
    pub(crate) needles: Needles,
    token: Option<Mark>,
    _masked: Masked,
}

/// Which token it is.
struct Mark {
    generation: u64,
    obtained: Timestamp,
    expires: Option<Timestamp>,
}

impl Live {
    /// True when requests to the endpoint go out with the credential.
    pub(crate) fn carries(&self, endpoint: &Endpoint) -> bool {
        endpoint.credential && !matches!(self.credential, Credential::None)
    }

    /// True when there is a token that will not end on its way.
    pub(crate) fn lasts(&self, now: Timestamp) -> bool {
        let ends_later = |expires: Timestamp| expires.duration_since(now) > span(EXPIRY_MARGIN);
        self.token.as_ref().is_some_and(|token| token.expires.is_none_or(ends_later))
    }

    /// The generation of the token that requests to the endpoint go out with, where it is old
    /// enough to be replaced when it is refused.
    pub(crate) fn renewable(&self, endpoint: &Endpoint, now: Timestamp) -> Option<u64> {
        let token = self.token.as_ref().filter(|_| self.carries(endpoint))?;
        let old = now.duration_since(token.obtained) > span(RENEWAL_AGE_MIN);
        old.then_some(token.generation)
    }

    /// Counts the tokens of the connection; 0 before the first.
    pub(crate) fn generation(&self) -> u64 {
        self.token.as_ref().map_or(0, |token| token.generation)
    }

    /// True when hosts must be proven, so that answers have to be remembered.
    pub(crate) fn has_patterns(&self) -> bool {
        self.endpoints.values().any(|endpoint| !endpoint.is_fixed())
    }

    /// True when a pattern covers the host, so that it matters who has named it.
    pub(crate) fn has_host(&self, host: &str) -> bool {
        self.endpoints.values().any(|endpoint| endpoint.has_host(host))
    }
}

fn span(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}

/// What the live part of a door is made from, now and whenever its token is replaced.
pub(crate) struct Blueprint {
    pub(crate) connection: Connection,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) grant: Permissions,
    /// The fields of the credential but the access token, where others give that out.
    pub(crate) secrets: Vec<(String, Secret)>,
    pub(crate) redactor: Redactor,
}

impl Blueprint {
    /// Refuses variables that break the manifest's rules, overrides of endpoints that do not
    /// exist and secrets that could not be told from ordinary text. A missing secret is an error
    /// of the requests that need it.
    pub(crate) fn build(&self) -> Result<Live, Error> {
        self.build_with(&self.connection, &self.secrets, &[])
    }

    /// The same with a token and the variables that came with it, which are checked again: a host
    /// outside of the manifest's rules would be another door. Tokens of before stay watched.
    pub(crate) fn build_for(&self, token: Token, before: &[Secret]) -> Result<Live, Error> {
        let Token { secret, generation, obtained, expires, variables } = token;
        let connection = Connection { variables, ..self.connection.clone() };
        let mut secrets = self.secrets.clone();
        secrets.retain(|(name, _)| name != ACCESS_TOKEN);
        secrets.push((ACCESS_TOKEN.to_owned(), secret));
        let live = self.build_with(&connection, &secrets, before)?;
        Ok(Live { token: Some(Mark { generation, obtained, expires }), ..live })
    }

    fn build_with(
        &self,
        connection: &Connection,
        secrets: &[(String, Secret)],
        before: &[Secret],
    ) -> Result<Live, Error> {
        variable::check(connection, &self.manifest)?;
        let credential = Credential::new(connection, &self.manifest, secrets)?;
        let mut watched = credential::watched(connection, &self.manifest, secrets)?;
        watched.extend(before.iter().cloned());
        Ok(Live {
            endpoints: self.endpoints(connection)?,
            credential,
            needles: Needles::new(watched.iter()),
            token: None,
            _masked: self.redactor.mask(&watched),
        })
    }

    fn endpoints(&self, connection: &Connection) -> Result<BTreeMap<String, Endpoint>, Error> {
        let declared = &self.manifest.endpoints;
        for (name, origin) in &connection.overrides {
            if name == OVERRIDE {
                endpoint::operator(name, origin)?;
            } else if !declared.contains_key(name) {
                let message = format!("there is no endpoint `{name}` to override");
                return Err(invalid("egress.override", message));
            }
        }
        let (owned, _) = credential::names(&self.manifest);
        let ready = |(name, declared): (&String, &package::manifest::Endpoint)| {
            let mut endpoint = Endpoint::new(name, declared, connection, &self.manifest)?;
            endpoint.grant(declared, &self.grant);
            endpoint.owned.extend(owned.iter().cloned());
            Ok((name.clone(), endpoint))
        };
        declared.iter().map(ready).collect()
    }
}
