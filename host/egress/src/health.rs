//! The circuit breaker's hook: asks before a request and tells how it ended.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use model::breaker::{Hosts, Key, Outcome, Pass};
use model::{Error, ErrorKind, Timestamp};

use crate::limit;
use crate::origin::Origin;

/// A host that has not answered in this time is not well, whatever was left of the call's time.
/// Where it was waited for less, the call had too little time left, which says nothing of the host.
const SLOW_MIN: Duration = Duration::from_secs(10);

/// Whoever knows how a connection's hosts are, and in whose name they are asked.
pub(crate) struct Health {
    /// Nobody, where no breaker is wanted.
    pub(crate) hosts: Option<Arc<dyn Hosts>>,
    pub(crate) tenant: model::TenantId,
    pub(crate) package: String,
}

/// Leave to send one request. One that is dropped tells that the request was given up.
pub(crate) struct Leave<'a> {
    hosts: &'a dyn Hosts,
    key: Key,
    pass: Pass,
    outcome: Outcome,
}

impl Health {
    /// Leave to send a request to an origin, or the refusal of an open breaker.
    pub(crate) fn admit(
        &self,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Option<Leave<'_>>, Error> {
        let Some(hosts) = self.hosts.as_deref() else { return Ok(None) };
        let (tenant, package) = (self.tenant.clone(), self.package.clone());
        let key = Key { tenant, package, host: origin.authority().to_string() };
        match hosts.admit(&key) {
            Ok(pass) => Ok(Some(Leave { hosts, key, pass, outcome: Outcome::Unknown })),
            Err(until) => Err(refused(&key.host, until, now)),
        }
    }
}

impl Leave<'_> {
    /// Notes how the answer began. Whatever a host answers, it is well, unless it says itself
    /// that it is not; 501 says that it never will do this.
    pub(crate) fn answered(&mut self, status: StatusCode, headers: &HeaderMap, now: Timestamp) {
        let failed = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
        self.outcome = if failed {
            Outcome::Failed(limit::retry_after(headers, now))
        } else {
            Outcome::Answered
        };
    }

    /// Notes that there was no answer, or not all of it, and how long it was waited for.
    pub(crate) fn failed(&mut self, error: &Error, waited: Duration) {
        let slow = error.kind == ErrorKind::Timeout && waited >= SLOW_MIN;
        if error.rule().breaker || slow {
            self.outcome = Outcome::Failed(None);
        }
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.hosts.report(&self.key, self.pass, self.outcome);
    }
}

fn refused(host: &str, until: Timestamp, now: Timestamp) -> Error {
    let wait = until.duration_since(now).try_into().unwrap_or_default();
    let message = format!("`{host}` has failed too often of late; it is not asked until {until}");
    Error::new(ErrorKind::Unavailable, "egress.breaker-open", message).retry_after(wait)
}
