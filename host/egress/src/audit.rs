//! One event for every request: who, where, what came of it; never a query, a header or a body, and
//! of the host's own requests no path either.

use std::sync::Arc;
use std::time::Duration;

use model::Error;

use crate::door::Door;

/// What a request was, as far as the audit may tell.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) method: &'a str,
    /// The route of the manifest, not the path: paths hold ids of people.
    pub(crate) route: Option<Arc<str>>,
    pub(crate) bytes_out: usize,
}

/// Writes the event.
pub(crate) fn record(
    door: &Door,
    entry: Entry<'_>,
    outcome: Result<(u16, usize), &Error>,
    took: Duration,
) {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let Entry { endpoint, method, route, bytes_out } = entry;
    let route = route.as_deref().unwrap_or_default();
    let (tenant, connection) = (door.tenant.as_str(), door.connection.as_str());
    match outcome {
        Ok((status, bytes_in)) => tracing::info!(
            target: "egress::audit",
            tenant, connection, endpoint, method, route, status, bytes_out, bytes_in, ms, "answered"
        ),
        Err(error) => tracing::info!(
            target: "egress::audit",
            tenant, connection, endpoint, method, route, code = %error.code, bytes_out, ms, "failed"
        ),
    }
}

/// What a request of the host's own was; the path may be a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own<'a> {
    pub(crate) purpose: &'a str,
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
    pub(crate) bytes_out: usize,
}

/// Writes the event of a request of the host's own.
pub(crate) fn record_own(entry: &Own<'_>, outcome: Result<(u16, usize), &Error>, took: Duration) {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let Own { purpose, method, host, bytes_out } = *entry;
    match outcome {
        Ok((status, bytes_in)) => tracing::info!(
            target: "egress::audit",
            purpose, method, host, status, bytes_out, bytes_in, ms, "answered"
        ),
        Err(error) => tracing::info!(
            target: "egress::audit",
            purpose, method, host, code = %error.code, bytes_out, ms, "failed"
        ),
    }
}
