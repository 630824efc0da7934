//! Errors of the workers themselves.

use std::time::Duration;

use model::store::{StoreError, StoreErrorKind};
use model::{Error, ErrorKind};

/// A handler has panicked.
pub(super) fn panicked() -> Error {
    Error::new(ErrorKind::Other, "engine.panic", "the host failed at this job; see its log").sent()
}

/// A handler did not come back.
pub(super) fn overdue(deadline: Duration) -> Error {
    let message = format!("the job did not stop within {deadline:?} of being asked to");
    Error::new(ErrorKind::Timeout, "engine.overdue", message).sent()
}

/// Whether an attempt that has failed so could not say what it left.
pub(super) fn is_cut_off(error: &Error) -> bool {
    matches!(error.code.as_str(), "engine.panic" | "engine.overdue" | "engine.store")
}

/// A job has killed its workers.
pub(super) fn quarantined(deaths: u32) -> Error {
    let message = format!(
        "{deaths} workers died at this job or were too slow for their lease, so it is kept from \
         them; retry it once the cause is gone"
    );
    Error::new(ErrorKind::Other, "engine.quarantined", message).sent()
}

/// The store let a run down.
pub(super) fn store(error: &StoreError) -> Error {
    let code =
        if error.kind() == StoreErrorKind::Fenced { "engine.fenced" } else { "engine.store" };
    Error::new(ErrorKind::Other, code, error.to_string()).sent()
}
