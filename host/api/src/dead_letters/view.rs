//! Dead letters as they are shown.

use model::queue::{DeadLetter, Death, Failure, Queue};
use model::{ErrorKind, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A dead letter in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadLetterRow {
    /// Which job it was.
    id: String,
    /// From which queue.
    #[schema(value_type = String)]
    queue: Queue,
    /// The line that it stood in.
    session: String,
    /// The connection that it worked for.
    connection: Option<String>,
    /// The package that did the work.
    package: Option<String>,
    /// How often it was tried.
    attempts: u32,
    /// What decided it: `permanent`, another attempt would end the same; `exhausted`, it was tried
    /// as often as it may be; `quarantined`, it has killed its workers.
    #[schema(value_type = String)]
    why: Death,
    /// When it was queued.
    enqueued: Timestamp,
    /// When it died.
    died: Timestamp,
    /// What went wrong last.
    error: Option<DeadLetterError>,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
struct DeadLetterError {
    /// The kind.
    #[schema(value_type = String)]
    kind: ErrorKind,
    /// The code.
    code: String,
    /// What a person reads.
    message: String,
}

/// An attempt that has failed.
#[derive(Debug, Serialize, ToSchema)]
struct DeadLetterFailure {
    /// When.
    at: Timestamp,
    /// Which attempt it was, counted from 1 each time the job is queued.
    attempt: u32,
    /// Why.
    error: DeadLetterError,
    /// The package that tried.
    digest: Option<String>,
    /// Whether it moved data before it failed.
    progressed: bool,
}

/// A dead letter.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadLetterView {
    /// Which one.
    letter: DeadLetterRow,
    /// What went wrong, the oldest first.
    failures: Vec<DeadLetterFailure>,
    /// What it was to do; nothing where that is no JSON.
    #[schema(value_type = Object)]
    payload: Option<Box<RawValue>>,
}

impl DeadLetterRow {
    pub(super) fn of(letter: &DeadLetter) -> Self {
        Self {
            id: letter.id.to_string(),
            queue: letter.queue,
            session: letter.session.clone(),
            connection: letter.connection.as_ref().map(ToString::to_string),
            package: letter.package.clone(),
            attempts: letter.attempts,
            why: letter.why,
            enqueued: letter.enqueued,
            died: letter.died,
            error: letter.failures.last().map(|failure| DeadLetterError::of(&failure.error)),
        }
    }
}

impl DeadLetterError {
    fn of(error: &model::Error) -> Self {
        Self { kind: error.kind, code: error.code.clone(), message: error.message.clone() }
    }
}

impl DeadLetterView {
    pub(super) fn of(letter: &DeadLetter) -> Self {
        let failure = |failure: &Failure| DeadLetterFailure {
            at: failure.at,
            attempt: failure.attempt,
            error: DeadLetterError::of(&failure.error),
            digest: failure.digest.clone(),
            progressed: failure.progressed,
        };
        Self {
            letter: DeadLetterRow::of(letter),
            failures: letter.failures.iter().map(failure).collect(),
            payload: serde_json::from_slice(&letter.payload).ok(),
        }
    }
}
