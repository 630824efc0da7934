//! The span of a job: what is logged on its account says so.

use model::queue::{Job, Leased};
use model::trace::TraceContext;
use tracing::Span;
use tracing::field::{Empty, display};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::handler::Handler;
use super::job::Cause;

/// The span of the first job of a session. It is a step of the request that the job comes from, or
/// where it comes from none the first step of a trace that all its attempts share. The run is
/// entered when it begins.
pub(super) fn of(handler: &dyn Handler, leased: &Leased) -> Span {
    let Some(job) = leased.jobs.first() else { return Span::none() };
    let cause = handler.cause(job);
    let trace = cause.as_ref().map_or_else(|| begun(leased, job), |cause| cause.trace);
    let span = tracing::info_span!(
        "job",
        trace_id = %trace.trace_id,
        parent_id = Empty,
        request_id = Empty,
        queue = %leased.lease.queue,
        tenant = %leased.lease.tenant,
        connection = Empty,
        package = leased.package,
        job = %job.id,
        attempt = job.attempt,
        run = Empty,
    );
    if let Some(connection) = &leased.connection {
        span.record("connection", display(connection));
    }
    if let Some(Cause { request, trace }) = &cause {
        span.record("request_id", request).record("parent_id", display(trace.parent_id));
    }
    span
}

/// The trace of a job that no request has caused. Jobs are told apart by what they are hashed of;
/// nobody has to guess anything.
fn begun(leased: &Leased, job: &Job) -> TraceContext {
    let (lease, queued) = (&leased.lease, job.enqueued.as_nanosecond());
    let text = format!("{}/{}/{}/{queued}", lease.tenant, lease.session, job.id);
    let (trace, span) = (xxh3_128(text.as_bytes()), xxh3_64(text.as_bytes()));
    let mut bytes = [0; 24];
    let parts = trace.to_be_bytes().into_iter().chain(span.to_be_bytes());
    bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
    TraceContext::new(bytes)
}
