//! What the queues refuse before they are asked to hold it.

use std::time::Duration;

use model::queue::{
    BATCH_BYTES_MAX, BATCH_MAX, DEDUPES_MAX, Dedupe, DedupeUntil, KEY_BYTES_MAX, LEASE_MAX, NewJob,
    PAYLOAD_BYTES_MAX, PauseScope, REASON_BYTES_MAX,
};
use model::store::StoreError;

use crate::check::{self, in_key, invalid, length};

/// The longest name of a package or a worker, in bytes.
const NAME_BYTES_MAX: usize = 256;

pub(super) fn batch(what: &str, count: usize) -> Result<(), StoreError> {
    check::batch(what, count, BATCH_MAX)
}

pub(super) fn jobs(jobs: &[NewJob]) -> Result<(), StoreError> {
    batch("jobs", jobs.len())?;
    let bytes: usize = jobs.iter().map(|job| job.payload.len()).sum();
    if bytes > BATCH_BYTES_MAX {
        let message = format!(
            "the payloads of one call have {bytes} bytes; send at most {BATCH_BYTES_MAX} at once"
        );
        return Err(invalid(message));
    }
    Ok(())
}

pub(super) fn job(job: &NewJob) -> Result<(), StoreError> {
    session(&job.session)?;
    payload(&job.payload)?;
    if let Some(package) = &job.package {
        self::package(package)?;
    }
    if job.dedupe.len() > DEDUPES_MAX {
        let count = job.dedupe.len();
        return Err(invalid(format!("a job has {count} dedupe keys; send at most {DEDUPES_MAX}")));
    }
    job.dedupe.iter().try_for_each(|Dedupe { key, until }| {
        length("a dedupe key", key.len(), 1, KEY_BYTES_MAX)?;
        match until {
            DedupeUntil::Elapsed(time) if time.is_zero() => {
                Err(invalid("a dedupe key holds for no time; send a longer one, or no key"))
            }
            DedupeUntil::Elapsed(_) | DedupeUntil::Finished => Ok(()),
        }
    })
}

pub(super) fn session(session: &str) -> Result<(), StoreError> {
    in_key("the name of a session", session, KEY_BYTES_MAX)
}

/// Refuses the pause that goes with the state of a connection.
pub(super) fn scope(scope: &PauseScope) -> Result<(), StoreError> {
    match scope {
        PauseScope::Unauthorised(connection) => Err(invalid(format!(
            "work of {connection} rests because its account must be authorised again; connect it \
             again, with `plughouse connect`, and it goes on"
        ))),
        PauseScope::Session(_, session) => self::session(session),
        PauseScope::Package(package) => self::package(package),
        PauseScope::Queue(_) | PauseScope::Connection(_) => Ok(()),
    }
}

pub(super) fn payload(payload: &[u8]) -> Result<(), StoreError> {
    length("the payload of a job", payload.len(), 0, PAYLOAD_BYTES_MAX)
}

pub(super) fn reason(reason: &str) -> Result<(), StoreError> {
    length("the reason", reason.len(), 0, REASON_BYTES_MAX)
}

pub(super) fn worker(worker: &str) -> Result<(), StoreError> {
    length("the name of a worker", worker.len(), 0, NAME_BYTES_MAX)
}

pub(super) fn lease(lease: Duration) -> Result<(), StoreError> {
    if lease.is_zero() || lease > LEASE_MAX {
        let seconds = LEASE_MAX.as_secs();
        return Err(invalid(format!(
            "a lease of {lease:?}; ask for more than nothing and at most {seconds} s"
        )));
    }
    Ok(())
}

fn package(name: &str) -> Result<(), StoreError> {
    in_key("the name of a package", name, NAME_BYTES_MAX)
}
